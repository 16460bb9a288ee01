// What a simulated machine draws, as its BMC tells by DCMI (DCMI 1.5 §6.6.1).
import { PRIVILEGE } from '../../../bmc/ipmi/wire/channel.ts';
import { COMPLETION } from '../../../bmc/ipmi/wire/completion.ts';
import { DCMI, encodeDcmiCapabilities, encodePowerReading } from '../../../bmc/ipmi/wire/dcmi.ts';
import { drawn } from '../sensors.ts';
import { type Answer, type BmcState, type CommandHandler, okBytes, refuse } from '../state.ts';

const GROUP = 0xdc;

const ofGroup =
  (run: (state: BmcState) => Buffer) =>
  (state: BmcState, data: Buffer): Answer =>
    data[0] === GROUP ? okBytes(run(state)) : refuse(COMPLETION.invalidCommand);

function powerReading(state: BmcState): Buffer {
  return encodePowerReading(drawn(state), Math.floor(state.now() / 1000));
}

export const DCMI_COMMANDS: Readonly<Record<number, CommandHandler>> = {
  [DCMI.getCapabilities]: {
    privilege: PRIVILEGE.user,
    least: 2,
    run: ofGroup(() => encodeDcmiCapabilities({ powerManagement: true })),
  },
  [DCMI.getPowerReading]: { privilege: PRIVILEGE.user, least: 4, run: ofGroup(powerReading) },
};
