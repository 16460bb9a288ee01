// Power, boot options and the identify light of a simulated BMC (IPMI 2.0 §28).
import { PRIVILEGE } from '../../../bmc/ipmi/wire/channel.ts';
import * as wire from '../../../bmc/ipmi/wire/chassis.ts';
import { COMPLETION } from '../../../bmc/ipmi/wire/completion.ts';
import { NO_BOOT_OVERRIDE } from '../chassis.ts';
import { type Answer, type BmcState, type CommandHandler, ok, okBytes, refuse } from '../state.ts';

/** Boot flags lapse when no power command follows within a minute (§28.13, parameter 3). */
const FLAGS_LAPSE = 60_000;
const UNSUPPORTED_PARAMETER = 0x80;
const SET_IN_PROGRESS = 0x81;

function status(state: BmcState): Answer {
  const identify = state.identifyUntil === Number.POSITIVE_INFINITY ? 'indefinite' : 'temporary';
  return okBytes(
    wire.encodeChassisStatus({
      powerOn: state.chassis.power() === 'On',
      powerFault: false,
      restorePolicy: 'previous',
      poweredByCommand: state.poweredByCommand,
      identify: state.identifyUntil > state.now() ? identify : 'off',
    }),
  );
}

function control(state: BmcState, data: Buffer): Answer {
  const action = wire.controlAction(data[0]! & 0x0f);
  if (!action) return refuse(COMPLETION.invalidField);
  lapse(state);
  state.bootOptions.lapseAt = Number.POSITIVE_INFINITY;
  if (state.faults.powerStuck || (action === 'soft' && state.faults.softOffIgnored)) return ok();
  if (state.chassis.power() === 'Off' && action !== 'on' && action !== 'off') return refuse(COMPLETION.notInThisState);
  state.poweredByCommand = action === 'on' || action === 'cycle';
  state.chassis.control(action);
  return ok();
}

function identify(state: BmcState, data: Buffer): Answer {
  const indefinitely = data.length > 1 && (data[1]! & 1) !== 0;
  const seconds = indefinitely ? Number.POSITIVE_INFINITY : (data[0] ?? 15);
  state.identifyUntil = state.now() + seconds * 1000;
  state.chassis.identify(seconds);
  return ok();
}

function lapse(state: BmcState): void {
  if (state.now() < state.bootOptions.lapseAt) return;
  state.bootOptions.lapseAt = Number.POSITIVE_INFINITY;
  state.chassis.boot = { ...state.chassis.boot, valid: false };
}

function getBootOptions(state: BmcState, data: Buffer): Answer {
  const parameter = data[0]! & 0x7f;
  lapse(state);
  const value = bootParameter(state, parameter);
  return value ? okBytes(Buffer.concat([Buffer.of(1, parameter), value])) : refuse(UNSUPPORTED_PARAMETER);
}

function bootParameter({ bootOptions, chassis }: BmcState, parameter: number): Buffer | undefined {
  switch (parameter) {
    case wire.BOOT_PARAMETER.setInProgress:
      return Buffer.of(bootOptions.setInProgress);
    case wire.BOOT_PARAMETER.validBitClearing:
      return Buffer.of(bootOptions.validBitClearing);
    case wire.BOOT_PARAMETER.infoAcknowledge:
      return Buffer.of(0, bootOptions.infoAcknowledge);
    case wire.BOOT_PARAMETER.bootFlags:
      return wire.encodeBootFlags(chassis.boot);
    default:
      return undefined;
  }
}

function setBootOptions(state: BmcState, data: Buffer): Answer {
  const options = state.bootOptions;
  const value = data.subarray(1);
  switch (data[0]! & 0x7f) {
    case wire.BOOT_PARAMETER.setInProgress:
      if (value.length < 1) return refuse(COMPLETION.invalidLength);
      if (value[0] === 1 && options.setInProgress === 1) return refuse(SET_IN_PROGRESS);
      options.setInProgress = value[0]! & 1;
      return ok();
    case wire.BOOT_PARAMETER.validBitClearing:
      if (value.length < 1) return refuse(COMPLETION.invalidLength);
      options.validBitClearing = value[0]! & 0x1f;
      return ok();
    case wire.BOOT_PARAMETER.infoAcknowledge:
      if (value.length < 2) return refuse(COMPLETION.invalidLength);
      options.infoAcknowledge = (options.infoAcknowledge & ~value[0]!) | (value[1]! & value[0]!);
      return ok();
    case wire.BOOT_PARAMETER.bootFlags:
      return value.length < 5 ? refuse(COMPLETION.invalidLength) : setBootFlags(state, value);
    default:
      return refuse(UNSUPPORTED_PARAMETER);
  }
}

function setBootFlags(state: BmcState, value: Buffer): Answer {
  const flags = wire.decodeBootFlags(value);
  const { device } = flags;
  if (device === 'other') return refuse(COMPLETION.invalidField);
  state.chassis.boot = flags.valid ? { ...flags, device } : NO_BOOT_OVERRIDE;
  const kept = (state.bootOptions.validBitClearing & wire.KEEP_BOOT_FLAGS) !== 0;
  state.bootOptions.lapseAt = kept ? Number.POSITIVE_INFINITY : state.now() + FLAGS_LAPSE;
  return ok();
}

const { user, operator } = PRIVILEGE;

export const CHASSIS_COMMANDS: Readonly<Record<number, CommandHandler>> = {
  [wire.CHASSIS.getCapabilities]: { privilege: user, least: 0, run: () => ok(0, 0x20, 0x20, 0x20, 0x20) },
  [wire.CHASSIS.getStatus]: { privilege: user, least: 0, run: status },
  [wire.CHASSIS.control]: { privilege: operator, least: 1, run: control },
  [wire.CHASSIS.identify]: { privilege: operator, least: 0, run: identify },
  [wire.CHASSIS.setPowerRestorePolicy]: { privilege: operator, least: 1, run: () => ok(0b111) },
  [wire.CHASSIS.getRestartCause]: {
    privilege: user,
    least: 0,
    run: (state) => ok(state.poweredByCommand ? 0x01 : 0x00, 1),
  },
  [wire.CHASSIS.setBootOptions]: { privilege: operator, least: 1, run: setBootOptions },
  [wire.CHASSIS.getBootOptions]: { privilege: operator, least: 3, run: getBootOptions },
};
