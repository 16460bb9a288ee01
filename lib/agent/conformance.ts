// What every implementation of the hardware interface must do, as cases that run against any: the simulated machine, and
// Linux on real or virtual disks. They destroy what is on the disk that they are given.
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { guidOf, layOut } from '../provision/volumes/partitions.ts';
import { layOutSystem, systemMounts } from '../provision/volumes/system-partitions.ts';
import { AgentError } from './errors.ts';
import type { Hardware } from './hardware.ts';
import { TAR_END, tarEntry } from './tar-entry.ts';

export interface ConformanceCase {
  readonly name: string;
  readonly run: (hardware: Hardware, scratchSerialNumber: string, otherSerialNumber: string) => Promise<void>;
}

/** On a machine with a RAID controller: two disks that it keeps for itself, and its serial number. */
export interface ControllerCase {
  readonly name: string;
  readonly run: (hardware: Hardware, kept: readonly [string, string], controller: string) => Promise<void>;
}

const MIB = 1024 * 1024;
const never = new AbortController().signal;

async function* pieces(bytes: Buffer, length = 65_000): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += length) yield bytes.subarray(at, at + length);
}

async function content(hardware: Hardware, serial: string, offset: number, bytes: number): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of hardware.read(serial, offset, bytes, never)) chunks.push(chunk);
  return Buffer.concat(chunks);
}

const digestOf = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');

async function code(work: Promise<unknown>): Promise<string> {
  try {
    await work;
  } catch (error) {
    return error instanceof AgentError ? error.code : String(error);
  }
  return 'done';
}

export const CONFORMANCE: readonly ConformanceCase[] = [
  {
    name: 'the inventory agrees with identity and disks, and is the same when asked again',
    async run(hardware, serial) {
      const inventory = await hardware.inventory(never);
      const { serialNumber, macAddresses } = await hardware.identity();
      assert.deepEqual([inventory.serialNumber, inventory.macAddresses], [serialNumber, macAddresses]);
      assert.deepEqual(inventory.disks, await hardware.disks());
      assert.deepEqual(await hardware.inventory(never), inventory);
      assert.equal(inventory.disks.filter((disk) => disk.serialNumber === serial).length, 1);
      assert.ok(inventory.cpu.threads >= inventory.cpu.cores && inventory.cpu.cores >= inventory.cpu.sockets);
      assert.ok(inventory.memory.totalBytes > 0 && inventory.macAddresses.length > 0);
    },
  },
  {
    name: 'what is written is read back, at any offset',
    async run(hardware, serial) {
      const bytes = randomBytes(3 * MIB + 512);
      assert.deepEqual(await hardware.write(serial, 0, pieces(bytes), never), { bytes: bytes.length });
      assert.ok((await content(hardware, serial, 0, bytes.length)).equals(bytes));
      const part = randomBytes(100_000);
      await hardware.write(serial, MIB + 512, pieces(part, 333), never);
      part.copy(bytes, MIB + 512);
      assert.ok((await content(hardware, serial, 0, bytes.length)).equals(bytes));
      assert.ok((await content(hardware, serial, MIB + 7, 99)).equals(bytes.subarray(MIB + 7, MIB + 106)));
    },
  },
  {
    name: 'the end of the disk can be written, and nothing beyond it',
    async run(hardware, serial) {
      const { sizeBytes } = (await hardware.disks()).find((disk) => disk.serialNumber === serial)!;
      const last = randomBytes(4096);
      await hardware.write(serial, sizeBytes - last.length, pieces(last), never);
      assert.ok((await content(hardware, serial, sizeBytes - last.length, last.length)).equals(last));
      const beyond = hardware.write(serial, sizeBytes - 512, pieces(randomBytes(1024)), never);
      assert.equal(await code(beyond), 'ImageTooLarge');
    },
  },
  {
    name: 'a source that fails ends the write with its own error',
    async run(hardware, serial) {
      async function* failing() {
        yield randomBytes(1000);
        throw new AgentError('ImageUnavailable', 'gone');
      }
      assert.equal(await code(hardware.write(serial, 0, failing(), never)), 'ImageUnavailable');
    },
  },
  {
    name: 'an aborted write ends, and touches nothing afterwards',
    async run(hardware, serial) {
      const stopped = new AbortController();
      async function* endless() {
        for (let sent = 0; ; sent += MIB) {
          if (sent === 8 * MIB) stopped.abort(new Error('stopped'));
          yield Buffer.alloc(MIB, 0xaa);
        }
      }
      assert.notEqual(await code(hardware.write(serial, 0, endless(), stopped.signal)), 'done');
      const mark = randomBytes(MIB);
      await hardware.write(serial, 0, pieces(mark), never);
      assert.ok((await content(hardware, serial, 0, MIB)).equals(mark));
    },
  },
  {
    name: 'a disk that is not there is told from one that fails',
    async run(hardware, serial) {
      const missing = 'NO-SUCH-DISK';
      const password = hardware.setPassword(missing, 'root', '$6$x$y', never);
      assert.deepEqual(
        await Promise.all([
          code(hardware.write(missing, 0, pieces(Buffer.alloc(1)), never)),
          code(content(hardware, missing, 0, 1)),
          code(hardware.writeSeed(missing, {}, never)),
          code(password),
          code(hardware.wipe(missing, () => undefined, never)),
          code(
            hardware.createArray(
              { id: '0'.repeat(32), name: 'data', level: 'RAID1', disks: [serial, missing], boots: false, keep: false },
              never,
            ),
          ),
        ]),
        Array(6).fill('DiskMissing'),
      );
    },
  },
  {
    name: 'an array is made, read and written by its id, known by its disks, and taken apart',
    async run(hardware, serial, other) {
      const disks = [serial, other];
      for (const [level, boots] of [
        ['RAID1', true],
        ['RAID0', false],
      ] as const) {
        const id = createHash('sha256').update(randomBytes(16)).digest('hex').slice(0, 32);
        const order = { id, name: 'data', level, disks, boots, keep: false };
        await hardware.createArray(order, never);
        const bytes = randomBytes(2 * MIB + 512);
        await hardware.write(id, MIB, pieces(bytes), never);
        assert.ok((await content(hardware, id, MIB, bytes.length)).equals(bytes));
        if (boots) assert.ok((await content(hardware, other, MIB, bytes.length)).equals(bytes), 'as firmware sees it');
        const found = (await hardware.arrays(never)).find((array) => array.id === id);
        assert.deepEqual(
          { ...found, disks: found?.disks.toSorted() },
          { ...found, level, state: 'whole', disks: disks.toSorted() },
        );
        const smaller = Math.min(
          ...(await hardware.disks()).filter((one) => disks.includes(one.serialNumber)).map((one) => one.sizeBytes),
        );
        const size = found!.sizeBytes / (level === 'RAID0' ? 2 : 1);
        assert.ok(size <= smaller && size > smaller - 8 * MIB, `${size} of ${smaller} bytes of each disk`);
        const beyond = hardware.write(id, found!.sizeBytes - 512, pieces(randomBytes(1024)), never);
        assert.equal(await code(beyond), 'ImageTooLarge');
        const again = hardware.createArray({ ...order, id: id.replaceAll(/./g, '7') }, never);
        assert.equal(await code(again), 'ArrayForeign');
        assert.ok((await content(hardware, id, MIB, bytes.length)).equals(bytes), 'and nothing was written');
        await hardware.removeArray(id, never);
        await hardware.removeArray(id, never);
        assert.deepEqual(await hardware.arrays(never), []);
        assert.equal(await code(content(hardware, id, 0, 512)), 'DiskMissing');
      }
    },
  },
  {
    name: 'a disk is formatted, tells its partitions, and holds no system',
    async run(hardware, serial) {
      const { sizeBytes } = (await hardware.disks()).find((disk) => disk.serialNumber === serial)!;
      for (const what of ['one', 'two']) {
        const wishes = [
          { id: guidOf(`${what} 1`), fileSystem: 'swap', sizeBytes: 16 * MIB },
          { id: guidOf(`${what} 2`), fileSystem: 'vfat', sizeBytes: 16 * MIB },
          { id: guidOf(`${what} 3`), fileSystem: 'ext4' },
        ] as const;
        await hardware.format(serial, layOut(wishes, sizeBytes), never);
        assert.deepEqual(
          await hardware.partitions(serial, never),
          wishes.map(({ id }) => id),
        );
      }
      assert.equal(await code(hardware.putMounts(serial, [], never)), 'NoSystem');
      await hardware.write(serial, 0, pieces(Buffer.alloc(MIB)), never);
      await hardware.write(serial, sizeBytes - MIB, pieces(Buffer.alloc(MIB)), never);
      assert.deepEqual(await hardware.partitions(serial, never), []);
    },
  },
  {
    name: 'a tar is unpacked and told as it is on the disk, and boots where it has a kernel; none goes where none fits',
    async run(hardware, serial) {
      const { sizeBytes } = (await hardware.disks()).find((disk) => disk.serialNumber === serial)!;
      const wishes = [
        { id: guidOf('tar 1'), fileSystem: 'ext4', sizeBytes: 64 * MIB, mountPoint: '/' },
        { id: guidOf('tar 2'), fileSystem: 'ext4', sizeBytes: 32 * MIB, mountPoint: '/srv' },
        { id: guidOf('tar 3'), fileSystem: 'swap' },
      ] as const;
      const mounts = systemMounts(wishes);
      const files: Readonly<Record<string, Buffer>> = {
        'etc/shadow': Buffer.from('root:*:19000:0:99999:7:::\n'),
        'srv/data': randomBytes(3 * MIB + 1),
        'srv/empty': Buffer.alloc(0),
      };
      const kernel = { 'boot/vmlinuz-6.1': randomBytes(MIB) };
      const unpack = (what: Readonly<Record<string, Buffer>>) => {
        const archive = Object.entries(what).map(([path, bytes]) => tarEntry(path, bytes));
        return hardware.unpack(serial, mounts, pieces(Buffer.concat([...archive, TAR_END])), never);
      };
      await hardware.format(serial, layOutSystem(wishes, sizeBytes), never);
      await unpack(files);
      const told = new Map<string, string | undefined>();
      const paths = [...Object.keys(files), 'srv', 'srv/nothing'];
      await hardware.fileDigests(serial, mounts, paths, (path, digest) => told.set(path, digest), never);
      const digests = Object.entries(files).map(([path, bytes]) => [path, digestOf(bytes)] as const);
      assert.deepEqual([...told], [...digests, ['srv', undefined], ['srv/nothing', undefined]]);
      const tell = () => {
        throw new AgentError('ReadBackMismatch', 'seen enough');
      };
      assert.equal(await code(hardware.fileDigests(serial, mounts, paths, tell, never)), 'ReadBackMismatch');
      assert.equal(await code(hardware.makeBootable(serial, mounts, '', never)), 'NoSystem');
      await unpack({ ...files, ...kernel });
      await hardware.makeBootable(serial, mounts, 'quiet', never);
      await hardware.makeBootable(serial, mounts, 'quiet', never);
      assert.equal(await code(unpack({ ...files, 'etc/large': Buffer.alloc(65 * MIB, 1) })), 'ImageTooLarge');
    },
  },
  {
    name: 'a wiped disk is empty from end to end, says how it was done, and holds no system',
    async run(hardware, serial) {
      const { sizeBytes } = (await hardware.disks()).find((disk) => disk.serialNumber === serial)!;
      await hardware.write(serial, 0, pieces(randomBytes(2 * MIB)), never);
      await hardware.write(serial, sizeBytes - MIB, pieces(randomBytes(MIB)), never);
      const percents: number[] = [];
      const wiped = await hardware.wipe(serial, (percent) => percents.push(percent), never);
      assert.deepEqual([wiped.serialNumber, wiped.bytes], [serial, sizeBytes]);
      assert.ok(wiped.samplesVerified >= 64);
      assert.deepEqual(
        percents,
        percents.toSorted((a, b) => a - b),
      );
      assert.ok(percents.every((percent) => percent >= 0 && percent <= 100));
      const digest = createHash('sha256').update(await content(hardware, serial, 0, 2 * MIB));
      assert.equal(
        digest.digest('hex'),
        createHash('sha256')
          .update(Buffer.alloc(2 * MIB))
          .digest('hex'),
      );
      assert.ok((await content(hardware, serial, sizeBytes - MIB, MIB)).equals(Buffer.alloc(MIB)));
      assert.equal(await code(hardware.setPassword(serial, 'root', '$6$x$y', never)), 'NoSystem');
    },
  },
];

export const CONTROLLER_CONFORMANCE: readonly ControllerCase[] = [
  {
    name: 'disks that a controller keeps are told with it, and are not read or written as they are',
    async run(hardware, kept, controller) {
      const { controllers = [], disks } = await hardware.inventory(never);
      assert.ok(controllers.some(({ serialNumber, tool }) => serialNumber === controller && tool !== undefined));
      for (const serial of kept) assert.equal(disks.find((one) => one.serialNumber === serial)?.controller, controller);
      assert.equal(await code(hardware.write(kept[0], 0, pieces(Buffer.alloc(512)), never)), 'DiskMissing');
      assert.equal(await code(content(hardware, kept[0], 0, 512)), 'DiskMissing');
    },
  },
  {
    name: 'a controller makes arrays of its own disks alone, of one or several, and takes them apart',
    async run(hardware, kept, controller) {
      const id = () => randomBytes(6).toString('hex');
      const order = {
        id: id(),
        name: 'data',
        controller,
        level: 'RAID1',
        disks: kept,
        boots: false,
        keep: false,
      } as const;
      await hardware.createArray(order, never);
      const bytes = randomBytes(MIB + 512);
      await hardware.write(order.id, MIB, pieces(bytes), never);
      assert.ok((await content(hardware, order.id, MIB, bytes.length)).equals(bytes));
      const [found, ...others] = await hardware.arrays(never);
      assert.deepEqual(
        { ...found, disks: found?.disks.toSorted() },
        { ...found, id: order.id, controller, level: 'RAID1', state: 'whole', disks: kept.toSorted() },
      );
      assert.deepEqual(others, []);
      assert.ok(
        (await hardware.disks()).every(
          ({ sizeBytes, controller: of }) => of !== undefined || sizeBytes !== found!.sizeBytes,
        ),
      );
      const alone = { ...order, id: id(), level: 'RAID0', disks: [kept[1]] } as const;
      assert.equal(await code(hardware.createArray(alone, never)), 'ArrayForeign');
      assert.equal(await code(hardware.wipe(kept[1], () => undefined, never)), 'ArrayForeign');
      assert.ok((await content(hardware, order.id, MIB, bytes.length)).equals(bytes), 'and nothing was written');
      await hardware.removeArray(order.id, never);
      await hardware.createArray(alone, never);
      assert.deepEqual(
        (await hardware.arrays(never)).map((one) => one.disks),
        [[kept[1]]],
      );
      await hardware.removeArray(alone.id, never);
      await hardware.removeArray(alone.id, never);
      assert.deepEqual(await hardware.arrays(never), []);
    },
  },
  {
    name: 'a disk that a controller keeps is wiped as far as it gives it, and no array of it stays',
    async run(hardware, kept, controller) {
      const { sizeBytes } = (await hardware.disks()).find((disk) => disk.serialNumber === kept[0])!;
      const wiped = await hardware.wipe(kept[0], () => undefined, never);
      assert.deepEqual([wiped.serialNumber, wiped.method], [kept[0], 'overwrite']);
      assert.ok(wiped.bytes <= sizeBytes && wiped.bytes > sizeBytes / 2);
      assert.deepEqual(await hardware.arrays(never), []);
      assert.ok(
        (await hardware.disks()).some((disk) => disk.serialNumber === kept[0] && disk.controller === controller),
      );
    },
  },
];
