// The sensors of a simulated BMC: records that all of them share, and readings that move with time, seed and power.
import type { Threshold } from '../../bmc/driver.ts';
import type { PowerStatistics } from '../../bmc/ipmi/wire/dcmi.ts';
import { unconvert } from '../../bmc/ipmi/wire/reading.ts';
import {
  type Conversion,
  encodeControllerLocator,
  encodeFruLocator,
  encodeFullRecord,
  THRESHOLDS,
} from '../../bmc/ipmi/wire/sdr.ts';
import { SENSOR_TYPE, UNIT } from '../../bmc/ipmi/wire/units.ts';

export type Thresholds = Readonly<Partial<Record<Threshold, number>>>;

export interface AnalogSensor {
  readonly kind: 'analog';
  readonly name: string;
  readonly number: number;
  readonly type: number;
  readonly unit: number;
  readonly entity: number;
  readonly conversion: Conversion;
  /** In its own unit, until others are set. */
  readonly thresholds: Thresholds;
  /** The middle of what it reads, and how far it goes from there. */
  readonly usual: number;
  readonly swing: number;
  /** No reading while the machine is off. */
  readonly needsPower: boolean;
}

interface StateSensor {
  readonly kind: 'states';
  readonly name: string;
  readonly number: number;
  readonly type: number;
  readonly entity: number;
  /** Bits of its states, when nothing is wrong. */
  readonly states: number;
}

export type SimulatedSensor = AnalogSensor | StateSensor;

const LINEAR = { linearization: 0, b: 0, bExponent: 0, resultExponent: 0 } as const;
const DEGREES: Conversion = { ...LINEAR, format: 'twos-complement', m: 1 };
const FAN: Conversion = { ...LINEAR, format: 'unsigned', m: 100 };
const TWELVE_VOLTS: Conversion = { ...LINEAR, format: 'unsigned', m: 6, resultExponent: -2 };
const WATTS: Conversion = { ...LINEAR, format: 'unsigned', m: 4 };
const STATES: Conversion = { ...LINEAR, format: 'none', m: 1 };

const SPECIFIC_STATES = 0x6f;
const ENTITY = { processor: 3, powerSupply: 10, fan: 29, systemBoard: 7, inlet: 55 } as const;

const fan = (number: number, name: string): AnalogSensor => ({
  kind: 'analog',
  name,
  number,
  type: SENSOR_TYPE.fan,
  unit: UNIT.rpm,
  entity: ENTITY.fan,
  conversion: FAN,
  thresholds: { lowerNonCritical: 2000, lowerCritical: 1000 },
  usual: 8000,
  swing: 1500,
  needsPower: true,
});

export const SENSORS: readonly SimulatedSensor[] = [
  {
    kind: 'analog',
    name: 'Inlet Temp',
    number: 0x01,
    type: SENSOR_TYPE.temperature,
    unit: UNIT.degreesC,
    entity: ENTITY.inlet,
    conversion: DEGREES,
    thresholds: { lowerNonCritical: 3, upperNonCritical: 42, upperCritical: 47 },
    usual: 23,
    swing: 3,
    needsPower: false,
  },
  {
    kind: 'analog',
    name: 'CPU1 Temp',
    number: 0x02,
    type: SENSOR_TYPE.temperature,
    unit: UNIT.degreesC,
    entity: ENTITY.processor,
    conversion: DEGREES,
    thresholds: { upperNonCritical: 85, upperCritical: 95, upperNonRecoverable: 100 },
    usual: 58,
    swing: 12,
    needsPower: true,
  },
  fan(0x10, 'FAN1'),
  fan(0x11, 'FAN2'),
  {
    kind: 'analog',
    name: '12V',
    number: 0x20,
    type: SENSOR_TYPE.voltage,
    unit: UNIT.volts,
    entity: ENTITY.systemBoard,
    conversion: TWELVE_VOLTS,
    thresholds: { lowerCritical: 10.8, lowerNonCritical: 11.16, upperNonCritical: 12.9, upperCritical: 13.2 },
    usual: 12.06,
    swing: 0.12,
    needsPower: true,
  },
  {
    kind: 'analog',
    name: 'Power Input',
    number: 0x21,
    type: SENSOR_TYPE.current,
    unit: UNIT.watts,
    entity: ENTITY.powerSupply,
    conversion: WATTS,
    thresholds: { upperCritical: 900 },
    usual: 320,
    swing: 60,
    needsPower: true,
  },
  {
    kind: 'states',
    name: 'CPU1 Status',
    number: 0x30,
    type: SENSOR_TYPE.processor,
    entity: ENTITY.processor,
    states: 1 << 7,
  },
  {
    kind: 'states',
    name: 'PSU1 Status',
    number: 0x31,
    type: SENSOR_TYPE.powerSupply,
    entity: ENTITY.powerSupply,
    states: 1 << 0,
  },
];

/** The bytes of these thresholds. */
export function rawThresholds(thresholds: Thresholds, conversion: Conversion): Partial<Record<Threshold, number>> {
  return Object.fromEntries(Object.entries(thresholds).map(([name, value]) => [name, unconvert(value, conversion)]));
}

/** All records in order: one array for all simulated BMCs. A record's id is its place. */
export const SENSOR_RECORDS: readonly Buffer[] = [
  encodeControllerLocator(0, 'BMC'),
  encodeFruLocator(1, 0, 'System'),
  ...SENSORS.map((sensor, index) =>
    encodeFullRecord({
      id: index + 2,
      number: sensor.number,
      entity: sensor.entity,
      entityInstance: 1,
      sensorType: sensor.type,
      eventType: sensor.kind === 'analog' ? 1 : SPECIFIC_STATES,
      unit: sensor.kind === 'analog' ? sensor.unit : 0,
      conversion: sensor.kind === 'analog' ? sensor.conversion : STATES,
      thresholds: sensor.kind === 'analog' ? rawThresholds(sensor.thresholds, sensor.conversion) : {},
      name: sensor.name,
    }),
  ),
];

/** What a sensor reads at a time: wanders slowly about its usual value, each BMC and sensor in a course of its own. */
export function valueAt(sensor: AnalogSensor, seed: number, milliseconds: number): number {
  const course = ((seed * 31 + sensor.number) % 97) + 60; // seconds that one wave takes
  return sensor.usual + sensor.swing * Math.sin((milliseconds / 1000 / course) * 2 * Math.PI + seed);
}

const POWER_INPUT = 0x21;

/** What the machine draws, in watts: what its sensor reads, and the range that this moves in. */
export function drawn(state: {
  readonly chassis: { power(): 'On' | 'Off' };
  readonly sensorValues: ReadonlyMap<number, number>;
  readonly seed: number;
  now(): number;
}): PowerStatistics {
  const sensor = SENSORS.find((each): each is AnalogSensor => each.kind === 'analog' && each.number === POWER_INPUT)!;
  const { usual, swing } = sensor;
  const on = state.chassis.power() === 'On';
  const current = Math.round(state.sensorValues.get(POWER_INPUT) ?? valueAt(sensor, state.seed, state.now()));
  const span = { minimum: usual - swing, maximum: usual + swing, average: usual, periodMs: 60_000, measuring: true };
  return { ...span, current: on ? current : 0 };
}

/** As they were set last. */
export const thresholdsOf = (
  { sensorThresholds }: { readonly sensorThresholds: ReadonlyMap<number, Thresholds> },
  { number, thresholds }: AnalogSensor,
): Thresholds => sensorThresholds.get(number) ?? thresholds;

/** Bits of the thresholds that a value has crossed. */
export function crossedBy(thresholds: Thresholds, value: number): number {
  return THRESHOLDS.reduce((bits, name, bit) => {
    const threshold = thresholds[name];
    if (threshold === undefined) return bits;
    const crossed = name.startsWith('lower') ? value <= threshold : value >= threshold;
    return crossed ? bits | (1 << bit) : bits;
  }, 0);
}
