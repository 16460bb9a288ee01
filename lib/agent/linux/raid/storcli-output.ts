// What storcli64 and perccli64 say: JSON that is checked as far as anything follows from it.
//
// Source: StorCLI Reference Manual (Broadcom 12Gb/s MegaRAID), "Controller Commands", "Drive Commands", "Virtual Drives
// Commands"; states as the programs explain them below their own tables.
import type { ArrayFacts, DiskFacts } from '../../../provision/protocol.ts';
import { AgentError } from '../../errors.ts';

type Fields = Readonly<Record<string, unknown>>;

/** What one controller answered. */
export interface Answer {
  /** Its number. */
  readonly controller: number;
  readonly data: Fields;
}

export interface ToldController {
  readonly model: string;
  readonly serialNumber: string;
  readonly firmware: string | undefined;
  /** As Linux writes it. */
  readonly address: string | undefined;
  /** Places of the disks; those without an enclosure begin with a colon. */
  readonly places: readonly string[];
  /** Undefined where it does not tell. */
  readonly virtualDrives: number | undefined;
}

export interface ToldDrive {
  readonly place: string;
  /** Of the command line: /c0/e252/s0. */
  readonly path: string;
  readonly state: string;
  /** Undefined where the drive is so broken that it tells none. */
  readonly facts: Omit<DiskFacts, 'controller'> | undefined;
  /** It holds what another controller has made. */
  readonly isForeign: boolean;
}

export interface ToldVolume {
  readonly path: string;
  readonly name: string;
  readonly level: ArrayFacts['level'];
  readonly state: ArrayFacts['state'];
  readonly places: readonly string[];
  readonly naa: string | undefined;
  readonly device: string | undefined;
}

const LEVELS: Readonly<Record<string, ArrayFacts['level']>> = {
  RAID0: 'RAID0',
  RAID1: 'RAID1',
  RAID5: 'RAID5',
  RAID6: 'RAID6',
  RAID10: 'RAID10',
};
/** Nothing of the kind that was asked for: versions differ in whether that is a failure. */
const NONE = /^no (controller found|vd)/i;
const FAILED_DRIVE = /^(Failed|UBad|UBUnsp|Offln|Missing|Msng)$/i;

/**
 * @param asked `show`: one broken drive makes the answer a failure, which tells of all others nevertheless
 * @throws AgentError ArrayRefused: with the program's own words where it failed, or because they cannot be understood.
 */
export function parseAnswers(output: string, asked: 'show' | 'change'): Answer[] {
  let parsed: unknown;
  try {
    parsed = JSON.parse(output);
  } catch (cause) {
    throw refused(`it does not answer in JSON: ${output.trim().slice(0, 200) || 'nothing'}`, cause);
  }
  const controllers = fieldsOf(parsed).Controllers;
  if (!Array.isArray(controllers)) throw refused('its answer names no Controllers');
  return controllers.flatMap((each): Answer[] => {
    const { 'Command Status': told, 'Response Data': data = {} } = fieldsOf(each);
    const status = fieldsOf(told);
    if (NONE.test(text(status.Description) ?? '')) return [];
    const isTold = asked === 'show' && Object.keys(fieldsOf(data)).length > 0;
    if (status.Status !== 'Success' && !isTold) throw refused(failure(status));
    if (typeof status.Controller !== 'number') throw refused('its answer names no controller');
    return [{ controller: status.Controller, data: fieldsOf(data) }];
  });
}

/** The reason of each part that failed, else that of the whole. */
function failure({ Description: description, 'Detailed Status': details }: Fields): string {
  const parts = (Array.isArray(details) ? details : []).flatMap((part) => {
    const { Status: status, ErrCd: code, ErrMsg: message, Drive: drive, VD: volume } = fieldsOf(part);
    const where = text(drive) ?? (volume === undefined ? '' : `VD ${text(volume) ?? '?'}`);
    return status === 'Success' ? [] : [`${where} error ${String(code)}: ${text(message) ?? 'no reason given'}`.trim()];
  });
  return [text(description) ?? 'it failed and gives no reason', ...parts].join('; ').slice(0, 500);
}

/** Of `/call show all`. */
export function parseController({ data }: Answer): ToldController {
  const basics = fieldsOf(data.Basics);
  const serialNumber = text(basics['Serial Number']);
  if (serialNumber === undefined) throw refused('it names a controller without a serial number');
  const drives = Array.isArray(data['PD LIST']) ? data['PD LIST'] : [];
  const [count, driveCount] = [data['Virtual Drives'], data['Physical Drives']];
  if (drives.length === 0 && typeof driveCount === 'number' && driveCount > 0)
    throw refused(`it counts ${driveCount} disks at the controller ${serialNumber}, and names none`);
  return {
    model: text(basics.Model) ?? 'unknown',
    serialNumber,
    firmware: text(fieldsOf(data.Version)['Firmware Version']),
    address: pciAddress(text(basics['PCI Address'])),
    places: drives.map((drive) => place(fieldsOf(drive))),
    virtualDrives: typeof count === 'number' ? count : undefined,
  };
}

/** 00:03:00:00 → 0000:03:00.0 */
function pciAddress(told: string | undefined): string | undefined {
  const parts = /^([0-9a-f]{2}):([0-9a-f]{2}):([0-9a-f]{2}):0?([0-7])$/i.exec(told ?? '');
  return parts ? `00${parts[1]}:${parts[2]}:${parts[3]}.${parts[4]}`.toLowerCase() : undefined;
}

/** Of `/cx/eall/sall show all` or `/cx/sall show all`. */
export function parseDrives({ data }: Answer): ToldDrive[] {
  return Object.entries(data).flatMap(([key, value]): ToldDrive[] => {
    const path = /^Drive (\/c\d+(?:\/e\d+)?\/s\d+)$/.exec(key)?.[1];
    if (path === undefined || !Array.isArray(value)) return [];
    const summary = fieldsOf(value[0]);
    const details = fieldsOf(data[`${key} - Detailed Information`]);
    const attributes = fieldsOf(details[`${key} Device attributes`]);
    const state = text(summary.State) ?? 'unknown';
    return [
      {
        place: place(summary),
        path,
        state,
        isForeign: text(summary.DG) === 'F',
        facts: driveFacts(path, state, summary, attributes),
      },
    ];
  });
}

function driveFacts(path: string, state: string, summary: Fields, attributes: Fields): ToldDrive['facts'] {
  const serialNumber = text(attributes.SN);
  if (serialNumber === undefined || serialNumber === 'N/A' || serialNumber === '-') return undefined;
  const wwn = text(attributes.WWN);
  const interfaceName = text(summary.Intf)?.toLowerCase();
  return {
    // c0/e252/s1
    name: path.slice(1),
    serialNumber,
    ...(wwn !== undefined && /^[0-9a-f]{16,32}$/i.test(wwn) && { wwn: `0x${wwn.toLowerCase()}` }),
    model: text(attributes['Model Number']) ?? text(summary.Model) ?? 'unknown',
    sizeBytes: sizeOf(attributes),
    rotational: text(summary.Med) === 'HDD',
    transport: interfaceName === 'sata' || interfaceName === 'nvme' ? interfaceName : 'sas',
    ...(FAILED_DRIVE.test(state) && { failed: true }),
  };
}

/** `447.130 GB [0x37e436b0 Sectors]`, of sectors of `512B` or `4 KB`. 0 where it is not told. */
function sizeOf(attributes: Fields): number {
  const sectors = /\[(0x[0-9a-f]+) Sectors\]/i.exec(text(attributes['Raw size']) ?? '')?.[1];
  const is4K = /^4(\.0+)? ?KB$/i.test(text(attributes['Logical Sector Size']) ?? '');
  return Number(sectors ?? 0) * (is4K ? 4096 : 512);
}

/** Of `/cx/vall show all`. */
export function parseVolumes({ data }: Answer): ToldVolume[] {
  return Object.entries(data).flatMap(([path, value]): ToldVolume[] => {
    const number = /^\/c\d+\/v(\d+)$/.exec(path)?.[1];
    if (number === undefined || !Array.isArray(value)) return [];
    const summary = fieldsOf(value[0]);
    const drives = data[`PDs for VD ${number}`];
    const properties = fieldsOf(data[`VD${number} Properties`]);
    const naa = text(properties['SCSI NAA Id'])
      ?.replace(/^naa\./i, '')
      .toLowerCase();
    return [
      {
        path,
        name: text(summary.Name) ?? '',
        level: LEVELS[text(summary.TYPE) ?? ''] ?? 'other',
        state: volumeState(text(summary.State)),
        places: (Array.isArray(drives) ? drives : []).map((drive) => place(fieldsOf(drive))),
        naa: naa !== undefined && /^[0-9a-f]{16,32}$/.test(naa) ? naa : undefined,
        device: /^\/dev\/(\w+)$/.exec(text(properties['OS Drive Name']) ?? '')?.[1],
      },
    ];
  });
}

/** Optl, Pdgd (of a RAID 6), Dgrd, Rec; OfLn. */
function volumeState(state: string | undefined): ArrayFacts['state'] {
  if (state === 'Optl') return 'whole';
  return state === undefined || /^ofln$/i.test(state) ? 'failed' : 'degraded';
}

/** `252:0`; ` :0` where there is no enclosure. */
const place = (drive: Fields): string => (text(drive['EID:Slt']) ?? '').replaceAll(' ', '');

function fieldsOf(value: unknown): Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : {};
}

/** Numbers stand where other versions write text; all of it is padded. */
function text(value: unknown): string | undefined {
  return typeof value === 'string' || typeof value === 'number' ? String(value).trim() || undefined : undefined;
}

function refused(message: string, cause?: unknown): AgentError {
  return new AgentError('ArrayRefused', message, { cause });
}
