// The sensors of a simulated BMC (IPMI 2.0 §35).
import { PRIVILEGE } from '../../../bmc/ipmi/wire/channel.ts';
import { COMPLETION } from '../../../bmc/ipmi/wire/completion.ts';
import { convert, SENSOR, unconvert } from '../../../bmc/ipmi/wire/reading.ts';
import { THRESHOLDS } from '../../../bmc/ipmi/wire/sdr.ts';
import { crossedBy, rawThresholds, SENSORS, thresholdsOf, valueAt } from '../sensors.ts';
import { type Answer, type BmcState, type CommandHandler, ok, refuse } from '../state.ts';

const GET_HYSTERESIS = 0x25;
const SET_THRESHOLDS = 0x26;
const GET_EVENT_ENABLE = 0x29;
const GET_TYPE = 0x2f;

const SCANNED = 0xc0; // events and scanning are on
const UNAVAILABLE = 0xe0;

const sensorOf = (data: Buffer) => SENSORS.find(({ number }) => number === data[0]);

function reading(state: BmcState, data: Buffer): Answer {
  const sensor = sensorOf(data);
  if (!sensor) return refuse(COMPLETION.notPresent);
  if (sensor.kind === 'states') {
    const states = state.sensorStates.get(sensor.number) ?? sensor.states;
    return ok(0, SCANNED, states & 0xff, 0x80 | (states >> 8));
  }
  if (sensor.needsPower && state.chassis.power() === 'Off') return ok(0, UNAVAILABLE, 0xc0);
  const value = state.sensorValues.get(sensor.number) ?? valueAt(sensor, state.seed, state.now());
  return ok(unconvert(value, sensor.conversion), SCANNED, 0xc0 | crossedBy(thresholdsOf(state, sensor), value));
}

function thresholds(state: BmcState, data: Buffer): Answer {
  const sensor = sensorOf(data);
  if (!sensor) return refuse(COMPLETION.notPresent);
  if (sensor.kind === 'states') return refuse(COMPLETION.illegalForSensor);
  const raw = rawThresholds(thresholdsOf(state, sensor), sensor.conversion);
  const readable = THRESHOLDS.reduce((bits, name, bit) => (raw[name] === undefined ? bits : bits | (1 << bit)), 0);
  return ok(readable, ...THRESHOLDS.map((name) => raw[name] ?? 0));
}

/** Those that the request's mask names (§35.8). */
function setThresholds(state: BmcState, data: Buffer): Answer {
  const sensor = sensorOf(data);
  if (!sensor) return refuse(COMPLETION.notPresent);
  if (sensor.kind === 'states') return refuse(COMPLETION.illegalForSensor);
  const given = THRESHOLDS.filter((_, bit) => data[1]! & (1 << bit));
  if (given.some((name) => sensor.thresholds[name] === undefined)) return refuse(COMPLETION.invalidField);
  const values = given.map((name) => [name, convert(data[2 + THRESHOLDS.indexOf(name)]!, sensor.conversion)]);
  state.sensorThresholds.set(sensor.number, { ...thresholdsOf(state, sensor), ...Object.fromEntries(values) });
  return ok();
}

function type(_state: BmcState, data: Buffer): Answer {
  const sensor = sensorOf(data);
  return sensor ? ok(sensor.type, sensor.kind === 'analog' ? 1 : 0x6f) : refuse(COMPLETION.notPresent);
}

const { operator, user } = PRIVILEGE;

export const SENSOR_COMMANDS: Readonly<Record<number, CommandHandler>> = {
  [GET_HYSTERESIS]: { privilege: user, least: 1, run: () => ok(0, 0) },
  [SENSOR.getThresholds]: { privilege: user, least: 1, run: thresholds },
  [SET_THRESHOLDS]: { privilege: operator, least: 8, run: setThresholds },
  [GET_EVENT_ENABLE]: { privilege: user, least: 1, run: () => ok(SCANNED) },
  [SENSOR.getReading]: { privilege: user, least: 1, run: reading },
  [GET_TYPE]: { privilege: user, least: 1, run: type },
};
