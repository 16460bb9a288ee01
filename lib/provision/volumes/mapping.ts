// Which disks become which volume of a machine: the smallest that suffice, the same ones every time. Pure.
//
// Volumes that may take fewer kinds of disk choose first, and of these the ones that want larger disks; so whoever chooses
// leaves what the others need. All disks of a volume are of one kind and hang on one controller, as an array needs it.

import { matchesHints, type RootDeviceHints } from '../operations/root-disk.ts';
import type { DiskFacts } from '../protocol.ts';

export type Media = 'HDD' | 'SSD' | 'NVMe';

/** The volume that holds the system. */
export const ROOT_VOLUME = 'root';

export interface VolumeWish {
  readonly name: string;
  /** How many disks. */
  readonly disks: number;
  /** Of each disk. */
  readonly minSizeBytes: number;
  /** Any, where not given. SSD: solid state, whatever it hangs on. */
  readonly media?: Media;
}

export interface MappedVolume {
  readonly name: string;
  /** Serial numbers. */
  readonly disks: readonly string[];
  /** Serial number of the RAID controller that they hang on. */
  readonly controller?: string;
}

export interface VolumeMapping {
  /** In the order of the wishes; empty where something is missing. */
  readonly volumes: readonly MappedVolume[];
  /** One sentence per volume that cannot be had. */
  readonly mismatches: readonly string[];
}

const MEDIA: Record<Media, (disk: DiskFacts) => boolean> = {
  HDD: ({ rotational }) => rotational,
  SSD: ({ rotational }) => !rotational,
  NVMe: ({ transport }) => transport === 'nvme',
};
/** How few kinds of disk are right: those that are harder to please choose first. */
const CHOOSINESS: Record<Media, number> = { NVMe: 2, SSD: 1, HDD: 1 };
const DISK_NAMES: Record<Media, string> = { HDD: 'rotating disks', SSD: 'solid-state disks', NVMe: 'NVMe disks' };

const gigabytes = (bytes: number) => `${Math.round(bytes / 1e9)} GB`;
const names = (disks: readonly DiskFacts[]) => disks.map(({ name }) => name).join(', ');

/** Disks that may be in one array: of one medium, and all of them the operating system's own or one controller's. */
const kindOf = ({ rotational, transport, controller }: DiskFacts): string =>
  `${controller ?? ''}/${rotational ? 'HDD' : transport === 'nvme' ? 'NVMe' : 'SSD'}`;

/**
 * @param hints of the disks that the root volume may have
 * @param disks as collected
 */
export function mapVolumes(
  disks: readonly DiskFacts[],
  wishes: readonly VolumeWish[],
  hints: RootDeviceHints = {},
): VolumeMapping {
  const hasHints = ({ name }: VolumeWish) => name === ROOT_VOLUME && Object.keys(hints).length > 0;
  const choosiness = (wish: VolumeWish) => (hasHints(wish) ? 3 : wish.media ? CHOOSINESS[wish.media] : 0);
  const order = wishes.toSorted(
    (a, b) => choosiness(b) - choosiness(a) || b.minSizeBytes - a.minSizeBytes || (a.name < b.name ? -1 : 1),
  );
  const taken = new Set<string>();
  const chosen = new Map<string, Omit<MappedVolume, 'name'>>();
  const missing = new Map<string, string>();
  for (const wish of order) {
    const free = disks.filter(({ serialNumber }) => !taken.has(serialNumber));
    const right = free.filter((disk) => !hasHints(wish) || matchesHints(disk, hints));
    const picked = pick(right, wish);
    if (!picked) {
      missing.set(wish.name, shortage(right, wish, hasHints(wish)));
      continue;
    }
    for (const { serialNumber } of picked) taken.add(serialNumber);
    const { controller } = picked[0]!;
    chosen.set(wish.name, {
      disks: picked.map(({ serialNumber }) => serialNumber),
      ...(controller !== undefined && { controller }),
    });
  }
  const volumes = wishes.flatMap(({ name }) => {
    const those = chosen.get(name);
    return those ? [{ name, ...those }] : [];
  });
  const mismatches = wishes.flatMap(({ name }) => missing.get(name) ?? []);
  return { volumes: mismatches.length > 0 ? [] : volumes, mismatches };
}

const isRight = (disk: DiskFacts, { media, minSizeBytes }: VolumeWish) =>
  !disk.failed && (media === undefined || MEDIA[media](disk)) && disk.sizeBytes >= minSizeBytes;

/** Of the kinds that have enough: the one whose largest disk taken is smallest. */
function pick(disks: readonly DiskFacts[], wish: VolumeWish): readonly DiskFacts[] | undefined {
  const bySize = disks
    .filter((disk) => isRight(disk, wish))
    .toSorted((a, b) => a.sizeBytes - b.sizeBytes || (a.serialNumber < b.serialNumber ? -1 : 1));
  return [...Map.groupBy(bySize, kindOf).values()]
    .filter((kind) => kind.length >= wish.disks)
    .map((kind) => kind.slice(0, wish.disks))
    .toSorted((a, b) => a.at(-1)!.sizeBytes - b.at(-1)!.sizeBytes)[0];
}

function shortage(disks: readonly DiskFacts[], wish: VolumeWish, hasHints: boolean): string {
  const { name, disks: count, media, minSizeBytes } = wish;
  const kind = media ? DISK_NAMES[media] : 'disks';
  const [failed, sound] = [disks.filter((disk) => disk.failed), disks.filter((disk) => !disk.failed)];
  const ofKind = sound.filter((disk) => media === undefined || MEDIA[media](disk));
  const small = ofKind.filter(({ sizeBytes }) => sizeBytes < minSizeBytes);
  const right = ofKind.filter(({ sizeBytes }) => sizeBytes >= minSizeBytes);
  const size = minSizeBytes > 0 ? ` of ${gigabytes(minSizeBytes)} or more` : '';
  const seen = [
    right.length > 0 ? `${right.length} fit: ${names(right)}` : 'none fits',
    small.length > 0 && `${small.length} under ${gigabytes(minSizeBytes)}: ${names(small)}`,
    failed.length > 0 && `${failed.length} failed: ${names(failed)}`,
    right.length >= count && 'not all of one kind at one controller',
    hasHints && 'looked at are those that rootDeviceHints match',
  ].filter(Boolean);
  return `volume ${name} takes ${count} ${kind}${size}; of those that no other volume has, ${seen.join('; ')}`;
}
