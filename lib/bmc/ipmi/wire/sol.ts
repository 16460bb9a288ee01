// Serial over LAN: console bytes as acknowledged packets inside a session (IPMI 2.0 §15.9, §24).
import { need } from './bytes.ts';

/** Commands about payloads (§24, network function App) and about the serial port's settings (§26, Transport). */
export const PAYLOAD_COMMAND = { activate: 0x48, deactivate: 0x49, getActivationStatus: 0x4a } as const;
export const SOL_COMMAND = { setConfiguration: 0x21, getConfiguration: 0x22 } as const;

/** Activate Payload's refusal: somebody else has the console. */
export const ALREADY_ACTIVE = 0x80;

const INSTANCE = 1;
const HEADER = 4;
const NACK = 0x40;

/** The status byte's bits, as the BMC sends it. */
const STATUS = { unavailable: 0x20, deactivated: 0x10 } as const;

export interface SolPacket {
  /** 1 to 15; 0 carries no characters and wants no acknowledgement. */
  readonly sequence: number;
  /** The packet that this one acknowledges, 0 for none, and how many of its characters were taken. */
  readonly acknowledged: number;
  readonly accepted: number;
  /** Not everything was taken: the rest is to be sent again. */
  readonly refused: boolean;
  /** From the BMC: characters cannot go to the host now; the console was taken away. */
  readonly unavailable: boolean;
  readonly deactivated: boolean;
  readonly data: Buffer;
}

export function encodeSol(packet: SolPacket): Buffer {
  const status =
    (packet.refused ? NACK : 0) |
    (packet.unavailable ? STATUS.unavailable : 0) |
    (packet.deactivated ? STATUS.deactivated : 0);
  return Buffer.concat([Buffer.of(packet.sequence, packet.acknowledged, packet.accepted, status), packet.data]);
}

export function decodeSol(payload: Buffer): SolPacket {
  need(payload, HEADER, 'SOL packet');
  return {
    sequence: payload[0]! & 0x0f,
    acknowledged: payload[1]! & 0x0f,
    accepted: payload[2]!,
    refused: (payload[3]! & NACK) !== 0,
    unavailable: (payload[3]! & STATUS.unavailable) !== 0,
    deactivated: (payload[3]! & STATUS.deactivated) !== 0,
    data: Buffer.from(payload.subarray(HEADER)),
  };
}

/** 1 to 15, round and round. */
export const nextSolSequence = (sequence: number) => (sequence % 15) + 1;

/** Asks for the console, signed and encrypted. */
export function encodeActivateRequest(payloadType: number): Buffer {
  const encryptedAndSigned = 0xc0;
  return Buffer.of(payloadType, INSTANCE, encryptedAndSigned, 0, 0, 0);
}

export function encodeDeactivateRequest(payloadType: number): Buffer {
  return Buffer.of(payloadType, INSTANCE, 0, 0, 0, 0);
}

/** The largest payload that the BMC takes, its four bytes of header included. */
export function decodeActivateResponse(data: Buffer): { mostBytes: number } {
  need(data, 10, 'Activate Payload');
  const size = data.readUInt16LE(4);
  // Some BMCs swap the bytes, or leave the size open.
  const plausible = size > HEADER && size <= 0x400 ? size : 0x40;
  return { mostBytes: plausible };
}

export function encodeActivateResponse(mostBytes: number, port: number): Buffer {
  const data = Buffer.alloc(12);
  data.writeUInt16LE(mostBytes, 4);
  data.writeUInt16LE(mostBytes, 6);
  data.writeUInt16LE(port, 8);
  data.writeUInt16LE(0xffff, 10); // no VLAN
  return data;
}
