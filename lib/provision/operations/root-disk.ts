// Which disk the system goes to. Hints match exactly and never fall back: none or several matching is a failure.
import type { DiskFacts } from '../protocol.ts';
import { Failure } from './failures.ts';

export interface RootDeviceHints {
  readonly serialNumber?: string;
  readonly wwn?: string;
  readonly model?: string;
  readonly hctl?: string;
  readonly name?: string;
  readonly rotational?: boolean;
  readonly minSizeGigabytes?: number;
  readonly maxSizeGigabytes?: number;
}

const GIGABYTE = 1e9;

/** Whether the disk is all that the hints say. */
export function matchesHints(disk: DiskFacts, hints: RootDeviceHints): boolean {
  const equal = (['serialNumber', 'wwn', 'model', 'hctl', 'name', 'rotational'] as const).every(
    (key) => hints[key] === undefined || hints[key] === disk[key],
  );
  const { minSizeGigabytes: least = 0, maxSizeGigabytes: most = Number.POSITIVE_INFINITY } = hints;
  return equal && disk.sizeBytes >= least * GIGABYTE && disk.sizeBytes <= most * GIGABYTE;
}

const list = (disks: readonly DiskFacts[]) =>
  disks
    .map((disk) => `${disk.name} (${disk.model}, ${Math.round(disk.sizeBytes / GIGABYTE)} GB, ${disk.serialNumber})`)
    .join('; ');

/**
 * Of those that can be written to as they are: what a RAID controller keeps for itself takes a volume.
 * @throws Failure RootDiskNotFound or RootDiskAmbiguous, naming the disks that were seen.
 */
export function pickRootDisk(disks: readonly DiskFacts[], hints: RootDeviceHints): DiskFacts {
  const matching = disks.filter((disk) => matchesHints(disk, hints));
  const found = matching.filter(({ controller }) => controller === undefined);
  const [disk] = found;
  const wanted = JSON.stringify(hints);
  if (!disk && matching.length > 0)
    throw new Failure(
      'RootDiskNotFound',
      `what matches ${wanted} hangs on a RAID controller, and takes a volume in the DeviceType: ${list(matching)}`,
    );
  if (!disk)
    throw new Failure('RootDiskNotFound', `no disk matches ${wanted}; seen: ${list(disks) || 'no disk at all'}`);
  if (found.length > 1) throw new Failure('RootDiskAmbiguous', `${found.length} disks match ${wanted}: ${list(found)}`);
  return disk;
}
