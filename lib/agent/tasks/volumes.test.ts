// Arrays and partitions as tasks: what is kept, what is made anew, and what is refused before anything is written.
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { ArrayFacts, ArrayOrder, PrepareVolumesTask } from '../../provision/protocol.ts';
import type { Mount, Partition } from '../../provision/volumes/partitions.ts';
import { AgentError } from '../errors.ts';
import type { Hardware } from '../hardware.ts';
import { configureRaid } from './configure-raid.ts';
import { prepareVolumes } from './prepare-volumes.ts';

const MIB = 1024 * 1024;

/** A machine with four disks, and whatever arrays there are. */
function machine(arrays: ArrayFacts[], quirks: { lies?: boolean; degrades?: boolean; forgetsTables?: boolean } = {}) {
  const done: string[] = [];
  const tables = new Map<string, readonly Partition[]>();
  let mounted: readonly Mount[] = [];
  const refuse = () => {
    throw new AgentError('AgentFailed', 'not for this test');
  };
  const hardware: Hardware = {
    identity: refuse,
    inventory: refuse,
    write: refuse,
    writeSeed: refuse,
    setPassword: refuse,
    unpack: refuse,
    fileDigests: refuse,
    makeBootable: refuse,
    wipe: refuse,
    disks: async () =>
      ['A', 'B', 'C', 'D'].map((serialNumber) => ({
        name: `sd${serialNumber.toLowerCase()}`,
        serialNumber,
        model: 'M',
        sizeBytes: 512 * MIB,
        rotational: false,
        transport: 'sata' as const,
      })),
    arrays: async () => [...arrays],
    async createArray({ id, level, disks }) {
      done.push(`create ${id}`);
      if (quirks.lies) return;
      const state = quirks.degrades ? 'degraded' : 'whole';
      arrays.push({ id, level, disks: quirks.degrades ? disks.slice(1) : disks, sizeBytes: 0, state });
    },
    async removeArray(id) {
      done.push(`remove ${id}`);
      arrays.splice(
        arrays.findIndex((array) => array.id === id),
        1,
      );
    },
    async *read(id) {
      const at = arrays.findIndex((array) => array.id === id);
      arrays[at] = { ...arrays[at]!, sizeBytes: 511 * MIB };
      yield Buffer.alloc(512);
    },
    async format(serialNumber, partitions) {
      done.push(`format ${serialNumber}`);
      if (!quirks.forgetsTables) tables.set(serialNumber, partitions);
    },
    partitions: async (serialNumber) => tables.get(serialNumber)?.map(({ id }) => id) ?? [],
    async putMounts(serialNumber, mounts) {
      done.push(`mounts on ${serialNumber}`);
      mounted = mounts;
    },
  };
  const context = { hardware, signal: new AbortController().signal, progress: () => undefined };
  return { context, done, tables, mounts: () => mounted };
}

const order = (id: string, disks: string[], more: Partial<ArrayOrder> = {}): ArrayOrder => ({
  id,
  name: 'data',
  level: 'RAID1',
  disks,
  boots: false,
  keep: false,
  ...more,
});
const facts = (id: string, disks: string[], more: Partial<ArrayFacts> = {}): ArrayFacts => ({
  id,
  level: 'RAID1',
  disks,
  sizeBytes: 0,
  state: 'whole',
  ...more,
});

async function configured(there: ArrayFacts[], orders: ArrayOrder[], quirks?: Parameters<typeof machine>[1]) {
  const { context, done } = machine(there, quirks);
  const task = { id: 'o/configure-raid/1', kind: 'configure-raid', arrays: orders } as const;
  const told = await configureRaid(task, context).then(
    ({ arrays }) => arrays.map(({ id, state, sizeBytes }) => `${id} ${state} ${sizeBytes > 0 ? 'runs' : 'stands'}`),
    (error: unknown) => (error instanceof AgentError ? `${error.code}: ${error.message}` : String(error)),
  );
  return { told, done };
}

test('an array is made once: another try finds it, and what the last one left unfinished is made anew', async () => {
  assert.equal(await configured([], [order('x', ['A', 'B'])]), { told: ['x whole runs'], done: ['create x'] });
  const again = await configured([facts('x', ['B', 'A'])], [order('x', ['A', 'B'])]);
  assert.equal(again, { told: ['x whole runs'], done: [] });
  const half = await configured([facts('x', ['A'], { state: 'degraded' })], [order('x', ['A', 'B'])]);
  assert.equal(half, { told: ['x whole runs'], done: ['remove x', 'create x'] });
  const other = await configured([facts('x', ['A', 'B'], { level: 'RAID0' })], [order('x', ['A', 'B'])]);
  assert.equal(other.done, ['remove x', 'create x']);
});

test('an array that somebody else has made is refused before any is made', async () => {
  const orders = [order('x', ['C', 'D']), order('y', ['A', 'B'])];
  const { told, done } = await configured([facts('z', ['B'], { state: 'degraded', level: 'other' })], orders);
  assert.match(String(told), /^ArrayForeign: disk B of volume data belongs to the other array z.*nothing was written$/);
  assert.equal(done, []);
});

test('an array of other disks is nobody’s business', async () => {
  assert.equal((await configured([facts('z', ['C', 'D'])], [order('x', ['A', 'B'])])).done, ['create x']);
});

test('what holds something is never made anew, whatever is wrong with it', async () => {
  const keep = [order('x', ['A', 'B'], { keep: true })];
  const tries = [
    ['ArrayMissing', []],
    ['ArrayDegraded', [facts('x', ['A'], { state: 'degraded' })]],
    ['ArrayForeign', [facts('x', ['A', 'B'], { level: 'RAID0' })]],
  ] as const;
  for (const [code, there] of tries) {
    const { told, done } = await configured([...there], keep);
    assert.match(String(told), new RegExp(`^${code}: `));
    assert.equal(done, []);
  }
  assert.equal(await configured([facts('x', ['A', 'B'])], keep), { told: ['x whole runs'], done: [] });
});

test('what was made is looked at: missing, or lacking a disk, it is an error', async () => {
  const orders = [order('x', ['A', 'B'])];
  assert.match(String((await configured([], orders, { lies: true })).told), /^ArrayRefused: .* is said to be made/);
  const { told } = await configured([], orders, { degrades: true });
  assert.is(told, 'ArrayDegraded: the array of volume data is degraded; disks missing: A');
});

test('a disk that is not there is told before anything is made', async () => {
  const { told, done } = await configured([], [order('x', ['A', 'B']), order('y', ['C', 'E'])]);
  assert.is(told, 'DiskMissing: volume data lacks the disks E');
  assert.equal(done, []);
});

const volume = (diskSerialNumber: string, sizeMiB?: number): PrepareVolumesTask['volumes'][number] => ({
  name: `of ${diskSerialNumber}`,
  diskSerialNumber,
  partitions: [
    {
      id: `p-${diskSerialNumber}`,
      fileSystem: 'xfs',
      ...(sizeMiB !== undefined && { sizeBytes: sizeMiB * MIB }),
    },
  ],
});
const prepare = (volumes: PrepareVolumesTask['volumes'], mounts: readonly Mount[] = []): PrepareVolumesTask => ({
  id: 'o/prepare-volumes/1',
  kind: 'prepare-volumes',
  diskSerialNumber: 'A',
  volumes,
  mounts,
});

test('volumes are formatted, looked at, and mounted by the system', async () => {
  const { context, done, mounts } = machine([]);
  const mount: Mount = { id: 'p-B', fileSystem: 'xfs', mountPoint: '/srv' };
  assert.equal(await prepareVolumes(prepare([volume('B')], [mount]), context), {
    volumes: [{ name: 'of B', partitions: [mount] }],
  });
  assert.equal(done, ['format B', 'mounts on A']);
  assert.equal(mounts(), [mount]);
});

test('one volume that does not fit keeps all from being written', async () => {
  const { context, done } = machine([]);
  const error = await prepareVolumes(prepare([volume('B'), volume('C', 600)]), context).catch(
    (wrong: unknown) => wrong,
  );
  assert.is((error as AgentError).code, 'BadVolumes');
  assert.match((error as AgentError).message, /^volume of C: partitions of 629145600 bytes do not fit into/);
  assert.equal(done, []);
});

test('a table that is not there after all is an error, and nothing is mounted', async () => {
  const { context, done } = machine([], { forgetsTables: true });
  const error = await prepareVolumes(prepare([volume('B')]), context).catch((wrong: unknown) => wrong);
  assert.is((error as AgentError).code, 'ReadBackMismatch');
  assert.equal(done, ['format B']);
});

test.run();
