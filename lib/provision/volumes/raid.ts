// RAID levels: how many disks each takes, and how much room it gives. Names are Redfish's (DSP0268, Volume.RAIDType).

/** `None`: one disk as it is. */
export type RaidLevel = 'None' | 'RAID0' | 'RAID1' | 'RAID5' | 'RAID6' | 'RAID10';
export type ArrayLevel = Exclude<RaidLevel, 'None'>;

interface Rule {
  readonly least: number;
  readonly most: number;
  readonly evenOnly?: boolean;
  /** How many disks' worth of data so many disks hold. */
  readonly data: (disks: number) => number;
}

const ANY = Number.POSITIVE_INFINITY;
const RULES: Record<RaidLevel, Rule> = {
  None: { least: 1, most: 1, data: () => 1 },
  RAID0: { least: 2, most: ANY, data: (disks) => disks },
  RAID1: { least: 2, most: ANY, data: () => 1 },
  RAID5: { least: 3, most: ANY, data: (disks) => disks - 1 },
  RAID6: { least: 4, most: ANY, data: (disks) => disks - 2 },
  RAID10: { least: 4, most: ANY, evenOnly: true, data: (disks) => disks / 2 },
};

/** Why so many disks cannot be of that level; undefined where they can. */
export function raidMisfit(level: RaidLevel, disks: number): string | undefined {
  const { least, most, evenOnly } = RULES[level];
  if (disks < least) return `${level} takes ${least} disks at least, there are ${disks}`;
  if (disks > most) return `${disks} disks take a RAID level`;
  return evenOnly && disks % 2 === 1 ? `${level} takes an even number of disks, there are ${disks}` : undefined;
}

/** How many disks' worth of data so many disks hold. */
export const dataDisks = (level: RaidLevel, disks: number): number => RULES[level].data(disks);
