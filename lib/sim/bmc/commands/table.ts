// Every command that a simulated BMC knows, and who may give it.
import { COMPLETION } from '../../../bmc/ipmi/wire/completion.ts';
import { NETFN, type Request } from '../../../bmc/ipmi/wire/message.ts';
import type { SimulatedSession } from '../sessions.ts';
import { type Answer, type BmcState, type CommandHandler, refuse } from '../state.ts';
import { APP_COMMANDS } from './app.ts';
import { CHASSIS_COMMANDS } from './chassis.ts';
import { DCMI_COMMANDS } from './dcmi.ts';
import { LAN_COMMANDS } from './lan.ts';
import { SENSOR_COMMANDS } from './sensor.ts';
import { PAYLOAD_COMMANDS, TRANSPORT_COMMANDS } from './serial.ts';
import { STORAGE_COMMANDS } from './storage.ts';

const COMMANDS: Readonly<Record<number, Readonly<Record<number, CommandHandler>>>> = {
  [NETFN.chassis]: CHASSIS_COMMANDS,
  [NETFN.sensor]: SENSOR_COMMANDS,
  [NETFN.app]: { ...APP_COMMANDS, ...PAYLOAD_COMMANDS },
  [NETFN.storage]: STORAGE_COMMANDS,
  [NETFN.transport]: { ...TRANSPORT_COMMANDS, ...LAN_COMMANDS },
  [NETFN.group]: DCMI_COMMANDS,
};

/** Carries out a request. Outside a session only the commands about logging in are known. */
export function execute(state: BmcState, request: Request, session: SimulatedSession | undefined): Answer {
  const handler = COMMANDS[request.netFn]?.[request.command];
  if (!handler) return refuse(COMPLETION.invalidCommand);
  if (handler.privilege > (session?.privilege ?? 0)) return refuse(COMPLETION.insufficientPrivilege);
  if (request.data.length < handler.least) return refuse(COMPLETION.invalidLength);
  return handler.run(state, request.data, session);
}
