// The network settings of a simulated BMC (IPMI 2.0 §23): kept and told, never acted on.
import { PRIVILEGE, THIS_CHANNEL } from '../../../bmc/ipmi/wire/channel.ts';
import { COMPLETION } from '../../../bmc/ipmi/wire/completion.ts';
import * as wire from '../../../bmc/ipmi/wire/lan.ts';
import { type Answer, type BmcState, type CommandHandler, ok, okBytes, refuse } from '../state.ts';

const LAN_CHANNEL = 1;
const READ_ONLY = 0x82;
const SET_IN_PROGRESS = 0x81;

/** Bytes of each parameter as they are when it leaves the factory. */
export const FACTORY_NETWORK: readonly (readonly [parameter: number, value: Buffer])[] = [
  [wire.LAN_PARAMETER.setInProgress, Buffer.of(wire.SET.complete)],
  [wire.LAN_PARAMETER.address, Buffer.of(127, 0, 0, 1)],
  [wire.LAN_PARAMETER.source, wire.encodeAddressSource('static')],
  [wire.LAN_PARAMETER.macAddress, Buffer.of(0x52, 0x54, 0, 0, 0, 1)],
  [wire.LAN_PARAMETER.netmask, Buffer.of(255, 0, 0, 0)],
  [wire.LAN_PARAMETER.gateway, Buffer.of(0, 0, 0, 0)],
  [wire.LAN_PARAMETER.vlan, wire.encodeVlan(undefined)],
];

const isLan = (channel: number) => channel === LAN_CHANNEL || channel === THIS_CHANNEL;

function get(state: BmcState, data: Buffer): Answer {
  if (!isLan(data[0]! & 0x0f)) return refuse(COMPLETION.invalidField);
  const value = state.network.get(data[1]!);
  return value ? okBytes(Buffer.concat([Buffer.of(0x11), value])) : refuse(wire.NO_SUCH_PARAMETER);
}

function set(state: BmcState, data: Buffer): Answer {
  const [channel, parameter, value] = [data[0]! & 0x0f, data[1]!, data.subarray(2)];
  const now = state.network.get(parameter);
  if (!isLan(channel)) return refuse(COMPLETION.invalidField);
  if (!now) return refuse(wire.NO_SUCH_PARAMETER);
  if (parameter === wire.LAN_PARAMETER.macAddress) return refuse(READ_ONLY);
  if (value.length !== now.length) return refuse(COMPLETION.invalidLength);
  const taken = parameter === wire.LAN_PARAMETER.setInProgress && value[0] === wire.SET.inProgress;
  if (taken && now[0] === wire.SET.inProgress) return refuse(SET_IN_PROGRESS);
  state.network.set(parameter, Buffer.from(value));
  return ok();
}

export const LAN_COMMANDS: Readonly<Record<number, CommandHandler>> = {
  [wire.LAN.getConfiguration]: { privilege: PRIVILEGE.operator, least: 4, run: get },
  [wire.LAN.setConfiguration]: { privilege: PRIVILEGE.administrator, least: 3, run: set },
};
