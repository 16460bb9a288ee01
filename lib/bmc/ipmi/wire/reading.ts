// Sensor readings: from raw bytes to numbers and back, and what is crossed (IPMI 2.0 §35.9, §35.14, §36).
import type { Health, Threshold } from '../../driver.ts';
import { need } from './bytes.ts';
import { type Conversion, THRESHOLDS } from './sdr.ts';

export const SENSOR = { getReadingFactors: 0x23, getThresholds: 0x27, getReading: 0x2d } as const;

export interface RawReading {
  /** Undefined while the sensor has none, or is not scanned. */
  readonly raw: number | undefined;
  /** Bits: thresholds crossed, or states 0 to 14. */
  readonly states: number;
}

export function decodeReading(data: Buffer): RawReading {
  need(data, 2, 'Get Sensor Reading');
  const scanned = (data[1]! & 0x40) !== 0;
  const unavailable = (data[1]! & 0x20) !== 0;
  const states = (data[2] ?? 0) | (((data[3] ?? 0) & 0x7f) << 8);
  return scanned && !unavailable ? { raw: data[0]!, states } : { raw: undefined, states: 0 };
}

/** Raw bytes of the thresholds that the response says are readable. */
export function decodeThresholds(data: Buffer): Partial<Record<Threshold, number>> {
  need(data, 7, 'Get Sensor Thresholds');
  const readable = THRESHOLDS.filter((_, index) => data[0]! & (1 << index));
  return Object.fromEntries(readable.map((name) => [name, data[1 + THRESHOLDS.indexOf(name)]!]));
}

const LINEARIZE: readonly ((y: number) => number)[] = [
  (y) => y,
  Math.log,
  Math.log10,
  Math.log2,
  Math.exp,
  (y) => 10 ** y,
  (y) => 2 ** y,
  (y) => 1 / y,
  (y) => y ** 2,
  (y) => y ** 3,
  Math.sqrt,
  Math.cbrt,
];

export const NON_LINEAR = 0x70;

function signedRaw(raw: number, format: Conversion['format']): number | undefined {
  if (format === 'none') return undefined;
  if (format === 'unsigned' || raw < 0x80) return raw;
  return format === 'twos-complement' ? raw - 0x100 : raw - 0xff;
}

/** The number that a raw byte stands for; undefined where it stands for none (no analog reading, a division by zero). */
export function convert(raw: number, conversion: Conversion): number | undefined {
  const x = signedRaw(raw, conversion.format);
  const linearize = LINEARIZE[conversion.linearization >= NON_LINEAR ? 0 : conversion.linearization];
  if (x === undefined || !linearize) return undefined;
  const { m, b, bExponent, resultExponent } = conversion;
  const value = linearize((m * x + b * 10 ** bExponent) * 10 ** resultExponent);
  return Number.isFinite(value) ? Number(value.toPrecision(6)) : undefined;
}

/** The raw byte nearest to a value, of a linear conversion. */
export function unconvert(value: number, conversion: Conversion): number {
  const { m, b, bExponent, resultExponent, format } = conversion;
  const x = Math.round((value / 10 ** resultExponent - b * 10 ** bExponent) / m);
  if (format === 'unsigned') return Math.max(0, Math.min(255, x));
  const [least, modulus] = format === 'ones-complement' ? [-127, 0xff] : [-128, 0x100];
  const signed = Math.max(least, Math.min(127, x));
  return signed < 0 ? signed + modulus : signed;
}

/** From the bits of thresholds crossed. */
export function thresholdHealth(states: number): Health {
  const crossed = THRESHOLDS.filter((_, index) => states & (1 << index));
  if (crossed.length === 0) return 'ok';
  return crossed.every((name) => name.endsWith('NonCritical')) ? 'warning' : 'critical';
}
