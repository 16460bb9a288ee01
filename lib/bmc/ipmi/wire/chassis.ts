// Power, the identify light and boot options (IPMI 2.0 §28).
import { need } from './bytes.ts';

export const CHASSIS = {
  getCapabilities: 0x00,
  getStatus: 0x01,
  control: 0x02,
  identify: 0x04,
  setPowerRestorePolicy: 0x06,
  getRestartCause: 0x07,
  setBootOptions: 0x08,
  getBootOptions: 0x09,
} as const;

/** Chassis Control's argument (§28.3). */
export const CONTROL = { off: 0x00, on: 0x01, cycle: 0x02, reset: 0x03, diag: 0x04, soft: 0x05 } as const;
export type ControlAction = keyof typeof CONTROL;

export function controlAction(value: number): ControlAction | undefined {
  return (Object.keys(CONTROL) as ControlAction[]).find((action) => CONTROL[action] === value);
}

export interface ChassisStatus {
  readonly powerOn: boolean;
  readonly powerFault: boolean;
  /** What happens when mains power returns. */
  readonly restorePolicy: 'off' | 'previous' | 'on' | 'unknown';
  /** The last power-on was by a command, over IPMI. */
  readonly poweredByCommand: boolean;
  readonly identify: 'off' | 'temporary' | 'indefinite';
}

const RESTORE = ['off', 'previous', 'on', 'unknown'] as const;
const IDENTIFY = ['off', 'temporary', 'indefinite', 'off'] as const;

export function decodeChassisStatus(data: Buffer): ChassisStatus {
  need(data, 3, 'Get Chassis Status');
  const identifyKnown = (data[2]! & 0x40) !== 0;
  return {
    powerOn: (data[0]! & 0x01) !== 0,
    powerFault: (data[0]! & 0x08) !== 0,
    restorePolicy: RESTORE[(data[0]! >> 5) & 3]!,
    poweredByCommand: (data[1]! & 0x10) !== 0,
    identify: identifyKnown ? IDENTIFY[(data[2]! >> 4) & 3]! : 'off',
  };
}

export function encodeChassisStatus(status: ChassisStatus): Buffer {
  const power = (status.powerOn ? 0x01 : 0) | (status.powerFault ? 0x08 : 0);
  return Buffer.of(
    power | (RESTORE.indexOf(status.restorePolicy) << 5),
    status.poweredByCommand ? 0x10 : 0,
    0x40 | (IDENTIFY.indexOf(status.identify) << 4),
  );
}

/** Boot option parameters (table 28-14) that are used here. */
export const BOOT_PARAMETER = { setInProgress: 0, validBitClearing: 3, infoAcknowledge: 4, bootFlags: 5 } as const;

/** Do not drop the boot flags when no Chassis Control follows within 60 s (parameter 3, bit 3). */
export const KEEP_BOOT_FLAGS = 0x08;

/** Boot device selectors of parameter 5, data 2. Numbers not listed are read as "other". */
export const BOOT_SELECTOR = {
  none: 0,
  pxe: 1,
  disk: 2,
  safe: 3,
  diag: 4,
  cdrom: 5,
  bios: 6,
  floppy: 15,
} as const;
export type BootSelector = keyof typeof BOOT_SELECTOR | 'other';

export interface BootFlags {
  readonly valid: boolean;
  readonly persistent: boolean;
  readonly efi: boolean;
  readonly device: BootSelector;
}

/** The five bytes of parameter 5. */
export function encodeBootFlags(flags: BootFlags & { device: keyof typeof BOOT_SELECTOR }): Buffer {
  const first = (flags.valid ? 0x80 : 0) | (flags.persistent ? 0x40 : 0) | (flags.efi ? 0x20 : 0);
  return Buffer.of(first, BOOT_SELECTOR[flags.device] << 2, 0, 0, 0);
}

/** Parameter 5's bytes: what follows version and selector in a Get response, or the selector in a Set request. */
export function decodeBootFlags(data: Buffer): BootFlags {
  need(data, 2, 'boot flags');
  const number = (data[1]! >> 2) & 0x0f;
  const names = Object.keys(BOOT_SELECTOR) as (keyof typeof BOOT_SELECTOR)[];
  return {
    valid: (data[0]! & 0x80) !== 0,
    persistent: (data[0]! & 0x40) !== 0,
    efi: (data[0]! & 0x20) !== 0,
    device: names.find((name) => BOOT_SELECTOR[name] === number) ?? 'other',
  };
}

/** Get System Boot Options' response: which parameter, whether the BMC holds it valid, and its bytes. */
export function decodeBootOption(data: Buffer): { parameter: number; valid: boolean; value: Buffer } {
  need(data, 2, 'Get System Boot Options');
  return { parameter: data[1]! & 0x7f, valid: (data[1]! & 0x80) === 0, value: data.subarray(2) };
}
