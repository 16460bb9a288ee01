// RMCP: the four bytes in front of every datagram (IPMI 2.0 §13.1.3), and ASF's presence ping (§13.2.3, §13.2.4).
import { need, WireError } from './bytes.ts';

const VERSION = 0x06;
const NO_ACKNOWLEDGE = 0xff;
const CLASS = { asf: 0x06, ipmi: 0x07 } as const;
const ASF_IANA = 4542;
const PING = 0x80;
const PONG = 0x40;

export type RmcpClass = keyof typeof CLASS;

export interface RmcpMessage {
  readonly messageClass: RmcpClass;
  readonly data: Buffer;
}

/** The four header bytes for a message of this class, never asking for an RMCP acknowledge. */
export function rmcpHeader(messageClass: RmcpClass): Buffer {
  return Buffer.of(VERSION, 0, NO_ACKNOWLEDGE, CLASS[messageClass]);
}

/** Splits a datagram. Acknowledges and classes other than ASF and IPMI are WireErrors. */
export function decodeRmcp(datagram: Buffer): RmcpMessage {
  need(datagram, 4, 'RMCP header');
  if (datagram[0] !== VERSION) throw new WireError(`RMCP version ${datagram[0]}`);
  const data = datagram.subarray(4);
  if (datagram[3] === CLASS.ipmi) return { messageClass: 'ipmi', data };
  if (datagram[3] === CLASS.asf) return { messageClass: 'asf', data };
  throw new WireError(`RMCP class ${datagram[3]}`);
}

/** The tag of an ASF presence ping, or undefined for every other ASF message. */
export function decodePing(data: Buffer): number | undefined {
  need(data, 8, 'ASF message');
  return data.readUInt32BE(0) === ASF_IANA && data[4] === PING ? data[5] : undefined;
}

/** A whole datagram that answers a ping: "IPMI is spoken here". */
export function encodePong(tag: number): Buffer {
  const body = Buffer.alloc(24);
  body.writeUInt32BE(ASF_IANA, 0);
  body[4] = PONG;
  body[5] = tag;
  body[7] = 16;
  body.writeUInt32BE(ASF_IANA, 8);
  body[16] = 0x81; // supported entities: IPMI, ASF 1.0
  return Buffer.concat([rmcpHeader('asf'), body]);
}
