// Arrays of Linux's own, by mdadm: whole disks put together, known by what stands in their superblocks.
//
// What the firmware boots from has its superblock at the end (metadata 1.0), so that each disk of a mirror begins like the
// array itself; all others have it at the beginning (1.2), where it is harder to lose. No udev runs here: nodes are made by
// the kernel.
//
// Source: mdadm(8), --examine --export; md(4); the kernel's Documentation/admin-guide/md.rst.
import type { ArrayFacts, DiskFacts } from '../../../provision/protocol.ts';
import type { ArrayLevel } from '../../../provision/volumes/raid.ts';
import { AgentError } from '../../errors.ts';
import { CommandError, run, runIfInstalled } from '../command.ts';
import { type Disk, required, theDisk } from '../disks.ts';
import { list, readNumber, readText } from '../sysfs.ts';
import type { ArrayDevice, FoundArray, Making, RaidDriver } from './driver.ts';

/** sysfs counts sectors of this size whatever the disk's own is. */
const SECTOR_BYTES = 512;
/** Nodes below this number are those that others may have made. */
const FIRST_NODE = 100;
/** Two disks of one array that differ by so much were both there when the power went. md(4), "event count" */
const EVENTS_APART = 1;

/** What a superblock says, as far as it is of use here. */
export interface Superblock {
  /** 32 hex digits. */
  readonly id: string;
  readonly level: ArrayFacts['level'];
  /** How many disks the array has when it is whole. */
  readonly disks: number;
  readonly events: number;
}

interface Member extends Superblock {
  readonly serialNumber: string;
  readonly path: string;
}

const LEVELS: Readonly<Record<string, ArrayLevel>> = {
  raid0: 'RAID0',
  raid1: 'RAID1',
  raid5: 'RAID5',
  raid6: 'RAID6',
  raid10: 'RAID10',
};

/** Of `mdadm --examine --export`; undefined where it tells of no array. */
export function parseSuperblock(text: string): Superblock | undefined {
  const values = new Map(text.split('\n').map((line) => line.split(/=(.*)/s, 2) as [string, string]));
  const uuid = values.get('MD_UUID');
  if (uuid === undefined) return undefined;
  return {
    id: uuid.replaceAll(':', ''),
    level: LEVELS[values.get('MD_LEVEL') ?? ''] ?? 'other',
    disks: Number(values.get('MD_DEVICES') ?? 0),
    events: Number(values.get('MD_EVENTS') ?? 0),
  };
}

/** 32 hex digits as mdadm writes them. */
export const mdUuid = (id: string): string => id.replace(/(.{8})(?=.)/g, '$1:');

/** An array by its superblocks, as far as it does not run: a disk that was left behind is not part of it any more. */
export function stoppedArray(members: readonly (Superblock & { readonly serialNumber: string })[]): ArrayFacts {
  const latest = Math.max(...members.map(({ events }) => events));
  const there = members.filter(({ events }) => latest - events <= EVENTS_APART);
  const { id, level, disks } = there[0]!;
  const state = there.length >= disks ? 'whole' : level === 'RAID0' ? 'failed' : 'degraded';
  return { id, level, disks: there.map(({ serialNumber }) => serialNumber), sizeBytes: 0, state };
}

/** @param listDisks those that are the operating system's own */
export function mdadm(listDisks: (signal: AbortSignal) => Promise<readonly DiskFacts[]>): RaidDriver {
  const membersOf = async (id: string, signal: AbortSignal) =>
    (await memberDisks(await listDisks(signal), signal)).filter((member) => member.id === id);
  return {
    name: 'mdadm',
    async survey(signal) {
      return { controllers: [], disks: [], arrays: await listArrays(await listDisks(signal), signal) };
    },
    async create(making, signal) {
      const disks = await listDisks(signal);
      await create(
        making,
        making.disks.map((serial) => required(theDisk(disks, serial), serial)),
        signal,
      );
    },
    async remove(id, signal) {
      const members = await membersOf(id, signal);
      const name = (await runningArrays(signal)).get(id);
      if (name !== undefined) await made(['--stop', `/dev/${name}`], signal);
      for (const { path } of members) await made(['--zero-superblock', path], signal);
    },
    async open(id, signal) {
      const running = (await runningArrays(signal)).get(id);
      if (running !== undefined) return deviceOf(running);
      const members = await membersOf(id, signal);
      return members.length === 0 ? undefined : assembled(id, members, signal);
    },
  };
}

async function listArrays(disks: readonly DiskFacts[], signal: AbortSignal): Promise<FoundArray[]> {
  const members = await memberDisks(disks, signal);
  const running = await runningArrays(signal);
  const arrays = [...Map.groupBy(members, ({ id }) => id)].map(async ([id, those]): Promise<FoundArray> => {
    const facts = stoppedArray(those);
    const name = running.get(id);
    if (name === undefined) return facts;
    const degraded = (await readNumber(`/sys/block/${name}/md/degraded`)) ?? 0;
    const { sizeBytes } = await deviceOf(name);
    const isDown =
      sizeBytes === 0 || /^(clear|inactive)$/.test((await readText(`/sys/block/${name}/md/array_state`)) ?? '');
    return { ...facts, sizeBytes, state: isDown ? 'failed' : degraded > 0 ? 'degraded' : facts.state, device: name };
  });
  return (await Promise.all(arrays)).sort((a, b) => (a.id < b.id ? -1 : 1));
}

async function deviceOf(name: string): Promise<ArrayDevice> {
  const sizeBytes = ((await readNumber(`/sys/block/${name}/size`)) ?? 0) * SECTOR_BYTES;
  return { name, path: `/dev/${name}`, sizeBytes };
}

/** @throws AgentError ArrayDegraded */
async function assembled(id: string, members: readonly Member[], signal: AbortSignal): Promise<ArrayDevice> {
  const { state } = stoppedArray(members);
  if (state !== 'whole') throw new AgentError('ArrayDegraded', `the array ${id} is ${state}, and is not started`);
  const node = await freeNode();
  const paths = members.map(({ path }) => path);
  await made(['--assemble', node, `--uuid=${mdUuid(id)}`, ...paths], signal);
  return deviceOf(node.slice('/dev/'.length));
}

/** @throws AgentError ArrayForeign before anything is written; ArrayRefused */
async function create(
  { id, name, level, boots }: Making,
  members: readonly Disk[],
  signal: AbortSignal,
): Promise<void> {
  const [foreign] = await memberDisks(members, signal);
  if (foreign) throw new AgentError('ArrayForeign', `disk ${foreign.serialNumber} belongs to the array ${foreign.id}`);
  await made(
    [
      '--create',
      await freeNode(),
      // Whatever else is on the disks is to be lost; and all of them take part from the start, none as a spare.
      '--run',
      '--force',
      `--level=${level.toLowerCase()}`,
      `--raid-devices=${members.length}`,
      `--metadata=${boots ? '1.0' : '1.2'}`,
      `--uuid=${mdUuid(id)}`,
      '--homehost=any',
      `--name=${name}`,
      ...(level === 'RAID0' ? [] : ['--bitmap=internal']),
      ...members.map(({ path }) => path),
    ],
    signal,
  );
}

/** Those of the disks that say that they belong to an array. */
async function memberDisks(disks: readonly DiskFacts[], signal: AbortSignal): Promise<Member[]> {
  const members = await Promise.all(
    disks.map(async ({ name, serialNumber }): Promise<Member[]> => {
      const path = `/dev/${name}`;
      const superblock = parseSuperblock((await told(['--examine', '--export', path], signal)) ?? '');
      return superblock ? [{ ...superblock, serialNumber, path }] : [];
    }),
  );
  return members.flat();
}

/** Kernel names by id. */
async function runningArrays(signal: AbortSignal): Promise<Map<string, string>> {
  const names = (await list('/sys/block')).filter((name) => /^md\d+$/.test(name));
  const found = await Promise.all(
    names.map(async (name) => {
      const superblock = parseSuperblock((await told(['--detail', '--export', `/dev/${name}`], signal)) ?? '');
      return superblock ? [[superblock.id, name] as const] : [];
    }),
  );
  return new Map(found.flat());
}

async function freeNode(): Promise<string> {
  const taken = new Set(await list('/sys/block'));
  let number = FIRST_NODE;
  while (taken.has(`md${number}`)) number++;
  return `/dev/md${number}`;
}

const withoutUdev = (args: readonly string[]) => ['MDADM_NO_UDEV=1', 'mdadm', ...args];

/** What mdadm says; undefined where it says that there is nothing, or is not installed. */
async function told(args: readonly string[], signal: AbortSignal): Promise<string | undefined> {
  try {
    return await runIfInstalled('mdadm', args, { signal });
  } catch (error) {
    // No superblock, or no array behind the node: it tells by its exit status.
    if (error instanceof CommandError) return undefined;
    throw error;
  }
}

async function made(args: readonly string[], signal: AbortSignal): Promise<void> {
  try {
    await run('env', withoutUdev(args), { signal });
  } catch (error) {
    if (error instanceof CommandError) throw new AgentError('ArrayRefused', error.message, { cause: error });
    throw error;
  }
}
