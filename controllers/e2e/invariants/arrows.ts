// The arrows of the phase tables: from which phase an object may be seen in which other one. Pure.
import type { DevicePhase, InstancePhase } from './history.ts';

/** Every phase leads to Maintenance as well, and that back to where it was. */
const DEVICE: Record<DevicePhase, readonly DevicePhase[]> = {
  // Straight to Removed: a restored backup has no status, but says that somebody has the machine.
  Registering: ['Adopted', 'Collecting', 'Removed'],
  Adopted: ['Removed'],
  Collecting: ['Imported'],
  Imported: ['PuttingAway', 'Collecting'],
  PuttingAway: ['Available', 'Imported'],
  Available: ['InUse', 'Imported', 'PuttingAway'],
  InUse: ['Cleaning', 'Removed'],
  // Removed: a Device that failed and is put aside, or one that is being deleted and cannot be cleaned.
  Cleaning: ['Available', 'Removed'],
  Removed: ['Cleaning'],
  Maintenance: [],
};

/** Phases that need nothing done where all is well already: one pass may lead through them, and nobody sees them. */
const PASSED: ReadonlySet<DevicePhase> = new Set<DevicePhase>(['Registering', 'Imported', 'PuttingAway', 'Available']);

/** What was seen of the Device before that the arrows depend on. */
export interface Before {
  readonly phase: DevicePhase;
  /** Where Maintenance goes back to. */
  readonly phaseBefore?: string | undefined;
  /** Something was written to its disks, so that cleaning it takes a wipe. */
  readonly isDirty: boolean;
}

/** Whether a Device that was seen so may be seen next in the phase `to`. */
export function isDeviceArrow({ phase, phaseBefore, isDirty }: Before, to: DevicePhase): boolean {
  if (phase === to || to === 'Maintenance') return true;
  const from = phase === 'Maintenance' ? ((phaseBefore ?? 'Registering') as DevicePhase) : phase;
  const reached = new Set<DevicePhase>([from]);
  for (const at of reached) {
    const goesOn = at === from || PASSED.has(at) || (at === 'Cleaning' && from === 'InUse' && !isDirty);
    if (goesOn) for (const next of DEVICE[at]) reached.add(next);
  }
  return reached.has(to);
}

const ON_THE_WAY: readonly InstancePhase[] = [
  'Starting',
  'Stopping',
  'Restarting',
  'Reinstalling',
  'ResettingPassword',
  'Running',
  'Stopped',
  'Failed',
  'Deleting',
];

/** What is installed is never created anew, and loses its device only by being deleted. */
const INSTANCE: Record<InstancePhase, readonly InstancePhase[]> = {
  Pending: ['Creating', 'Failed', 'Deleting'],
  // Straight to what was asked for meanwhile, where that begins at once.
  Creating: [...ON_THE_WAY, 'Pending'],
  Failed: [...ON_THE_WAY, 'Creating', 'Pending'],
  Running: ON_THE_WAY,
  Starting: ON_THE_WAY,
  Stopping: ON_THE_WAY,
  Stopped: ON_THE_WAY,
  Restarting: ON_THE_WAY,
  Reinstalling: ON_THE_WAY,
  ResettingPassword: ON_THE_WAY,
  Deleting: [],
};

/** Whether an Instance that was seen in `from` may be seen next in `to`. */
export const isInstanceArrow = (from: InstancePhase, to: InstancePhase): boolean =>
  from === to || INSTANCE[from].includes(to);
