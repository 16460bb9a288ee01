// Sensors as they are now (IPMI 2.0 §35): records say what they are, readings are asked one by one.
import type { Health, SensorReading, Threshold } from '../driver.ts';
import type { IpmiClient } from './client.ts';
import { COMPLETION } from './wire/completion.ts';
import { statesIn, THRESHOLD_EVENT, worst } from './wire/events.ts';
import { BMC_ADDRESS, NETFN } from './wire/message.ts';
import {
  convert,
  decodeReading,
  decodeThresholds,
  NON_LINEAR,
  type RawReading,
  SENSOR,
  thresholdHealth,
} from './wire/reading.ts';
import { type Conversion, decodeFactors, type SdrRecord, type SensorRecord } from './wire/sdr.ts';
import { sensorTypeText, unitText } from './wire/units.ts';

/** Sensors behind other controllers need message bridging and are left out. */
export function readableSensors(records: readonly SdrRecord[]): SensorRecord[] {
  return records.filter((record) => record.kind === 'sensor').filter((record) => record.owner === BMC_ADDRESS);
}

/** The sensor with the thresholds that hold now: they can be set apart from the record. To be asked once, not each time. */
export async function withThresholds(
  client: IpmiClient,
  sensor: SensorRecord,
  signal: AbortSignal,
): Promise<SensorRecord> {
  if (sensor.eventType !== THRESHOLD_EVENT || Object.keys(sensor.thresholds).length === 0) return sensor;
  const { completion, data } = await client.ask(command(sensor, SENSOR.getThresholds), signal);
  return completion === COMPLETION.ok ? { ...sensor, thresholds: decodeThresholds(data) } : sensor;
}

export async function readSensor(
  client: IpmiClient,
  sensor: SensorRecord,
  signal: AbortSignal,
): Promise<SensorReading> {
  const { completion, data } = await client.ask(command(sensor, SENSOR.getReading), signal);
  // A sensor that cannot be read now says so in some way of its own; the others are none the worse.
  const reading = completion === COMPLETION.ok ? decodeReading(data) : { raw: undefined, states: 0 };
  const conversion = await conversionFor(client, sensor, reading, signal);
  return describe(sensor, reading, conversion);
}

/** Non-linear sensors have other factors for each reading (§35.5). */
async function conversionFor(
  client: IpmiClient,
  sensor: SensorRecord,
  { raw }: RawReading,
  signal: AbortSignal,
): Promise<Conversion | undefined> {
  const { conversion } = sensor;
  if (!conversion || raw === undefined || conversion.linearization < NON_LINEAR) return conversion;
  const { completion, data } = await client.ask(command(sensor, SENSOR.getReadingFactors, raw), signal);
  if (completion !== COMPLETION.ok) return undefined;
  return { ...conversion, ...decodeFactors(data.subarray(1)) };
}

function describe(sensor: SensorRecord, reading: RawReading, conversion: Conversion | undefined): SensorReading {
  const analog = sensor.eventType === THRESHOLD_EVENT;
  const value = reading.raw === undefined || !conversion ? undefined : convert(reading.raw, conversion);
  const states = analog ? [] : statesIn(reading.states, sensor.eventType, sensor.sensorType);
  const stateHealth: Health = analog ? thresholdHealth(reading.states) : worst(states.map((state) => state.severity));
  return {
    id: sensorId(sensor),
    name: sensor.name,
    type: sensorTypeText(sensor.sensorType),
    ...(value === undefined ? {} : { value }),
    unit: value === undefined ? '' : unitText(sensor.units),
    health: reading.raw === undefined ? 'unknown' : stateHealth,
    states: states.map((state) => state.text),
    thresholds: conversion ? converted(sensor.thresholds, conversion) : {},
  };
}

function converted(
  raw: SensorRecord['thresholds'],
  conversion: Conversion,
): Readonly<Partial<Record<Threshold, number>>> {
  const values = Object.entries(raw).map(([name, byte]) => [name, convert(byte, conversion)] as const);
  return Object.fromEntries(values.filter(([, value]) => value !== undefined));
}

/** "0x30"; "0x30.1" on logical unit 1. */
function sensorId({ number, lun }: SensorRecord): string {
  const text = `0x${number.toString(16).padStart(2, '0')}`;
  return lun === 0 ? text : `${text}.${lun}`;
}

function command(sensor: SensorRecord, number: number, ...more: number[]) {
  return { netFn: NETFN.sensor, lun: sensor.lun, command: number, data: Buffer.of(sensor.number, ...more) };
}
