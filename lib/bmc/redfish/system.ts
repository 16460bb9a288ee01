// The ComputerSystem: power, boot override and identify light (DSP0266; schema ComputerSystem 1.5 and later).
import type { BootDevice, BootMode, BootOptions, PowerAction, PowerState } from '../driver.ts';
import { child, type Json, path, text, texts } from './json.ts';

/** Undefined while the service does not know. */
export function powerState(system: Json): PowerState | undefined {
  switch (text(system, 'PowerState')) {
    case 'On':
    case 'PoweringOn':
    case 'PoweringOff': // not off yet
    case 'Paused':
      return 'On';
    case 'Off':
      return 'Off';
    default:
      return undefined;
  }
}

/** Reset types for each action, the best first. */
const RESET_TYPES: Readonly<Record<PowerAction, readonly string[]>> = {
  on: ['On', 'ForceOn'],
  off: ['ForceOff'],
  soft: ['GracefulShutdown', 'PushPowerButton'],
  cycle: ['PowerCycle', 'FullPowerCycle', 'ForceRestart'],
  reset: ['ForceRestart', 'PowerCycle'],
};

export interface ResetAction {
  readonly target: string;
  /** Where the allowable values are told, if not with the action. */
  readonly actionInfo: string | undefined;
  readonly allowed: readonly string[] | undefined;
}

/** The Reset action, or undefined where the system has none. */
export function resetAction(system: Json): ResetAction | undefined {
  const reset = child(child(system, 'Actions'), '#ComputerSystem.Reset');
  const target = path(reset.target);
  if (target === undefined) return undefined;
  const told = Array.isArray(reset['ResetType@Redfish.AllowableValues']);
  const allowed = told ? texts(reset, 'ResetType@Redfish.AllowableValues') : undefined;
  return { target, actionInfo: path(reset['@Redfish.ActionInfo']), allowed };
}

/** The reset type to ask for; undefined where the system allows none that would do. */
export function resetType(action: PowerAction, allowed: readonly string[] | undefined): string | undefined {
  const wanted = RESET_TYPES[action];
  return allowed === undefined ? wanted[0] : wanted.find((type) => allowed.includes(type));
}

const TARGETS: Readonly<Record<BootDevice, readonly string[]>> = {
  pxe: ['Pxe'],
  disk: ['Hdd'],
  cdrom: ['Cd', 'UsbCd'],
  bios: ['BiosSetup'],
  none: ['None'],
};

export function bootOptions(system: Json): BootOptions {
  const boot = child(system, 'Boot');
  const enabled = text(boot, 'BootSourceOverrideEnabled') ?? 'Disabled';
  const target = text(boot, 'BootSourceOverrideTarget') ?? 'None';
  const devices = Object.keys(TARGETS) as BootDevice[];
  const named = devices.find((device) => TARGETS[device].includes(target)) ?? 'none';
  const device = enabled === 'Disabled' ? 'none' : named;
  const mode: BootMode = text(boot, 'BootSourceOverrideMode') === 'Legacy' ? 'BIOS' : 'UEFI';
  return { device, persistent: device !== 'none' && enabled === 'Continuous', mode };
}

/** The change to ask for; undefined where the system allows no such target. */
export function bootChange(system: Json, { device, persistent, mode }: BootOptions): Json | undefined {
  if (device === 'none') {
    return { Boot: { BootSourceOverrideEnabled: 'Disabled', BootSourceOverrideTarget: 'None' } };
  }
  const allowed = texts(child(system, 'Boot'), 'BootSourceOverrideTarget@Redfish.AllowableValues');
  const target = TARGETS[device].find((name) => allowed.length === 0 || allowed.includes(name));
  if (target === undefined) return undefined;
  // Some services drop the override unless all three come together.
  return {
    Boot: {
      BootSourceOverrideEnabled: persistent ? 'Continuous' : 'Once',
      BootSourceOverrideTarget: target,
      BootSourceOverrideMode: mode === 'UEFI' ? 'UEFI' : 'Legacy',
    },
  };
}

/** The identify light has a new and an old property; undefined where there is neither. */
export function identifyChange(system: Json, blink: boolean): Json | undefined {
  if (typeof system.LocationIndicatorActive === 'boolean') return { LocationIndicatorActive: blink };
  if (typeof system.IndicatorLED === 'string') return { IndicatorLED: blink ? 'Blinking' : 'Off' };
  return undefined;
}
