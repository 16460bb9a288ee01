// Disks that erase themselves, refuse to, lie about it, or keep what they have whatever is done.
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { WipeMethod } from '../provision/protocol.ts';
import { AgentError } from './errors.ts';
import { type OwnErasure, type WipeableDisk, wipeDisk } from './wiping.ts';

const MIB = 1024 * 1024;
const never = new AbortController().signal;

interface Habits {
  /** What it says of each of its own ways: done, and what is left of its content. */
  readonly own?: readonly (readonly [method: OwnErasure['method'], said: boolean, leaves: number | 'data'])[];
  readonly keeps?: boolean;
  readonly readOnly?: boolean;
}

/** A disk of 8 MiB with data from end to end. */
function disk({ own = [], keeps = false, readOnly = false }: Habits = {}) {
  const content = Buffer.alloc(8 * MIB, 'data');
  const done: WipeMethod[] = [];
  const wipeable: WipeableDisk = {
    serialNumber: 'S1',
    sizeBytes: content.length,
    isReadOnly: async () => readOnly,
    erasures: own.map(([method, said, leaves]) => ({
      method,
      async erase(progress) {
        done.push(method);
        progress(100);
        if (leaves !== 'data') content.fill(leaves);
        return said;
      },
    })),
    async overwrite(progress) {
      done.push('overwrite');
      progress(50);
      if (!keeps) content.fill(0);
    },
    async *read(offset, bytes) {
      yield content.subarray(offset, offset + bytes);
    },
  };
  return { wipeable, done, content };
}

const wiped = (wipeable: WipeableDisk) => wipeDisk(wipeable, Math.random, () => undefined, never);
const code = (work: Promise<unknown>) =>
  work.then(
    () => 'done',
    (error: unknown) => (error instanceof AgentError ? error.code : String(error)),
  );

test('a disk that erases itself is not overwritten, whether it then reads as zeros or as ones', async () => {
  for (const leaves of [0, 0xff]) {
    const { wipeable, done } = disk({ own: [['nvme-sanitize', true, leaves]] });
    const { method, samplesVerified, bytes, unverified } = await wiped(wipeable);
    assert.equal([method, bytes, unverified], ['nvme-sanitize', 8 * MIB, undefined]);
    assert.ok(samplesVerified >= 256);
    assert.equal(done, ['nvme-sanitize']);
  }
});

test('what it refuses is gone past, the next best way is gone', async () => {
  const { wipeable, done } = disk({
    own: [
      ['nvme-sanitize', false, 'data'],
      ['nvme-format', true, 0],
    ],
  });
  const { method, unverified } = await wiped(wipeable);
  assert.equal([method, unverified], ['nvme-format', undefined]);
  assert.equal(done, ['nvme-sanitize', 'nvme-format']);
});

test('a disk that says it has erased itself, and has not, is overwritten, and that is on record', async () => {
  const { wipeable, content } = disk({ own: [['ata-secure-erase', true, 'data']] });
  const { method, unverified } = await wiped(wipeable);
  assert.equal([method, unverified], ['overwrite', ['ata-secure-erase']]);
  assert.ok(content.equals(Buffer.alloc(8 * MIB)));
});

test('a little that is left at either end is found', async () => {
  for (const place of [0, 8 * MIB - 1]) {
    const { wipeable, content, done } = disk({ own: [['nvme-format', true, 0]] });
    const { erasures } = wipeable;
    const leaving = {
      ...erasures[0]!,
      async erase(...of: Parameters<OwnErasure['erase']>) {
        const said = await erasures[0]!.erase(...of);
        content[place] = 1;
        return said;
      },
    };
    assert.is((await wiped({ ...wipeable, erasures: [leaving] })).method, 'overwrite');
    assert.equal(done, ['nvme-format', 'overwrite']);
  }
});

test('a disk that keeps its data is not said to be wiped', async () => {
  const { wipeable } = disk({ own: [['nvme-format', true, 'data']], keeps: true });
  assert.is(await code(wiped(wipeable)), 'WipeNotVerified');
  await wiped(wipeable).then(
    () => assert.unreachable(),
    (error: Error) => assert.is(error.message, 'disk S1 still holds data after nvme-format, overwrite'),
  );
});

test('BMO 596: a disk that cannot be written to is not passed over', async () => {
  const { wipeable, done } = disk({ readOnly: true });
  assert.is(await code(wiped(wipeable)), 'DiskReadOnly');
  assert.equal(done, []);
});

test.run();
