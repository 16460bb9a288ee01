// The repositories of a simulated BMC, empty: sensor records, event log, inventory (IPMI 2.0 §31, §33, §34).
import { PRIVILEGE } from '../../../bmc/ipmi/wire/channel.ts';
import { COMPLETION } from '../../../bmc/ipmi/wire/completion.ts';
import { type Answer, type BmcState, type CommandHandler, ok, okBytes, refuse } from '../state.ts';

const STORAGE = {
  getFruAreaInfo: 0x10,
  readFru: 0x11,
  getSdrRepositoryInfo: 0x20,
  reserveSdrRepository: 0x22,
  getSdr: 0x23,
  getSelInfo: 0x40,
  reserveSel: 0x42,
  getSelEntry: 0x43,
  getSelTime: 0x48,
  setSelTime: 0x49,
} as const;

const VERSION = 0x51;
const NEVER = 0;

function sensorRepository(): Answer {
  const data = Buffer.alloc(14);
  data[0] = VERSION;
  data.writeUInt16LE(0xffff, 3); // free space
  data.writeUInt32LE(NEVER, 5);
  data.writeUInt32LE(NEVER, 9);
  data[13] = 0x02; // Reserve SDR Repository is supported
  return okBytes(data);
}

function eventLog(): Answer {
  const data = Buffer.alloc(14);
  data[0] = VERSION;
  data.writeUInt16LE(0x2000, 3);
  data.writeUInt32LE(NEVER, 5);
  data.writeUInt32LE(NEVER, 9);
  data[13] = 0x02; // Reserve SEL is supported
  return okBytes(data);
}

function time(state: BmcState): Answer {
  const data = Buffer.alloc(4);
  data.writeUInt32LE(Math.floor(state.now() / 1000));
  return okBytes(data);
}

const reservation = (): Answer => okBytes(Buffer.of(1, 0));
const absent = (): Answer => refuse(COMPLETION.notPresent);
const { user, operator } = PRIVILEGE;

export const STORAGE_COMMANDS: Readonly<Record<number, CommandHandler>> = {
  [STORAGE.getFruAreaInfo]: { privilege: user, least: 1, run: absent },
  [STORAGE.readFru]: { privilege: user, least: 4, run: absent },
  [STORAGE.getSdrRepositoryInfo]: { privilege: user, least: 0, run: sensorRepository },
  [STORAGE.reserveSdrRepository]: { privilege: user, least: 0, run: reservation },
  [STORAGE.getSdr]: { privilege: user, least: 6, run: absent },
  [STORAGE.getSelInfo]: { privilege: user, least: 0, run: eventLog },
  [STORAGE.reserveSel]: { privilege: user, least: 0, run: reservation },
  [STORAGE.getSelEntry]: { privilege: user, least: 6, run: absent },
  [STORAGE.getSelTime]: { privilege: user, least: 0, run: time },
  [STORAGE.setSelTime]: { privilege: operator, least: 4, run: () => ok() }, // ours is always right
};
