// Ways in which real BMCs depart from the specification, for simulated ones to do the same.
import { createCipheriv, createDecipheriv } from 'node:crypto';
import { hmac, type SessionKeys } from '../../bmc/ipmi/wire/cipher.ts';

export interface SimulatedQuirks {
  /** Cipher suites that it says it has, whatever it accepts. */
  readonly advertisedSuites?: readonly number[];
  /** Fills the confidentiality padding with zeros instead of 01 02 03 … (§13.29). */
  readonly zeroPadding: boolean;
  /** Leaves the authentication code out of RAKP 4. */
  readonly emptyRakp4Code: boolean;
  /** Milliseconds that it takes for each sensor data record. */
  readonly recordMs: number;
}

export const NO_QUIRKS: SimulatedQuirks = { zeroPadding: false, emptyRakp4Code: false, recordMs: 0 };

const RMCP = 4;
const HEADER = 12;
const BLOCK = 16;

/** A sealed datagram with zeros for padding, signed anew. */
export function zeroPadded(keys: SessionKeys, datagram: Buffer): Buffer {
  const bytes = Buffer.from(datagram);
  const length = bytes.readUInt16LE(RMCP + 10);
  const payload = bytes.subarray(RMCP + HEADER, RMCP + HEADER + length);
  const [vector, secret] = [payload.subarray(0, BLOCK), payload.subarray(BLOCK)];
  const decipher = createDecipheriv('aes-128-cbc', keys.encryption, vector).setAutoPadding(false);
  const clear = Buffer.concat([decipher.update(secret), decipher.final()]);
  clear.fill(0, clear.length - 1 - clear.at(-1)!, clear.length - 1);
  const cipher = createCipheriv('aes-128-cbc', keys.encryption, vector).setAutoPadding(false);
  Buffer.concat([cipher.update(clear), cipher.final()]).copy(secret);
  const codeAt = bytes.length - keys.suite.authCodeLength;
  hmac(keys.suite, keys.integrity, bytes.subarray(RMCP, codeAt)).copy(bytes, codeAt, 0, keys.suite.authCodeLength);
  return bytes;
}
