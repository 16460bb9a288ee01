// IPMI LAN messages: one request or response with its addresses and two checksums (IPMI 2.0 §13.8).
import { need, WireError } from './bytes.ts';

export const BMC_ADDRESS = 0x20;
/** The address of remote console software, as every client gives it. */
export const CONSOLE_ADDRESS = 0x81;

/** Network function codes (§5.1) of requests; a response's is one more. */
export const NETFN = { chassis: 0x00, sensor: 0x04, app: 0x06, storage: 0x0a, transport: 0x0c, group: 0x2c } as const;

export interface Request {
  readonly netFn: number;
  readonly lun: number;
  /** 0 to 63: pairs a response with its request. */
  readonly sequence: number;
  readonly requester: number;
  readonly command: number;
  readonly data: Buffer;
}

export interface Response {
  readonly netFn: number;
  readonly sequence: number;
  readonly command: number;
  readonly completion: number;
  readonly data: Buffer;
}

function checksum(bytes: Buffer): number {
  let sum = 0;
  for (const byte of bytes) sum += byte;
  return -sum & 0xff;
}

function frame(
  to: number,
  netFn: number,
  toLun: number,
  from: number,
  sequence: number,
  fromLun: number,
  body: Buffer,
): Buffer {
  const bytes = Buffer.alloc(body.length + 6);
  bytes[0] = to;
  bytes[1] = (netFn << 2) | toLun;
  bytes[2] = checksum(bytes.subarray(0, 2));
  bytes[3] = from;
  bytes[4] = (sequence << 2) | fromLun;
  body.copy(bytes, 5);
  bytes[bytes.length - 1] = checksum(bytes.subarray(3, -1));
  return bytes;
}

function checked(bytes: Buffer, least: number, what: string): void {
  need(bytes, least, what);
  if (checksum(bytes.subarray(0, 3)) !== 0 || checksum(bytes.subarray(3)) !== 0) {
    throw new WireError(`${what}: wrong checksum`);
  }
}

/** For LUN 0 unless said otherwise. */
export function encodeRequest(request: Omit<Request, 'lun' | 'requester'> & { lun?: number }): Buffer {
  const body = Buffer.concat([Buffer.of(request.command), request.data]);
  return frame(BMC_ADDRESS, request.netFn, request.lun ?? 0, CONSOLE_ADDRESS, request.sequence, 0, body);
}

export function decodeRequest(bytes: Buffer): Request {
  checked(bytes, 7, 'request');
  return {
    netFn: bytes[1]! >> 2,
    lun: bytes[1]! & 3,
    requester: bytes[3]!,
    sequence: bytes[4]! >> 2,
    command: bytes[5]!,
    data: bytes.subarray(6, -1),
  };
}

/** The response to a request, addressed back to who asked. */
export function encodeResponse(request: Request, completion: number, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.of(request.command, completion), data]);
  return frame(request.requester, request.netFn + 1, 0, BMC_ADDRESS, request.sequence, request.lun, body);
}

export function decodeResponse(bytes: Buffer): Response {
  checked(bytes, 8, 'response');
  return {
    netFn: bytes[1]! >> 2,
    sequence: bytes[4]! >> 2,
    command: bytes[5]!,
    completion: bytes[6]!,
    data: bytes.subarray(7, -1),
  };
}
