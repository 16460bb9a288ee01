// What must be true of every run, whatever befell it. Each rule gives what it found wrong; pure, over the whole history.
import type { JournalEntry } from '../../../lib/sim/fleet.ts';
import { isDeviceArrow, isInstanceArrow } from './arrows.ts';
import type { AnySight, DeviceSight, History, InstanceSight } from './history.ts';
import { audit } from './record.ts';

type Rule = (history: History) => string[];

const at = ({ kind, name, revision }: AnySight): string => `${kind} ${name} at revision ${revision}`;

/** Sights of one object each, in order; an object that was made anew is another one. */
function lives<K extends AnySight['kind']>(sights: readonly AnySight[], kind: K): Extract<AnySight, { kind: K }>[][] {
  const those = sights.filter((sight): sight is Extract<AnySight, { kind: K }> => sight.kind === kind);
  return [...Map.groupBy(those, ({ uid }) => uid).values()];
}

const pairs = <T>(list: readonly T[]): [T, T][] => list.slice(1).map((item, index) => [list[index]!, item]);

/** A Device goes from one Instance to the next only by being released, and an Instance has one Device. */
const oneClaim: Rule = ({ sights }) => {
  const faults: string[] = [];
  const claims = new Map<string, string>();
  const holder = new Map<string, string | undefined>();
  for (const sight of sights) {
    if (sight.kind !== 'Device') continue;
    const before = holder.get(sight.uid);
    if (before === sight.claim) continue;
    if (before !== undefined && sight.claim !== undefined)
      faults.push(`${at(sight)} went from Instance ${before} to ${sight.claim} without having been released`);
    if (before !== undefined && claims.get(before) === sight.name) claims.delete(before);
    holder.set(sight.uid, sight.claim);
    if (sight.claim === undefined) continue;
    const other = claims.get(sight.claim);
    if (other !== undefined) faults.push(`${at(sight)} is claimed by Instance ${sight.claim}, which has ${other}`);
    claims.set(sight.claim, sight.name);
  }
  return faults;
};

/**
 * A claim that was released is over: it never comes back, unless the device was put aside and brought back meanwhile. And no Instance
 * goes while a device holds something of it; a claim that was made as it went, and on which nothing was done, is taken off later.
 */
const releasedOnce: Rule = ({ sights }) => {
  const faults: string[] = [];
  const holder = new Map<string, Pick<DeviceSight, 'name' | 'claim' | 'isPutAside' | 'isDirty'>>();
  const released = new Set<string>();
  for (const sight of sights) {
    if (sight.kind === 'Device') {
      const last = holder.get(sight.uid);
      if (last?.isPutAside) for (const claim of released) if (claim.startsWith(`${sight.uid} `)) released.delete(claim);
      const before = last?.claim;
      holder.set(sight.uid, sight);
      if (before === sight.claim) continue;
      if (before !== undefined) released.add(`${sight.uid} ${before}`);
      if (sight.claim !== undefined && released.has(`${sight.uid} ${sight.claim}`))
        faults.push(`${at(sight)} is claimed again by Instance ${sight.claim}, which had released it`);
    } else if (sight.isGone) {
      const held = [...holder.values()]
        .filter(({ claim, isDirty }) => claim === sight.uid && isDirty)
        .map(({ name }) => name);
      if (held.length > 0) faults.push(`${at(sight)} is gone, and still has Device ${held.join(', ')}`);
    }
  }
  return faults;
};

const deviceArrows: Rule = ({ sights }) =>
  lives(sights, 'Device').flatMap((life) =>
    pairs(life)
      // A restored backup has no status: it begins anew.
      .filter(([before, after]) => before.phase !== undefined && after.phase !== undefined)
      .filter(([before, after]) => !isDeviceArrow({ ...before, phase: before.phase! }, after.phase!))
      .map(([before, after]) => `${at(after)} went from ${before.phase} to ${after.phase}`),
  );

const instanceArrows: Rule = ({ sights }) =>
  lives(sights, 'Instance').flatMap((life) =>
    pairs(life)
      .filter(([before, after]) => before.phase !== undefined && after.phase !== undefined && !after.isLocked)
      .filter(([before, after]) => !isInstanceArrow(before.phase!, after.phase!))
      .map(([before, after]) => `${at(after)} went from ${before.phase} to ${after.phase}`),
  );

/** What is locked keeps its device, and is not gone. */
const locks: Rule = ({ sights }) => {
  const faults: string[] = [];
  const locked = new Map<string, string>();
  const devices = new Map<string, DeviceSight>();
  for (const sight of sights) {
    if (sight.kind === 'Instance') {
      if (sight.isGone && locked.has(sight.uid)) faults.push(`${at(sight)} is gone although it is locked`);
      if (sight.isLocked && !sight.isGone) locked.set(sight.uid, sight.name);
      else locked.delete(sight.uid);
      continue;
    }
    const before = devices.get(sight.uid);
    devices.set(sight.uid, sight);
    const owner = before?.claim && locked.get(before.claim);
    if (!owner || before.phase !== 'InUse') continue;
    if (sight.claim !== before.claim) faults.push(`${at(sight)} was taken from Instance ${owner}, which is locked`);
    else if (sight.phase === 'Cleaning' || sight.phase === 'Removed')
      faults.push(`${at(sight)} is ${sight.phase} although Instance ${owner} is locked`);
  }
  return faults;
};

const isWrite = (entry: JournalEntry): entry is JournalEntry & { readonly taskId: string } =>
  entry.taskId !== undefined;

/** Disks are written under the operation of now: never again for one that another one has followed there. */
const currentOperation: Rule = ({ record, operations }) => {
  const order = new Map([...operations.keys()].map((id, index) => [id, index]));
  const latest = new Map<string, { id: string; index: number; wasOff: boolean }>();
  const faults: string[] = [];
  for (const entry of record) {
    const last = latest.get(entry.machine);
    if (entry.what === 'power' && last) latest.set(entry.machine, { ...last, wasOff: true });
    if (!isWrite(entry)) continue;
    const id = entry.taskId.split('/', 1)[0]!;
    const index = order.get(id) ?? -1;
    if (last && last.id !== id) {
      if (index < last.index) faults.push(`${entry.machine}: ${entry.what} for ${id} after ${last.id} had followed it`);
      if (!last.wasOff) faults.push(`${entry.machine}: ${entry.what} for ${id} in the same boot as for ${last.id}`);
    }
    latest.set(entry.machine, { id, index, wasOff: false });
  }
  return faults;
};

/** Running means that the machine has booted the image that the status names, written for this very Instance. */
const ownImage: Rule = (history) => {
  const machines = Map.groupBy(history.record, ({ machine }) => machine);
  return lives(history.sights, 'Instance').flatMap((life) =>
    life
      .filter((sight, index) => sight.phase === 'Running' && life[index - 1]?.phase !== 'Running')
      .filter((sight) => !hasBooted(sight, machines.get(sight.deviceName ?? '') ?? [], history))
      .map((sight) => `${at(sight)} is Running on ${sight.deviceName}, which has not booted its ${sight.image}`),
  );
};

function hasBooted(
  { uid, image = '' }: InstanceSight,
  record: readonly JournalEntry[],
  { operations, images }: History,
): boolean {
  const sha256 = images.get(image);
  const written = record.findIndex(
    (entry) =>
      entry.what === 'write-image' &&
      entry.detail === 'complete' &&
      entry.sha256 === sha256 &&
      operations.get(entry.taskId?.split('/', 1)[0] ?? '')?.instanceUID === uid,
  );
  const boots = written < 0 ? [] : record.slice(written);
  return boots.some(({ what, detail, sha256: booted }) => what === 'boot' && detail === 'disk' && booted === sha256);
}

const nothingStrange: Rule = ({ sights }) => [
  ...new Set(sights.flatMap(({ kind, name, strange }) => strange.map((what) => `${kind} ${name}: ${what}`))),
];

export const RULES = {
  'one claim per device, one device per instance': oneClaim,
  'every claim is released once': releasedOnce,
  "a device's phases go along the arrows": deviceArrows,
  "an instance's phases go along the arrows": instanceArrows,
  'a lock is never lost': locks,
  'disks are written only under the current operation': currentOperation,
  'machines do what was asked for, once': ({ record, operations }) => [...audit(record, operations)],
  "an instance never runs another's image": ownImage,
  'conditions and ledgers say what they may': nothingStrange,
} as const satisfies Record<string, Rule>;

/** Everything that was, and must never be: `rule: what`. */
export const violations = (history: History): string[] =>
  Object.entries(RULES).flatMap(([name, rule]) => rule(history).map((what) => `${name}: ${what}`));
