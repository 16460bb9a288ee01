// Sensors: the Sensors collection of newer services, Thermal and Power of older ones (schemas Sensor, Thermal, Power).
import type { Consumption, Health, SensorReading, Threshold } from '../driver.ts';
import type { RedfishClient } from './client.ts';
import { child, entryOf, type Json, link, memberPaths, number, objects, text } from './json.ts';

const MOST_SENSORS = 512;

/** All sensors of one chassis. */
export async function readSensors(client: RedfishClient, chassis: Json, signal: AbortSignal): Promise<SensorReading[]> {
  const collection = await client.find(link(chassis, 'Sensors'), signal);
  const paths = collection ? memberPaths(collection).slice(0, MOST_SENSORS) : [];
  if (paths.length > 0) {
    const readings: SensorReading[] = [];
    for (const sensor of paths) {
      const json = await client.find(sensor, signal);
      if (json) readings.push(sensorReading(json));
    }
    return readings;
  }
  const thermal = (await client.find(link(chassis, 'Thermal'), signal)) ?? {};
  const power = (await client.find(link(chassis, 'Power'), signal)) ?? {};
  return oldReadings(thermal, power);
}

const UNITS: Readonly<Record<string, string>> = { Cel: 'degrees C', V: 'Volts', A: 'Amps', W: 'Watts', '%': 'percent' };
const TYPES: Readonly<Record<string, string>> = { Rotational: 'Fan', Power: 'Power', Voltage: 'Voltage' };

const NEW_THRESHOLDS: Readonly<Record<Threshold, string>> = {
  lowerNonCritical: 'LowerCaution',
  lowerCritical: 'LowerCritical',
  lowerNonRecoverable: 'LowerFatal',
  upperNonCritical: 'UpperCaution',
  upperCritical: 'UpperCritical',
  upperNonRecoverable: 'UpperFatal',
};

const OLD_THRESHOLDS: Readonly<Record<Threshold, string>> = {
  lowerNonCritical: 'LowerThresholdNonCritical',
  lowerCritical: 'LowerThresholdCritical',
  lowerNonRecoverable: 'LowerThresholdFatal',
  upperNonCritical: 'UpperThresholdNonCritical',
  upperCritical: 'UpperThresholdCritical',
  upperNonRecoverable: 'UpperThresholdFatal',
};

function thresholds(names: typeof NEW_THRESHOLDS, read: (name: string) => number | undefined) {
  const found = Object.entries(names).map(([name, property]) => [name, read(property)] as const);
  return Object.fromEntries(found.filter(([, value]) => value !== undefined)) as SensorReading['thresholds'];
}

export function health(json: Json): Health {
  const status = child(json, 'Status');
  const state = text(status, 'State') ?? 'Enabled';
  if (state === 'Absent' || state === 'Disabled' || state === 'UnavailableOffline') return 'unknown';
  const known: Readonly<Record<string, Health>> = { OK: 'ok', Warning: 'warning', Critical: 'critical' };
  return entryOf(known, text(status, 'Health')) ?? 'unknown';
}

function reading(
  json: Json,
  fields: { id: string; name: string; type: string; value: number | undefined; unit: string },
  limits: SensorReading['thresholds'],
): SensorReading {
  const { value, ...rest } = fields;
  const withValue = value === undefined ? { ...rest, unit: '' } : { ...rest, value };
  return { ...withValue, health: health(json), states: [], thresholds: limits };
}

export function sensorReading(json: Json): SensorReading {
  const id = text(json, 'Id') ?? text(json, '@odata.id') ?? '';
  const type = text(json, 'ReadingType') ?? 'Other';
  const unit = text(json, 'ReadingUnits') ?? '';
  const fields = {
    id,
    name: text(json, 'Name') ?? id,
    type: entryOf(TYPES, type) ?? type,
    unit: entryOf(UNITS, unit) ?? unit,
  };
  const limits = thresholds(NEW_THRESHOLDS, (name) => number(child(child(json, 'Thresholds'), name), 'Reading'));
  return reading(json, { ...fields, value: number(json, 'Reading') }, limits);
}

export function oldReadings(thermal: Json, power: Json): SensorReading[] {
  const several = (json: Json, key: string, type: string, property: string, unit: (item: Json) => string) =>
    objects(json, key).map((item, index) => {
      const id = text(item, 'MemberId') ?? `${key}/${index}`;
      const name = text(item, 'Name') ?? text(item, 'FanName') ?? id;
      const fields = { id, name, type, value: number(item, property), unit: unit(item) };
      return reading(
        item,
        fields,
        thresholds(OLD_THRESHOLDS, (threshold) => number(item, threshold)),
      );
    });
  const fanUnit = (fan: Json) => (text(fan, 'ReadingUnits') === 'Percent' ? 'percent' : 'RPM');
  return [
    ...several(thermal, 'Temperatures', 'Temperature', 'ReadingCelsius', () => 'degrees C'),
    ...several(thermal, 'Fans', 'Fan', 'Reading', fanUnit),
    ...several(power, 'Voltages', 'Voltage', 'ReadingVolts', () => 'Volts'),
    ...several(power, 'PowerControl', 'Power', 'PowerConsumedWatts', () => 'Watts'),
    ...several(power, 'PowerSupplies', 'Power Supply', 'LastPowerOutputWatts', () => 'Watts'),
  ];
}

/** The draw of one chassis: from EnvironmentMetrics of newer services, PowerControl of older ones. */
export async function readConsumption(
  client: RedfishClient,
  chassis: Json,
  signal: AbortSignal,
): Promise<Consumption | undefined> {
  const metrics = (await client.find(link(chassis, 'EnvironmentMetrics'), signal)) ?? {};
  const drawn = number(child(metrics, 'PowerWatts'), 'Reading');
  if (drawn !== undefined) return { watts: drawn };
  const power = (await client.find(link(chassis, 'Power'), signal)) ?? {};
  return objects(power, 'PowerControl')
    .map(consumption)
    .find((found) => found !== undefined);
}

export function consumption(control: Json): Consumption | undefined {
  const watts = number(control, 'PowerConsumedWatts');
  if (watts === undefined) return undefined;
  const metrics = child(control, 'PowerMetrics');
  const statistics = {
    minimum: number(metrics, 'MinConsumedWatts'),
    maximum: number(metrics, 'MaxConsumedWatts'),
    average: number(metrics, 'AverageConsumedWatts'),
  };
  return { watts, ...Object.fromEntries(Object.entries(statistics).filter(([, value]) => value !== undefined)) };
}
