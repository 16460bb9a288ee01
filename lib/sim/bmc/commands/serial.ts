// Payload activation and the serial port's settings of a simulated BMC (IPMI 2.0 §24, §26).
import { PRIVILEGE } from '../../../bmc/ipmi/wire/channel.ts';
import { COMPLETION } from '../../../bmc/ipmi/wire/completion.ts';
import { PAYLOAD } from '../../../bmc/ipmi/wire/packet.ts';
import { ALREADY_ACTIVE, encodeActivateResponse, PAYLOAD_COMMAND, SOL_COMMAND } from '../../../bmc/ipmi/wire/sol.ts';
import { MOST_PAYLOAD } from '../serial.ts';
import type { SimulatedSession } from '../sessions.ts';
import { type Answer, type BmcState, type CommandHandler, ok, okBytes, refuse } from '../state.ts';

const GET_PAYLOAD_SUPPORT = 0x4e;
const ALREADY_INACTIVE = 0x80;
const DISABLED = 0x81;
const UNSUPPORTED_PARAMETER = 0x80;

function activate(state: BmcState, data: Buffer, session: SimulatedSession | undefined): Answer {
  if (!session || (data[0]! & 0x3f) !== PAYLOAD.sol) return refuse(COMPLETION.invalidField);
  if (!state.chassis.serial) return refuse(DISABLED);
  if (!state.console.free) return refuse(ALREADY_ACTIVE);
  state.console.activate(state.chassis.serial, session);
  return okBytes(encodeActivateResponse(MOST_PAYLOAD, state.console.udpPort()));
}

/** Whoever is administrator may take the console away from another. */
function deactivate(state: BmcState, data: Buffer): Answer {
  if ((data[0]! & 0x3f) !== PAYLOAD.sol) return refuse(COMPLETION.invalidField);
  if (state.console.free) return refuse(ALREADY_INACTIVE);
  state.console.deactivate();
  return ok();
}

function activationStatus(state: BmcState): Answer {
  return ok(1, state.console.free ? 0 : 1, 0);
}

/** The payload types of a channel (§24.8): commands and the console, and those of session set-up. */
const payloadSupport = () => ok(0b11, 0, 0b11_1111, 0, 0, 0, 0, 0);

/** Parameters of table 26-5: fixed, as on a BMC whose console is simply on. */
const CONFIGURATION: Readonly<Record<number, readonly number[]>> = {
  0: [0], // no setting under way
  1: [1], // enabled
  2: [0xc0 | PRIVILEGE.operator], // encrypted and signed
  3: [12, 96], // characters are sent after 60 ms, or when there are 96
  4: [7, 50], // seven tries, half a second apart
  5: [0x0a], // 115200 baud
  6: [0x0a],
  7: [1], // LAN channel
  8: [0x6f, 0x02], // port 623
};

function configuration(_state: BmcState, data: Buffer): Answer {
  const value = CONFIGURATION[data[1]!];
  return value ? ok(0x11, ...value) : refuse(UNSUPPORTED_PARAMETER);
}

export const PAYLOAD_COMMANDS: Readonly<Record<number, CommandHandler>> = {
  [PAYLOAD_COMMAND.activate]: { privilege: PRIVILEGE.operator, least: 6, run: activate },
  [PAYLOAD_COMMAND.deactivate]: { privilege: PRIVILEGE.operator, least: 6, run: deactivate },
  [GET_PAYLOAD_SUPPORT]: { privilege: PRIVILEGE.user, least: 1, run: payloadSupport },
  [PAYLOAD_COMMAND.getActivationStatus]: { privilege: PRIVILEGE.user, least: 1, run: activationStatus },
};

export const TRANSPORT_COMMANDS: Readonly<Record<number, CommandHandler>> = {
  [SOL_COMMAND.getConfiguration]: { privilege: PRIVILEGE.user, least: 4, run: configuration },
};
