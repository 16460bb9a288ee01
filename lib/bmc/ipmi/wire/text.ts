// Strings in records: a type/length byte and bytes in one of four encodings (IPMI 2.0 §43.15; FRU specification §13).
import { need, WireError } from './bytes.ts';

const BCD_PLUS = '0123456789 -.:,_';

export interface DecodedText {
  readonly text: string;
  /** Bytes used, the type/length byte included. */
  readonly length: number;
}

/** FRU fields call type 0 binary, sensor records UCS-2: both are given as hexadecimal and as text respectively. */
export function decodeText(bytes: Buffer, zeroIs: 'binary' | 'unicode'): DecodedText {
  need(bytes, 1, 'text');
  const length = bytes[0]! & 0x3f;
  need(bytes, 1 + length, 'text');
  return { text: textOf(bytes[0]! >> 6, bytes.subarray(1, 1 + length), zeroIs), length: 1 + length };
}

function textOf(type: number, bytes: Buffer, zeroIs: 'binary' | 'unicode'): string {
  if (type === 1) return [...bytes].map((byte) => BCD_PLUS[byte >> 4]! + BCD_PLUS[byte & 15]!).join('');
  if (type === 2) return sixBit(bytes);
  if (type === 3) return printable(bytes.toString('latin1'));
  return zeroIs === 'binary'
    ? bytes.toString('hex')
    : printable(bytes.subarray(0, bytes.length & ~1).toString('utf16le'));
}

/** Four characters from 20h to 5Fh in three bytes, the first in the lowest bits. */
function sixBit(bytes: Buffer): string {
  let text = '';
  for (let bit = 0; bit + 6 <= bytes.length * 8; bit += 6) {
    const two = bytes[bit >> 3]! | ((bytes[(bit >> 3) + 1] ?? 0) << 8);
    text += String.fromCharCode(0x20 + ((two >> (bit & 7)) & 0x3f));
  }
  return text.trimEnd();
}

/** Without what ends the text early or steers a terminal: BMCs pad with zeros, and leave rubbish behind them. */
function printable(text: string): string {
  const end = text.indexOf('\0');
  const kept = end < 0 ? text : text.slice(0, end);
  return kept.replace(/[\p{Cc}]/gu, '').trim();
}

/** 8-bit text, as simulated records have it; 63 bytes at most. */
export function encodeText(text: string): Buffer {
  const bytes = Buffer.from(text, 'latin1');
  if (bytes.length > 0x3f) throw new WireError(`text of ${bytes.length} bytes`);
  return Buffer.concat([Buffer.of(0xc0 | bytes.length), bytes]);
}
