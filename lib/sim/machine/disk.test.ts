import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { seededRandom } from '../bmc/faults.ts';
import { buildImage } from '../image.ts';
import { CHUNK_BYTES, FleetStore } from '../store.ts';
import { SimulatedDisk } from './disk.ts';

const MIB = 1024 * 1024;
const facts = (serialNumber: string, sizeBytes = 4 * MIB) =>
  ({ name: 'sda', serialNumber, model: 'M', sizeBytes, rotational: false, transport: 'sata' }) as const;

async function* pieces(bytes: Buffer, length: number) {
  for (let at = 0; at < bytes.length; at += length) yield bytes.subarray(at, at + length);
}
const free = async () => undefined;
const content = (disk: SimulatedDisk, offset: number, bytes: number) => Buffer.concat([...disk.read(offset, bytes)]);

test('a disk is what was written to it, at any offset and in any pieces', async () => {
  using store = new FleetStore(':memory:');
  const disk = new SimulatedDisk(facts('S'), store);
  const random = seededRandom(7);
  const model = Buffer.alloc(4 * MIB);
  const whole = (below: number) => Math.floor(random() * below);
  for (let round = 0; round < 40; round++) {
    const offset = whole(4 * MIB);
    const bytes = Buffer.alloc(whole(Math.min(2 * CHUNK_BYTES, 4 * MIB - offset)), whole(3));
    bytes.copy(model, offset);
    const written = await disk.write(offset, pieces(bytes, 1 + whole(100_000)), free);
    assert.is(written, bytes.length);
    const from = whole(4 * MIB);
    const length = whole(4 * MIB - from);
    assert.ok(content(disk, from, length).equals(model.subarray(from, from + length)), `round ${round}`);
  }
  disk.erase();
  assert.ok(disk.isEmpty());
  assert.ok(content(disk, 0, 4 * MIB).equals(Buffer.alloc(4 * MIB)));
});

test('nothing goes beyond the end, and what was before it stays', async () => {
  using store = new FleetStore(':memory:');
  const disk = new SimulatedDisk(facts('S', MIB), store);
  const error = await disk.write(MIB - 10, pieces(Buffer.alloc(11, 1), 11), free).catch((failure: unknown) => failure);
  assert.is((error as { code: string }).code, 'ImageTooLarge');
});

test('a disk boots when every byte of an image is there, and not before', async () => {
  using store = new FleetStore(':memory:');
  const disk = new SimulatedDisk(facts('S'), store);
  const image = buildImage('tiny', 2 * MIB);
  assert.is(disk.installed(), undefined);
  await disk.write(0, pieces(image.subarray(0, -1), 65_536), free);
  assert.is(disk.installed(), undefined, 'one byte is missing');
  await disk.write(image.length - 1, pieces(image.subarray(-1), 1), free);
  assert.is(disk.installed()?.image, 'tiny');
  await disk.write(MIB, pieces(Buffer.alloc(1), 1), free);
  assert.is(disk.installed(), undefined, 'one byte is another');
});

test('disks share what they hold alike, and zeros take no room', async () => {
  using store = new FleetStore(':memory:');
  const disks = ['A', 'B'].map((serial) => new SimulatedDisk(facts(serial), store));
  for (const disk of disks) await disk.write(0, pieces(buildImage('tiny', 2 * MIB), 65_536), free);
  assert.is(store.contentDigest('A', 8), store.contentDigest('B', 8));
  await disks[0]!.write(0, pieces(Buffer.alloc(2 * MIB), 65_536), free);
  assert.ok(disks[0]!.isEmpty());
  assert.ok(disks[1]!.installed());
});

test.run();
