// The repositories of a simulated BMC: sensor records, event log, inventory (IPMI 2.0 §31, §33, §34).
import { PRIVILEGE } from '../../../bmc/ipmi/wire/channel.ts';
import { COMPLETION } from '../../../bmc/ipmi/wire/completion.ts';
import { encodeFru, FRU } from '../../../bmc/ipmi/wire/fru.ts';
import { SDR } from '../../../bmc/ipmi/wire/sdr.ts';
import { SEL } from '../../../bmc/ipmi/wire/sel.ts';
import { SENSOR_RECORDS } from '../sensors.ts';
import { type Answer, type BmcState, type CommandHandler, ok, okBytes, refuse } from '../state.ts';

const SET_TIME = 0x49;
const VERSION = 0x51;
const RESERVATION_SUPPORTED = 0x02;
const END = 0xffff;
const SYSTEM_FRU = 0;
const INVENTORY_BYTES = 1024;
const ERASED = 0x01;

function info(entries: number, freeBytes: number, addedAt: number, erasedAt: number): Answer {
  const data = Buffer.alloc(14);
  data[0] = VERSION;
  data.writeUInt16LE(entries, 1);
  data.writeUInt16LE(freeBytes, 3);
  data.writeUInt32LE(addedAt, 5);
  data.writeUInt32LE(erasedAt, 9);
  data[13] = RESERVATION_SUPPORTED;
  return okBytes(data);
}

/** The next record's id and the bytes asked for, as Get SDR and Get SEL Entry answer alike. */
function part(state: BmcState, record: Buffer, next: number, offset: number, count: number): Answer {
  if (offset >= record.length) return refuse(COMPLETION.outOfRange);
  const end = count === 0xff ? record.length : Math.min(offset + count, record.length);
  if (end - offset > state.mostBytes) return refuse(COMPLETION.cannotReturnLength);
  return okBytes(Buffer.concat([Buffer.of(next & 0xff, next >> 8), record.subarray(offset, end)]));
}

function sensorRecord(state: BmcState, data: Buffer): Answer {
  const [reservation, id, offset] = [data.readUInt16LE(0), data.readUInt16LE(2), data[4]!];
  const place = id === END ? SENSOR_RECORDS.length - 1 : id;
  const record = SENSOR_RECORDS[place];
  if (!record) return refuse(COMPLETION.notPresent);
  if (offset > 0 && reservation !== state.sdrReservation) return refuse(COMPLETION.reservationCancelled);
  return part(state, record, place + 1 < SENSOR_RECORDS.length ? place + 1 : END, offset, data[5]!);
}

function reserveRecords(state: BmcState): Answer {
  state.sdrReservation = (state.sdrReservation % 0xffff) + 1;
  return ok(state.sdrReservation & 0xff, state.sdrReservation >> 8);
}

function logEntry(state: BmcState, data: Buffer): Answer {
  const found = state.log.entry(data.readUInt16LE(2));
  if (!found) return refuse(COMPLETION.notPresent);
  if (data[4]! > 0 && !state.log.isReserved(data.readUInt16LE(0))) return refuse(COMPLETION.reservationCancelled);
  return part(state, found.record, found.next, data[4]!, data[5]!);
}

function reserveLog(state: BmcState): Answer {
  const reservation = state.log.reserve();
  return ok(reservation & 0xff, reservation >> 8);
}

function clearLog(state: BmcState, data: Buffer): Answer {
  if (!state.log.isReserved(data.readUInt16LE(0))) return refuse(COMPLETION.reservationCancelled);
  if (data.toString('latin1', 2, 5) !== 'CLR') return refuse(COMPLETION.invalidField);
  const erase = 0xaa;
  if (data[5] === erase) state.log.clear();
  return ok(ERASED);
}

function time(state: BmcState): Answer {
  const data = Buffer.alloc(4);
  data.writeUInt32LE(Math.floor(state.now() / 1000));
  return okBytes(data);
}

function inventoryInfo(state: BmcState, data: Buffer): Answer {
  if (data[0] !== SYSTEM_FRU || !state.fru) return refuse(COMPLETION.notPresent);
  return ok(INVENTORY_BYTES & 0xff, INVENTORY_BYTES >> 8, 0);
}

/** Encoded anew at each reading: thousands of BMCs need not keep what is seldom asked for. */
function inventory(state: BmcState, data: Buffer): Answer {
  if (data[0] !== SYSTEM_FRU || !state.fru) return refuse(COMPLETION.notPresent);
  const bytes = Buffer.alloc(INVENTORY_BYTES);
  encodeFru(state.fru).copy(bytes);
  const [offset, count] = [data.readUInt16LE(1), data[3]!];
  if (offset >= bytes.length) return refuse(COMPLETION.outOfRange);
  if (count > state.mostBytes) return refuse(COMPLETION.cannotReturnLength);
  const found = bytes.subarray(offset, offset + count);
  return okBytes(Buffer.concat([Buffer.of(found.length), found]));
}

const { user, operator } = PRIVILEGE;

export const STORAGE_COMMANDS: Readonly<Record<number, CommandHandler>> = {
  [FRU.getAreaInfo]: { privilege: user, least: 1, run: inventoryInfo },
  [FRU.read]: { privilege: user, least: 4, run: inventory },
  [SDR.getInfo]: { privilege: user, least: 0, run: () => info(SENSOR_RECORDS.length, END, 0, 0) },
  [SDR.reserve]: { privilege: user, least: 0, run: reserveRecords },
  [SDR.getRecord]: { privilege: user, least: 6, run: sensorRecord },
  [SEL.getInfo]: {
    privilege: user,
    least: 0,
    run: ({ log }) => info(log.size, log.free * 16, log.addedAt, log.erasedAt),
  },
  [SEL.reserve]: { privilege: user, least: 0, run: reserveLog },
  [SEL.getEntry]: { privilege: user, least: 6, run: logEntry },
  [SEL.clear]: { privilege: operator, least: 6, run: clearLog },
  [SEL.getTime]: { privilege: user, least: 0, run: time },
  [SET_TIME]: { privilege: operator, least: 4, run: () => ok() }, // ours is always right
};
