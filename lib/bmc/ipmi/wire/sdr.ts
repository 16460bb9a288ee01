// Sensor data records: which sensors there are, and what their bytes mean (IPMI 2.0 §33, §43).
import type { Threshold } from '../../driver.ts';
import { need, WireError } from './bytes.ts';
import { decodeText, encodeText } from './text.ts';
import type { SensorUnits } from './units.ts';

export const SDR = { getInfo: 0x20, getDeviceRecord: 0x21, reserve: 0x22, getRecord: 0x23 } as const;
export const LAST_RECORD = 0xffff;
export const RECORD_HEADER = 5;
export const RECORD_TYPE = { full: 0x01, compact: 0x02, eventOnly: 0x03, fruLocator: 0x11, controller: 0x12 } as const;

/** How a raw byte becomes a number (§36.3): L[(M·x + B·10^bExponent)·10^resultExponent]. */
export interface Conversion {
  readonly format: 'unsigned' | 'ones-complement' | 'twos-complement' | 'none';
  /** Table 43-1: 0 linear … 11 cube root; from 70h on the factors depend on the reading. */
  readonly linearization: number;
  readonly m: number;
  readonly b: number;
  readonly bExponent: number;
  readonly resultExponent: number;
}

interface Sensor {
  readonly owner: number;
  readonly lun: number;
  readonly number: number;
  readonly entity: number;
  readonly entityInstance: number;
  readonly sensorType: number;
  /** 1: thresholds. 2 to 0Ch: generic states. 6Fh: states of the sensor's type. 70h on: OEM. */
  readonly eventType: number;
  readonly name: string;
}

/** A full or compact record: one sensor that can be read. A compact one that stands for several is given once for each. */
export interface SensorRecord extends Sensor {
  readonly kind: 'sensor';
  readonly units: SensorUnits;
  /** Only full records have one. */
  readonly conversion?: Conversion;
  /** Raw bytes of the thresholds that the record says can be read. */
  readonly thresholds: Readonly<Partial<Record<Threshold, number>>>;
}

export interface EventOnlyRecord extends Sensor {
  readonly kind: 'event-only';
}

export interface FruLocatorRecord {
  readonly kind: 'fru';
  readonly deviceId: number;
  /** Behind the controller itself, and so read with FRU commands. */
  readonly logical: boolean;
  readonly owner: number;
  readonly name: string;
}

export type SdrRecord = SensorRecord | EventOnlyRecord | FruLocatorRecord;

/** Thresholds in the order of masks and of Get Sensor Thresholds (§35.9). */
export const THRESHOLDS: readonly Threshold[] = [
  'lowerNonCritical',
  'lowerCritical',
  'lowerNonRecoverable',
  'upperNonCritical',
  'upperCritical',
  'upperNonRecoverable',
];

const RECORD_THRESHOLDS: readonly Threshold[] = [
  'upperNonRecoverable',
  'upperCritical',
  'upperNonCritical',
  'lowerNonRecoverable',
  'lowerCritical',
  'lowerNonCritical',
];

/** Get SDR Repository Info: only whether anything changed since it was last read. */
export function decodeRepositoryInfo(data: Buffer): { records: number; stamp: string } {
  need(data, 14, 'SDR repository info');
  return { records: data.readUInt16LE(1), stamp: data.toString('hex', 1, 13) };
}

export interface RecordHeader {
  readonly id: number;
  readonly type: number;
  /** Of the whole record, this header included. */
  readonly length: number;
}

export function decodeRecordHeader(record: Buffer): RecordHeader {
  need(record, RECORD_HEADER, 'SDR header');
  return { id: record.readUInt16LE(0), type: record[3]!, length: RECORD_HEADER + record[4]! };
}

/** What a record says: none, one, or several sensors. Types of no use here give nothing. */
export function decodeRecord(record: Buffer): SdrRecord[] {
  const { type, length } = decodeRecordHeader(record);
  need(record, length, 'SDR');
  switch (type) {
    case RECORD_TYPE.full:
      return [fullRecord(record)];
    case RECORD_TYPE.compact:
      return compactRecords(record);
    case RECORD_TYPE.eventOnly:
      return eventOnlyRecords(record);
    case RECORD_TYPE.fruLocator:
      return [fruLocator(record)];
    default:
      return [];
  }
}

function sensor(record: Buffer, typeAt: number, nameAt: number): Sensor {
  return {
    owner: record[5]!,
    lun: record[6]! & 3,
    number: record[7]!,
    entity: record[8]!,
    entityInstance: record[9]!,
    sensorType: record[typeAt]!,
    eventType: record[typeAt + 1]!,
    name: decodeText(record.subarray(nameAt), 'unicode').text,
  };
}

function units(record: Buffer): SensorUnits {
  const flags = record[20]!;
  return {
    percent: (flags & 1) !== 0,
    modifierUse: (flags >> 1) & 3,
    rate: (flags >> 3) & 7,
    base: record[21]!,
    modifier: record[22]!,
  };
}

const FORMATS = ['unsigned', 'ones-complement', 'twos-complement', 'none'] as const;

const signed = (value: number, bits: number) => (value << (32 - bits)) >> (32 - bits);

/** M, B and exponents as six bytes, in records and in Get Sensor Reading Factors alike. */
export function decodeFactors(bytes: Buffer): Pick<Conversion, 'm' | 'b' | 'bExponent' | 'resultExponent'> {
  need(bytes, 6, 'reading factors');
  return {
    m: signed(bytes[0]! | ((bytes[1]! & 0xc0) << 2), 10),
    b: signed(bytes[2]! | ((bytes[3]! & 0xc0) << 2), 10),
    bExponent: signed(bytes[5]! & 0x0f, 4),
    resultExponent: signed(bytes[5]! >> 4, 4),
  };
}

function fullRecord(record: Buffer): SensorRecord {
  need(record, 48, 'full sensor record');
  const readable = record.readUInt16LE(18);
  const isThreshold = record[13] === 1;
  const known = RECORD_THRESHOLDS.map((name, index) => [name, record[36 + index]!] as const);
  const thresholds = known.filter(([name]) => isThreshold && readable & (1 << THRESHOLDS.indexOf(name)));
  return {
    kind: 'sensor',
    ...sensor(record, 12, 47),
    units: units(record),
    conversion: {
      format: FORMATS[record[20]! >> 6]!,
      linearization: record[23]! & 0x7f,
      ...decodeFactors(record.subarray(24, 30)),
    },
    thresholds: Object.fromEntries(thresholds),
  };
}

function compactRecords(record: Buffer): SensorRecord[] {
  need(record, 32, 'compact sensor record');
  const one: SensorRecord = { kind: 'sensor', ...sensor(record, 12, 31), units: units(record), thresholds: {} };
  return shared(one, record, 23);
}

function eventOnlyRecords(record: Buffer): EventOnlyRecord[] {
  need(record, 17, 'event-only record');
  return shared({ kind: 'event-only', ...sensor(record, 10, 16) }, record, 12);
}

/** Records that stand for several sensors count on from the first number, and so do the names (§43.2). */
function shared<T extends Sensor>(first: T, record: Buffer, sharingAt: number): T[] {
  const count = record[sharingAt]! & 0x0f;
  if (count <= 1) return [first];
  const alphabetic = (record[sharingAt]! & 0x30) === 0x10;
  const offset = record[sharingAt + 1]! & 0x7f;
  const suffix = (index: number) => (alphabetic ? letters(offset + index) : String(offset + index));
  const eachHasEntity = (record[sharingAt + 1]! & 0x80) !== 0;
  return Array.from({ length: count }, (_, index) => ({
    ...first,
    number: (first.number + index) & 0xff,
    entityInstance: first.entityInstance + (eachHasEntity ? index : 0),
    name: first.name + suffix(index),
  }));
}

/** A to Z, AA, AB … */
function letters(index: number): string {
  const last = String.fromCharCode(65 + (index % 26));
  return index < 26 ? last : letters(Math.floor(index / 26) - 1) + last;
}

function fruLocator(record: Buffer): FruLocatorRecord {
  need(record, 16, 'FRU locator');
  return {
    kind: 'fru',
    owner: record[5]!,
    deviceId: record[6]!,
    logical: (record[7]! & 0x80) !== 0,
    name: decodeText(record.subarray(15), 'unicode').text,
  };
}

/** What a simulated sensor's full record is made of. Thresholds are raw bytes. */
export interface FullRecordFields {
  readonly id: number;
  readonly number: number;
  readonly entity: number;
  readonly entityInstance: number;
  readonly sensorType: number;
  readonly eventType: number;
  readonly unit: number;
  readonly conversion: Conversion;
  readonly thresholds: Readonly<Partial<Record<Threshold, number>>>;
  readonly name: string;
}

/** Lower thresholds going low, upper ones going high (table 43-1, bytes 15 to 18). */
const EVENTS_ASSERTED = 0b1010_1001_0101;

function withHeader(id: number, type: number, body: Buffer, name: string): Buffer {
  const text = encodeText(name);
  const header = Buffer.of(id & 0xff, id >> 8, 0x51, type, body.length + text.length);
  if (text.length > 17) throw new WireError(`sensor name of ${text.length - 1} bytes`);
  return Buffer.concat([header, body, text]);
}

export function encodeFactors({ m, b, bExponent, resultExponent }: Conversion): Buffer {
  const exponents = ((resultExponent & 0x0f) << 4) | (bExponent & 0x0f);
  return Buffer.of(m & 0xff, (m >> 2) & 0xc0, b & 0xff, (b >> 2) & 0xc0, 0, exponents);
}

export function encodeFullRecord(fields: FullRecordFields): Buffer {
  const mask = THRESHOLDS.reduce(
    (bits, name, bit) => (fields.thresholds[name] === undefined ? bits : bits | (1 << bit)),
    0,
  );
  const body = Buffer.alloc(42);
  const at = (offset: number) => offset - RECORD_HEADER;
  body[at(5)] = 0x20;
  body[at(7)] = fields.number;
  body[at(8)] = fields.entity;
  body[at(9)] = fields.entityInstance;
  body[at(10)] = 0x7f; // scanning, events, thresholds and type are set up
  body[at(11)] = fields.eventType === 1 ? 0x68 : 0x40; // re-arms itself; thresholds can be read and set
  body[at(12)] = fields.sensorType;
  body[at(13)] = fields.eventType;
  const analog = fields.eventType === 1;
  body.writeUInt16LE(analog ? ((mask & 7) << 12) | EVENTS_ASSERTED : 0x7fff, at(14));
  body.writeUInt16LE(analog ? ((mask >> 3) << 12) | EVENTS_ASSERTED : 0x7fff, at(16));
  body.writeUInt16LE(analog ? mask | (mask << 8) : 0x7fff, at(18));
  body[at(20)] = FORMATS.indexOf(fields.conversion.format) << 6;
  body[at(21)] = fields.unit;
  body[at(23)] = fields.conversion.linearization;
  encodeFactors(fields.conversion).copy(body, at(24));
  RECORD_THRESHOLDS.forEach((name, index) => {
    body[at(36 + index)] = fields.thresholds[name] ?? 0;
  });
  return withHeader(fields.id, RECORD_TYPE.full, body, fields.name);
}

export function encodeFruLocator(id: number, deviceId: number, name: string): Buffer {
  const body = Buffer.of(0x20, deviceId, 0x80, 0, 0, 0x10, 0, 7, 1, 0); // logical, entity 7.1: the system board
  return withHeader(id, RECORD_TYPE.fruLocator, body, name);
}

export function encodeControllerLocator(id: number, name: string): Buffer {
  const body = Buffer.of(0x20, 0, 0, 0xbf, 0, 0, 0, 6, 1, 0); // entity 6.1: management
  return withHeader(id, RECORD_TYPE.controller, body, name);
}
