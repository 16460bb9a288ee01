// Session packets: what lies between the RMCP header and a payload (IPMI 2.0 §13.6, §13.28, §13.29).
//
// Two framings: IPMI 1.5's, used here only outside sessions and unauthenticated; and RMCP+'s, which may sign and encrypt.
// A signed packet is decoded in two steps, so that nothing is decrypted before its signature held: decodePacket() finds the
// session, then unseal() verifies with that session's keys and decrypts.
import { createCipheriv, createDecipheriv, randomBytes, timingSafeEqual } from 'node:crypto';
import { need, WireError } from './bytes.ts';
import { hmac, type SessionKeys } from './cipher.ts';
import { rmcpHeader } from './rmcp.ts';

/** Payload type numbers (§13.27.3). */
export const PAYLOAD = {
  ipmi: 0x00,
  sol: 0x01,
  openSessionRequest: 0x10,
  openSessionResponse: 0x11,
  rakp1: 0x12,
  rakp2: 0x13,
  rakp3: 0x14,
  rakp4: 0x15,
} as const;

export interface LegacyPacket {
  readonly framing: '1.5';
  readonly sessionId: number;
  readonly sequence: number;
  readonly payload: Buffer;
}

export interface PlusPacket {
  readonly framing: '2.0';
  readonly payloadType: number;
  readonly encrypted: boolean;
  readonly authenticated: boolean;
  readonly sessionId: number;
  readonly sequence: number;
  /** As it came: still encrypted where `encrypted` says so. */
  readonly payload: Buffer;
  /** From the authentication type on, trailer included: what unseal() verifies. */
  readonly bytes: Buffer;
}

export type Packet = LegacyPacket | PlusPacket;

const AUTH_NONE = 0x00;
const AUTH_RMCP_PLUS = 0x06;
const ENCRYPTED = 0x80;
const AUTHENTICATED = 0x40;
const NEXT_HEADER = 0x07;
const HEADER_LENGTH = 12;
const BLOCK = 16;

/** A whole datagram in IPMI 1.5 framing, outside any session. */
export function encodeLegacy(payload: Buffer): Buffer {
  const header = Buffer.alloc(10);
  header[9] = payload.length;
  return Buffer.concat([rmcpHeader('ipmi'), header, payload]);
}

/** A whole datagram in RMCP+ framing, neither signed nor encrypted: session set-up. */
export function encodePlain(payloadType: number, payload: Buffer): Buffer {
  return Buffer.concat([rmcpHeader('ipmi'), plusHeader(payloadType, 0, 0, payload.length), payload]);
}

/** A whole datagram within a session: encrypted, then signed. `sessionId` is the receiver's. */
export function seal(
  keys: SessionKeys,
  packet: { payloadType: number; sessionId: number; sequence: number; payload: Buffer },
): Buffer {
  const payload = encrypt(keys, packet.payload);
  const type = packet.payloadType | ENCRYPTED | AUTHENTICATED;
  const header = plusHeader(type, packet.sessionId, packet.sequence, payload.length);
  const padding = (4 - ((HEADER_LENGTH + payload.length + 2) % 4)) % 4;
  const trailer = Buffer.alloc(padding + 2, 0xff);
  trailer[padding] = padding;
  trailer[padding + 1] = NEXT_HEADER;
  const code = hmac(keys.suite, keys.integrity, header, payload, trailer).subarray(0, keys.suite.authCodeLength);
  return Buffer.concat([rmcpHeader('ipmi'), header, payload, trailer, code]);
}

/** Reads the framing of an RMCP message of class IPMI. Of a signed packet nothing may be believed before unseal(). */
export function decodePacket(bytes: Buffer): Packet {
  need(bytes, 10, 'session header');
  if (bytes[0] === AUTH_NONE) return decodeLegacy(bytes);
  if (bytes[0] === AUTH_RMCP_PLUS) return decodePlus(bytes);
  throw new WireError(`authentication type ${bytes[0]}`);
}

/** Verifies a signed packet and gives its payload in clear. Unsigned and unencrypted ones are refused. */
export function unseal(keys: SessionKeys, packet: PlusPacket): Buffer {
  if (!packet.authenticated || !packet.encrypted) throw new WireError('packet within a session is not protected');
  const codeAt = packet.bytes.length - keys.suite.authCodeLength;
  if (codeAt < HEADER_LENGTH + packet.payload.length + 2) throw new WireError('authentication code missing');
  const expected = hmac(keys.suite, keys.integrity, packet.bytes.subarray(0, codeAt));
  if (!timingSafeEqual(expected.subarray(0, keys.suite.authCodeLength), packet.bytes.subarray(codeAt))) {
    throw new WireError('authentication code does not match');
  }
  return decrypt(keys, packet.payload);
}

function decodeLegacy(bytes: Buffer): LegacyPacket {
  const length = bytes[9]!;
  need(bytes, 10 + length, 'IPMI 1.5 payload');
  const sequence = bytes.readUInt32LE(1);
  return { framing: '1.5', sequence, sessionId: bytes.readUInt32LE(5), payload: bytes.subarray(10, 10 + length) };
}

function decodePlus(bytes: Buffer): PlusPacket {
  need(bytes, HEADER_LENGTH, 'RMCP+ header');
  const type = bytes[1]!;
  const length = bytes.readUInt16LE(10);
  need(bytes, HEADER_LENGTH + length, 'RMCP+ payload');
  return {
    framing: '2.0',
    payloadType: type & 0x3f,
    encrypted: (type & ENCRYPTED) !== 0,
    authenticated: (type & AUTHENTICATED) !== 0,
    sessionId: bytes.readUInt32LE(2),
    sequence: bytes.readUInt32LE(6),
    payload: bytes.subarray(HEADER_LENGTH, HEADER_LENGTH + length),
    bytes,
  };
}

function plusHeader(type: number, sessionId: number, sequence: number, length: number): Buffer {
  const header = Buffer.alloc(HEADER_LENGTH);
  header[0] = AUTH_RMCP_PLUS;
  header[1] = type;
  header.writeUInt32LE(sessionId, 2);
  header.writeUInt32LE(sequence, 6);
  header.writeUInt16LE(length, 10);
  return header;
}

const VECTORS = 256;
let vectors = Buffer.alloc(0);
let nextVector = 0;

/** Sixteen random bytes, each used once. Drawn many at a time: asking for so few costs more than the encryption. */
function freshVector(): Buffer {
  if (nextVector === vectors.length) {
    vectors = randomBytes(VECTORS * BLOCK);
    nextVector = 0;
  }
  nextVector += BLOCK;
  return vectors.subarray(nextVector - BLOCK, nextVector);
}

/** §13.29: initialisation vector, then the payload padded with 01 02 03 … and the padding's length. */
function encrypt(keys: SessionKeys, payload: Buffer): Buffer {
  const padding = (BLOCK - ((payload.length + 1) % BLOCK)) % BLOCK;
  const padded = Buffer.alloc(payload.length + padding + 1);
  payload.copy(padded);
  for (let i = 1; i <= padding; i++) padded[payload.length + i - 1] = i;
  padded[padded.length - 1] = padding;
  const vector = freshVector();
  const cipher = createCipheriv('aes-128-cbc', keys.encryption, vector).setAutoPadding(false);
  return Buffer.concat([vector, cipher.update(padded), cipher.final()]);
}

function decrypt(keys: SessionKeys, payload: Buffer): Buffer {
  if (payload.length < 2 * BLOCK || payload.length % BLOCK !== 0) {
    throw new WireError(`encrypted payload of ${payload.length} bytes`);
  }
  const decipher = createDecipheriv('aes-128-cbc', keys.encryption, payload.subarray(0, BLOCK)).setAutoPadding(false);
  const clear = Buffer.concat([decipher.update(payload.subarray(BLOCK)), decipher.final()]);
  // Only the length counts: BMCs differ in what they fill the padding with, and the signature already vouches for it.
  const padding = clear[clear.length - 1]!;
  if (padding > BLOCK || padding + 1 > clear.length) throw new WireError(`padding of ${padding} bytes`);
  return clear.subarray(0, clear.length - 1 - padding);
}
