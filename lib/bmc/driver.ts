// The out-of-band boundary: everything the operator may ask of a machine's management controller (BMC).
//
// Drivers are chosen by the address's scheme (open.ts). Every call may be repeated: a caller that does not know whether an
// earlier one took hold simply calls again. No call keeps a promise about the machine beyond what the BMC answered: "power
// on" means that the BMC accepted the command; whether the machine is on is what power() says afterwards.

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

/** What a driver can do for this BMC, told by the BMC or its protocol: callers never find out by an error. */
export interface Capabilities {
  readonly bootModes: readonly BootMode[];
  readonly sensors: boolean;
  readonly eventLog: boolean;
  readonly identify: boolean;
  readonly console: boolean;
  readonly virtualMedia: boolean;
  readonly setPassword: boolean;
}

export interface Credentials {
  readonly username: string;
  readonly password: string;
  /** IPMI: the BMC's own key (KG), at most 20 bytes; as text, or in hexadecimal after `0x`. */
  readonly bmcKey?: string;
}

/** Where a BMC is and how to log in. Credentials are never part of the address. */
export interface BmcTarget {
  /** `ipmi://host:623`, `redfish://host`, `redfish+http://host` (tests only). IPv6 hosts in brackets. */
  readonly address: string;
  readonly credentials: Credentials;
}

export interface Driver {
  /** Logs in, proves that the account holds administrator rights (else a `privilege` error), and tells who answered. */
  identify(signal: AbortSignal): Promise<BmcIdentity>;
  capabilities(): Capabilities;
  power(signal: AbortSignal): Promise<PowerState>;
  setPower(action: PowerAction, signal: AbortSignal): Promise<void>;
  bootDevice(signal: AbortSignal): Promise<BootOptions>;
  setBootDevice(options: BootOptions, signal: AbortSignal): Promise<void>;
  /** Blinks the identify light for a number of seconds; 0 ends it. */
  setIdentify(seconds: number, signal: AbortSignal): Promise<void>;
  /**
   * Gives back what is held at the BMC (sessions are few). A closed driver may be used again: it logs in anew.
   * Does not fail because the BMC is silent.
   */
  close(): Promise<void>;
}
