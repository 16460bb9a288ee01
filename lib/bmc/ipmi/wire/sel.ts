// The system event log: its records and what they say (IPMI 2.0 §31, §32).
import type { Health } from '../../driver.ts';
import { need } from './bytes.ts';
import { eventMeaning, SENSOR_SPECIFIC, THRESHOLD_EVENT } from './events.ts';
import { sensorTypeText } from './units.ts';

export const SEL = { getInfo: 0x40, reserve: 0x42, getEntry: 0x43, clear: 0x47, getTime: 0x48 } as const;
export const FIRST_ENTRY = 0x0000;
export const LAST_ENTRY = 0xffff;
export const SYSTEM_EVENT = 0x02;
const RECORD_LENGTH = 16;

/** Times below this are seconds since the BMC started, not since 1970 (§37.1). */
const FIRST_REAL_TIME = 0x2000_0000;
const NO_TIME = 0xffff_ffff;

export interface SelRecord {
  readonly id: number;
  readonly type: number;
  /** Seconds since 1970, or undefined where the BMC had no clock or the record has no time. */
  readonly seconds: number | undefined;
  /** Of system events only. */
  readonly event?: SelEvent;
  /** What an OEM record carries. */
  readonly oem?: Buffer;
}

export interface SelEvent {
  /** Slave address or software id of who reported it. */
  readonly generator: number;
  readonly lun: number;
  readonly sensorType: number;
  readonly sensorNumber: number;
  readonly eventType: number;
  readonly asserted: boolean;
  readonly data: readonly [number, number, number];
}

/** Get SEL Info: how many records, and whether anything changed since it was last read. */
export function decodeSelInfo(data: Buffer): { records: number; stamp: string } {
  need(data, 14, 'SEL info');
  return { records: data.readUInt16LE(1), stamp: data.toString('hex', 1, 13) };
}

/** Get SEL Entry's response: the next record's id, and this record. */
export function decodeSelEntry(data: Buffer): { next: number; record: SelRecord; raw: Buffer } {
  need(data, 2 + RECORD_LENGTH, 'SEL entry');
  const raw = data.subarray(2, 2 + RECORD_LENGTH);
  return { next: data.readUInt16LE(0), record: decodeSelRecord(raw), raw };
}

export function decodeSelRecord(bytes: Buffer): SelRecord {
  need(bytes, RECORD_LENGTH, 'SEL record');
  const [id, type] = [bytes.readUInt16LE(0), bytes[2]!];
  if (type >= 0xe0) return { id, type, seconds: undefined, oem: Buffer.from(bytes.subarray(3)) };
  const time = bytes.readUInt32LE(3);
  const seconds = time >= FIRST_REAL_TIME && time !== NO_TIME ? time : undefined;
  if (type >= 0xc0) return { id, type, seconds, oem: Buffer.from(bytes.subarray(7)) };
  const event: SelEvent = {
    generator: bytes[7]!,
    lun: bytes[8]! & 3,
    sensorType: bytes[10]!,
    sensorNumber: bytes[11]!,
    eventType: bytes[12]! & 0x7f,
    asserted: (bytes[12]! & 0x80) === 0,
    data: [bytes[13]!, bytes[14]!, bytes[15]!],
  };
  return { id, type, seconds, event };
}

export function encodeSelRecord(id: number, seconds: number, event: SelEvent): Buffer {
  const bytes = Buffer.alloc(RECORD_LENGTH);
  bytes.writeUInt16LE(id, 0);
  bytes[2] = SYSTEM_EVENT;
  bytes.writeUInt32LE(seconds, 3);
  bytes[7] = event.generator;
  bytes[8] = event.lun;
  bytes[9] = 0x04; // event message format of IPMI 1.5 and later
  bytes[10] = event.sensorType;
  bytes[11] = event.sensorNumber;
  bytes[12] = event.eventType | (event.asserted ? 0 : 0x80);
  bytes.set(event.data, 13);
  return bytes;
}

export interface EventText {
  readonly message: string;
  readonly severity: Health;
}

/** Numbers in an event's data, as text; given the raw byte, as far as the sensor is known. */
export type ReadingText = (raw: number) => string | undefined;

/** What a record says. `readingText` turns the raw readings of threshold events into numbers with their unit. */
export function eventText(record: SelRecord, readingText: ReadingText): EventText {
  const { event } = record;
  if (!event) {
    return { message: `OEM record ${hex(record.type)}: ${record.oem?.toString('hex') ?? ''}`, severity: 'unknown' };
  }
  if (event.eventType > 0x0c && event.eventType !== SENSOR_SPECIFIC) {
    const data = Buffer.from(event.data).toString('hex');
    return { message: `OEM event ${hex(event.eventType)}: ${data}`, severity: 'unknown' };
  }
  const { text, severity } = eventMeaning(event.eventType, event.sensorType, event.data[0] & 0x0f);
  const message = text + (event.eventType === THRESHOLD_EVENT ? readings(event, readingText) : details(event));
  return { message, severity: event.asserted ? severity : 'ok' };
}

/** " (reading 90 degrees C, threshold 85 degrees C)", as far as the event carries them. */
function readings(event: SelEvent, readingText: ReadingText): string {
  const [flags, second, third] = event.data;
  const reading = flags >> 6 === 1 ? readingText(second) : undefined;
  const threshold = ((flags >> 4) & 3) === 1 ? readingText(third) : undefined;
  const parts = [reading && `reading ${reading}`, threshold && `threshold ${threshold}`].filter(Boolean);
  return parts.length > 0 ? ` (${parts.join(', ')})` : '';
}

/** Data 2 and 3 of events with states: known for memory (which module), else as numbers where they were given. */
function details(event: SelEvent): string {
  const [flags, second, third] = event.data;
  const memoryModule = 0x0c;
  if (event.sensorType === memoryModule && ((flags >> 4) & 3) === 3 && third !== 0xff) return ` (module ${third})`;
  const given = [flags >> 6 === 0 ? undefined : second, ((flags >> 4) & 3) === 0 ? undefined : third];
  const parts = given.filter((byte) => byte !== undefined && byte !== 0xff).map((byte) => hex(byte!));
  return parts.length > 0 ? ` (data ${parts.join(' ')})` : '';
}

/** A sensor that no record names: "Temperature 0x30". */
export function anonymousSensor(event: SelEvent): string {
  return `${sensorTypeText(event.sensorType)} ${hex(event.sensorNumber)}`;
}

const hex = (value: number) => `0x${value.toString(16).padStart(2, '0')}`;
