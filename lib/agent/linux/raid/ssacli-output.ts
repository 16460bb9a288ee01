// What `ssacli ctrl all show config detail` says: text in sections, by whose headings alone it is read, since how far lines
// are moved in and how many are empty differs from version to version.
//
// Source: HPE Smart Storage Administrator user guide, "Using SSA CLI".
import type { ArrayFacts, DiskFacts } from '../../../provision/protocol.ts';
import { AgentError } from '../../errors.ts';

/** A heading, and what is said below it up to the next one. */
interface Section {
  readonly kind: 'controller' | 'array' | 'unassigned' | 'hba' | 'logical drive' | 'physical drive' | 'other';
  /** Of a controller its model, of an array its letter, of a drive its number or place. */
  readonly name: string;
  readonly values: Map<string, string>;
}

export interface ToldDrive {
  /** 1I:1:3 */
  readonly place: string;
  /** The operating system sees it as it is. */
  readonly isPlain: boolean;
  readonly facts: Omit<DiskFacts, 'controller'>;
}

export interface ToldVolume {
  readonly number: string;
  readonly label: string;
  readonly level: ArrayFacts['level'];
  readonly state: ArrayFacts['state'];
  /** Serial numbers. */
  readonly disks: readonly string[];
  readonly naa: string | undefined;
  readonly device: string | undefined;
}

export interface ToldController {
  readonly slot: string;
  readonly model: string;
  readonly serialNumber: string;
  readonly firmware: string | undefined;
  readonly address: string | undefined;
  readonly drives: readonly ToldDrive[];
  readonly volumes: readonly ToldVolume[];
}

const HEADINGS: readonly (readonly [Section['kind'], RegExp])[] = [
  ['controller', /^(.+) in Slot \S+( \(.*\))?$/],
  ['array', /^Array:? ([A-Z]{1,2})( \(.*\))?$/],
  ['unassigned', /^(unassigned)$/i],
  ['hba', /^(HBA Drives)$/i],
  ['logical drive', /^Logical ?Drive:? (\d+)$/i],
  ['physical drive', /^physicaldrive (\S+)$/i],
];
const LEVELS: Readonly<Record<string, ArrayFacts['level']>> = {
  '0': 'RAID0',
  '1': 'RAID1',
  '5': 'RAID5',
  '6': 'RAID6',
  '1+0': 'RAID10',
};

/** Of a value that is told twice the first counts: behind it stand sensors and paths, which have some too. */
function sections(text: string): Section[] {
  const found: Section[] = [];
  for (const line of text.split('\n').map((each) => each.trim())) {
    if (line === '') continue;
    const heading = HEADINGS.map(([kind, pattern]) => ({ kind, name: pattern.exec(line)?.[1] })).find(
      ({ name }) => name !== undefined,
    );
    // A colon within a name, as of a PCI address, has no blank behind it.
    const value = /^(.+?):(?:\s+(.*))?$/.exec(line);
    if (heading?.name !== undefined) found.push({ kind: heading.kind, name: heading.name, values: new Map() });
    else if (value) {
      const values = found.at(-1)?.values;
      if (values && !values.has(value[1]!)) values.set(value[1]!.trim(), (value[2] ?? '').trim());
    }
    // Where a disk of a mirror is named, its own section tells more. All else begins what is of no use here: an enclosure, an expander.
    else if (!/^physicaldrive /i.test(line)) found.push({ kind: 'other', name: line, values: new Map() });
  }
  return found;
}

/** None where the program knows of none. @throws AgentError ArrayRefused where it gives an error, or text of another kind. */
export function parseConfig(text: string): ToldController[] {
  const error = /^\s*Error: *(.+)$/m.exec(text)?.[1];
  if (error !== undefined && /no controllers detected/i.test(error)) return [];
  if (error !== undefined) throw new AgentError('ArrayRefused', error.slice(0, 500));
  const all = sections(text);
  const starts = all.flatMap(({ kind }, at) => (kind === 'controller' ? [at] : []));
  if (starts.length === 0)
    throw new AgentError('ArrayRefused', `it names no controller: ${text.trim().slice(0, 200) || 'nothing'}`);
  return starts.map((start, index) => parseController(all.slice(start, starts[index + 1])));
}

function parseController([head, ...rest]: readonly Section[]): ToldController {
  const { name: model, values } = head!;
  const slot = values.get('Slot');
  const serialNumber = values.get('Serial Number');
  if (!slot || !serialNumber) throw new AgentError('ArrayRefused', `it tells no slot and serial number of ${model}`);
  const drives: ToldDrive[] = [];
  const volumes: ToldVolume[] = [];
  let group: Section | undefined;
  let members: string[] = [];
  for (const section of rest) {
    if (section.kind === 'array' || section.kind === 'unassigned' || section.kind === 'hba') {
      group = section;
      // All logical drives of an array are on all of its disks, and those are told after them.
      members = [];
    } else if (section.kind === 'logical drive') volumes.push(volume(section, members));
    else if (section.kind === 'physical drive') {
      const drive = physicalDrive(section, group);
      if (!drive) continue;
      drives.push(drive);
      members.push(drive.facts.serialNumber);
    }
  }
  const address = [...values].find(([key]) => key.startsWith('PCI Address'))?.[1].toLowerCase();
  return { slot, model, serialNumber, firmware: values.get('Firmware Version'), address, drives, volumes };
}

function volume({ name, values }: Section, disks: readonly string[]): ToldVolume {
  const naa = values.get('Unique Identifier')?.toLowerCase();
  return {
    number: name,
    label: values.get('Logical Drive Label') ?? '',
    level: LEVELS[(values.get('Fault Tolerance') ?? '').replace(/^RAID */i, '')] ?? 'other',
    state: volumeState(values.get('Status') ?? ''),
    disks,
    naa: naa !== undefined && /^[0-9a-f]{32}$/.test(naa) ? naa : undefined,
    device: /^\/dev\/(\w+)/.exec(values.get('Disk Name') ?? '')?.[1],
  };
}

/** "OK"; "Interim Recovery Mode", "Recovering, 12% complete", "Ready for Rebuild"; "Failed". */
function volumeState(status: string): ArrayFacts['state'] {
  if (status === 'OK') return 'whole';
  return /fail|offline|disabled|not configured/i.test(status) || status === '' ? 'failed' : 'degraded';
}

/** Undefined where it is so broken that it tells no serial number. */
function physicalDrive({ name: place, values }: Section, group: Section | undefined): ToldDrive | undefined {
  const serialNumber = values.get('Serial Number');
  if (!serialNumber) return undefined;
  const type = values.get('Interface Type') ?? '';
  const wwn = values.get('WWID')?.toLowerCase();
  return {
    place,
    isPlain: group?.kind === 'hba' || values.get('Drive exposed to OS') === 'True',
    facts: {
      name: place,
      serialNumber,
      ...(wwn !== undefined && /^[0-9a-f]{16}$/.test(wwn) && { wwn: `0x${wwn}` }),
      model: (values.get('Model') ?? 'unknown').replaceAll(/ +/g, ' '),
      sizeBytes: sizeOf(values.get('Size') ?? ''),
      rotational: !/solid state|nvme/i.test(type),
      transport: /nvme/i.test(type) ? 'nvme' : /sata/i.test(type) ? 'sata' : 'sas',
      ...(/^(failed|erase)/i.test(values.get('Status') ?? '') && { failed: true }),
    },
  };
}

const UNITS: Readonly<Record<string, number>> = { MB: 1e6, GB: 1e9, TB: 1e12, PB: 1e15 };

/** "600 GB", as makers count. 0 where it is not told. */
function sizeOf(told: string): number {
  const [, number, unit] = /^([\d.]+) *([MGTP]B)$/.exec(told) ?? [];
  return Math.round(Number(number ?? 0) * (UNITS[unit ?? ''] ?? 0));
}
