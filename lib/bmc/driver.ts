// The out-of-band boundary: everything the operator may ask of a machine's management controller (BMC).
//
// Drivers are chosen by the address's scheme (open.ts). Every call may be repeated, a power cycle or reset apart: a caller that
// does not know whether an earlier one took hold simply calls again. No call keeps a promise about the machine beyond what the BMC answered: "power
// on" means that the BMC accepted the command; whether the machine is on is what power() says afterwards.

import type { Duplex } from 'node:stream';

/** What a BMC says of the host's power. A BMC that does not answer gives a BmcError, never a guess. */
export type PowerState = 'On' | 'Off';

/**
 * `on`, `off` (hard), `cycle` (hard off, pause, on) and `reset` (hard, without power loss) act at once;
 * `soft` asks the operating system to shut down and returns before it has (IPMI 2.0 §28.3; Redfish GracefulShutdown).
 */
export type PowerAction = 'on' | 'off' | 'soft' | 'cycle' | 'reset';

export type BootDevice = 'pxe' | 'disk' | 'cdrom' | 'bios' | 'none';
export type BootMode = 'BIOS' | 'UEFI';

export interface BootOptions {
  readonly device: BootDevice;
  /** Holds for every boot until changed; otherwise for the next one only. */
  readonly persistent: boolean;
  readonly mode: BootMode;
}

export interface BmcIdentity {
  /** The BMC's own manufacturer and product, as it tells them, and its firmware version. */
  readonly manufacturer: string;
  readonly product: string;
  readonly firmware: string;
  /** The specification that it speaks: "IPMI 2.0", "Redfish 1.15.0". */
  readonly protocol: string;
  /** The host's system GUID or UUID where the BMC tells one. */
  readonly systemId?: string;
}

export type Privilege = 'callback' | 'user' | 'operator' | 'administrator';

/**
 * What a driver can do for this BMC, so that callers never find out by an error: what the protocol has, and once identify() has
 * asked, what the BMC says that it has of that.
 */
export interface Capabilities {
  readonly bootModes: readonly BootMode[];
  readonly sensors: boolean;
  readonly eventLog: boolean;
  readonly identify: boolean;
  readonly console: boolean;
  readonly virtualMedia: boolean;
  readonly setPassword: boolean;
  /** Whether the machine's draw is measured. */
  readonly consumption: boolean;
  /** Whether the BMC's own network settings are told and can be changed. */
  readonly network: boolean;
  /** Whether the BMC tells by itself that something has happened. */
  readonly events: boolean;
}

/** Something that happened, as the BMC tells it. What has become of the machine by it is to be asked. */
export interface BmcEvent {
  /** RFC 3339; absent where the BMC had no clock. */
  readonly time?: string;
  readonly message: string;
  readonly severity: Health;
}

/** What a machine draws, in watts. */
export interface Consumption {
  readonly watts: number;
  /** Over a period that the BMC chooses, where it keeps such statistics. */
  readonly minimum?: number;
  readonly maximum?: number;
  readonly average?: number;
}

/** The BMC's own network settings; what it does not tell is absent. */
export interface NetworkSettings {
  readonly source: 'static' | 'dhcp' | 'other';
  readonly address?: string;
  readonly netmask?: string;
  readonly gateway?: string;
  readonly macAddress?: string;
  /** 1 to 4094; absent while none is in use. */
  readonly vlan?: number;
}

/** Without a `vlan` none is in use afterwards. */
export type NetworkChange =
  | { readonly source: 'dhcp'; readonly vlan?: number }
  | {
      readonly source: 'static';
      readonly address: string;
      readonly netmask: string;
      readonly gateway?: string;
      readonly vlan?: number;
    };

export interface FirmwareItem {
  readonly name: string;
  readonly version: string;
}

export type Health = 'ok' | 'warning' | 'critical' | 'unknown';

export interface SensorReading {
  /** The BMC's own, stable name for it. */
  readonly id: string;
  readonly name: string;
  /** "Temperature", "Fan", "Power Supply": the specification's words for the sensor's type. */
  readonly type: string;
  /** Absent where there is none now (the machine is off, say), and for sensors that only have states. */
  readonly value?: number;
  /** "degrees C", "RPM"; empty without a value. */
  readonly unit: string;
  readonly health: Health;
  /** What a sensor with states says now, in words. */
  readonly states: readonly string[];
  readonly thresholds: Readonly<Partial<Record<Threshold, number>>>;
}

export type Threshold =
  | 'lowerNonCritical'
  | 'lowerCritical'
  | 'lowerNonRecoverable'
  | 'upperNonCritical'
  | 'upperCritical'
  | 'upperNonRecoverable';

export interface LogEntry {
  /** To ask for what came after it. */
  readonly id: string;
  /** RFC 3339; absent where the BMC had no clock. */
  readonly time?: string;
  readonly sensor: string;
  readonly message: string;
  readonly severity: Health;
  /** False: the condition is over. */
  readonly asserted: boolean;
}

/** One part as its maker labelled it. */
export interface InventoryItem {
  readonly name: string;
  readonly manufacturer?: string;
  readonly product?: string;
  readonly partNumber?: string;
  readonly serialNumber?: string;
  readonly version?: string;
  readonly assetTag?: string;
}

export interface BmcMemoryModule {
  readonly slot?: string;
  readonly sizeBytes?: number;
  /** "DDR5" */
  readonly type?: string;
  readonly speedMTs?: number;
}

export interface BmcDisk {
  /** The BMC's own name for it, not the kernel's. */
  readonly name: string;
  readonly serialNumber?: string;
  readonly model?: string;
  readonly sizeBytes?: number;
  readonly rotational?: boolean;
  /** "sata", "sas", "nvme" */
  readonly transport?: string;
}

export interface BmcNic {
  readonly name: string;
  readonly macAddress: string;
  readonly speedMbps?: number;
  readonly linkUp?: boolean;
}

/** What a BMC knows of the machine's hardware without the machine's doing; what it does not tell is absent. */
export interface BmcHardware {
  readonly serialNumber?: string;
  readonly manufacturer?: string;
  readonly model?: string;
  readonly firmware?: string;
  readonly cpu?: {
    readonly model?: string;
    readonly sockets?: number;
    readonly cores?: number;
    readonly threads?: number;
  };
  readonly memory?: { readonly totalBytes: number; readonly modules: readonly BmcMemoryModule[] };
  readonly disks: readonly BmcDisk[];
  readonly nics: readonly BmcNic[];
}

export interface Credentials {
  readonly username: string;
  readonly password: string;
  /** IPMI: the BMC's own key (KG), at most 20 bytes; as text, or in hexadecimal after `0x`. */
  readonly bmcKey?: string;
}

/** Whether to believe the certificate of a BMC that speaks TLS. Without any of these the system's authorities decide. */
export interface TlsTrust {
  /** PEM certificates of authorities to believe instead of the system's. */
  readonly ca?: string;
  /** SHA-256 of the one certificate to believe, in hexadecimal, with colons or without. */
  readonly fingerprint?: string;
  /** Believe any. For a network that nobody else is on. */
  readonly insecure?: boolean;
}

/** Where a BMC is and how to log in. Credentials are never part of the address. */
export interface BmcTarget {
  /** `ipmi://host:623`, `redfish://host`, `redfish+http://host` (tests only). IPv6 hosts in brackets. */
  readonly address: string;
  readonly credentials: Credentials;
  readonly tls?: TlsTrust;
}

export interface Driver {
  /** Logs in, proves that the account holds administrator rights (else a `privilege` error), and tells who answered. */
  identify(signal: AbortSignal): Promise<BmcIdentity>;
  capabilities(): Capabilities;
  power(signal: AbortSignal): Promise<PowerState>;
  /**
   * `off`, `cycle` and `reset` are sent once. When the answer is lost, `off` is judged by the state of the machine; the others
   * give `timeout`, and whether they were carried out is for the caller to judge.
   */
  setPower(action: PowerAction, signal: AbortSignal): Promise<void>;
  bootDevice(signal: AbortSignal): Promise<BootOptions>;
  setBootDevice(options: BootOptions, signal: AbortSignal): Promise<void>;
  /** Blinks the identify light for a number of seconds, or until ended where the BMC has no timer (Redfish); 0 ends it. */
  setIdentify(seconds: number, signal: AbortSignal): Promise<void>;
  /** The parts that the BMC knows of. */
  inventory(signal: AbortSignal): Promise<readonly InventoryItem[]>;
  /** The machine's hardware: over Redfish its parts, over IPMI what its maker wrote into the product area of its FRU. */
  hardware(signal: AbortSignal): Promise<BmcHardware>;
  /** All sensors as they are now. What a BMC's sensors are is read once and kept; the readings are not. */
  sensors(signal: AbortSignal): Promise<readonly SensorReading[]>;
  /** The event log, oldest first: all of it, or what came after the entry `after`. If that is gone, all of it again. */
  eventLog(signal: AbortSignal, after?: string): Promise<readonly LogEntry[]>;
  /** Versions of what firmware the BMC knows of, its own among them. */
  firmware(signal: AbortSignal): Promise<readonly FirmwareItem[]>;
  /** Throws `unsupported` where nothing measures it. */
  consumption(signal: AbortSignal): Promise<Consumption>;
  network(signal: AbortSignal): Promise<NetworkSettings>;
  /**
   * Changes address, VLAN or both, by which the line to the BMC may break: then `timeout`, and whether the change took hold is
   * seen by asking at the new address. Throws `unsupported` for settings that cannot be, before anything is sent.
   */
  setNetwork(change: NetworkChange, signal: AbortSignal): Promise<void>;
  /** Gives the account of this name another password. Sessions stay; the driver keeps the password that it has. */
  setPassword(username: string, password: string, signal: AbortSignal): Promise<void>;
  /** Puts the image at this URL into the virtual drive; the BMC fetches it itself. Another one there is taken out first. */
  insertMedia(image: string, signal: AbortSignal): Promise<void>;
  ejectMedia(signal: AbortSignal): Promise<void>;
  /** URL of the image in the virtual drive, as the BMC tells it; undefined: there is none. */
  media(signal: AbortSignal): Promise<string | undefined>;
  /**
   * The machine's serial console, for one reader at a time (`busy` otherwise). It has a session of its own, which ends with the
   * stream; a console that is lost ends with an error.
   */
  console(signal: AbortSignal): Promise<Duplex>;
  /**
   * What the BMC tells by itself, from now on: ends when the BMC or the signal ends it, and throws when the line breaks.
   * What happened before it began, or while it was broken, is not told. Throws `unsupported` where the BMC tells nothing.
   */
  events(signal: AbortSignal): AsyncIterable<BmcEvent>;
  /**
   * Gives back what is held at the BMC (sessions are few). A closed driver may be used again: it logs in anew.
   * Does not fail because the BMC is silent.
   */
  close(): Promise<void>;
}
