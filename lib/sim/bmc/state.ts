// What a simulated BMC is made of, as its commands see it.
import type { DeviceId } from '../../bmc/ipmi/wire/device.ts';
import type { Fru } from '../../bmc/ipmi/wire/fru.ts';
import type { Chassis } from './chassis.ts';
import type { EventLog } from './eventlog.ts';
import type { Faults } from './faults.ts';
import type { SimulatedQuirks } from './quirks.ts';
import type { EventHub } from './redfish/events.ts';
import type { Thresholds } from './sensors.ts';
import type { ConsoleSlot } from './serial.ts';
import type { Sessions, SimulatedSession } from './sessions.ts';
import type { Users } from './users.ts';

/**
 * Asked about each request before it is carried out, and after: true loses it, or its answer. Requests are told by name: `rakp3`,
 * `06h 47h` (network function and command), `PATCH /redfish/v1/AccountService/Accounts/2`.
 */
export type Interruption = (request: string, moment: 'before' | 'after') => boolean;

export interface BmcState {
  readonly chassis: Chassis;
  readonly users: Users;
  readonly sessions: Sessions;
  readonly device: DeviceId;
  /** In SMBIOS's byte order. */
  readonly guid: Buffer;
  readonly suites: readonly number[];
  readonly bmcKeySet: boolean;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  readonly reboot: () => void;
  readonly console: ConsoleSlot;
  readonly log: EventLog;
  /** What it tells over Redfish by itself. */
  readonly events: EventHub;
  /** What the machine's maker wrote into it; none: an empty inventory. */
  readonly fru: Fru | undefined;
  /** Sets the course of its sensors apart from other BMCs'. */
  readonly seed: number;
  readonly quirks: SimulatedQuirks;
  readonly interrupted: Interruption;
  /** The longest piece of a record that it gives at once. */
  readonly mostBytes: number;
  /** Readings and states that tests have set, by sensor number. */
  readonly sensorValues: Map<number, number>;
  readonly sensorStates: Map<number, number>;
  /** Thresholds that were set over IPMI, by sensor number. */
  readonly sensorThresholds: Map<number, Thresholds>;
  /** Parameters of its LAN, as bytes, by number. */
  readonly network: Map<number, Buffer>;
  /** Redfish tasks that are under way, and how often each will still be looked at before it has ended. */
  readonly tasks: Map<string, number>;
  /** Looks that a reset over Redfish takes to be done; 0: it is done at once. */
  readonly taskLooks: number;
  sdrReservation: number;
  faults: Faults;
  bootOptions: BootOptionState;
  identifyUntil: number;
  /** URL of the image in the virtual drive. */
  media: string | undefined;
  poweredByCommand: boolean;
}

export interface BootOptionState {
  setInProgress: number;
  validBitClearing: number;
  infoAcknowledge: number;
  /** When boot flags that no power command has followed lapse; Infinity: never. */
  lapseAt: number;
}

export const FRESH_BOOT_OPTIONS: Readonly<BootOptionState> = {
  setInProgress: 0,
  validBitClearing: 0,
  infoAcknowledge: 0,
  lapseAt: Number.POSITIVE_INFINITY,
};

export interface Answer {
  readonly completion: number;
  readonly data: Buffer;
}

/** One command: who may give it, and what it answers. */
export interface CommandHandler {
  /** The least privilege level; 0 for those that are answered outside sessions too. */
  readonly privilege: number;
  /** The fewest bytes of data that a request must have. */
  readonly least: number;
  readonly run: (state: BmcState, data: Buffer, session: SimulatedSession | undefined) => Answer;
}

export const ok = (...bytes: number[]): Answer => ({ completion: 0, data: Buffer.from(bytes) });
export const okBytes = (data: Buffer): Answer => ({ completion: 0, data });
export const refuse = (completion: number): Answer => ({ completion, data: Buffer.alloc(0) });
