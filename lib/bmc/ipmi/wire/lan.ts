// The BMC's own network settings (IPMI 2.0 §23, table 23-4), and which of its channels is the LAN (§22.24).
import { need } from './bytes.ts';

export const LAN = { setConfiguration: 0x01, getConfiguration: 0x02 } as const;

export const LAN_PARAMETER = {
  setInProgress: 0,
  address: 3,
  source: 4,
  macAddress: 5,
  netmask: 6,
  gateway: 12,
  vlan: 20,
} as const;

/** Parameter 0: others are told to wait while several parameters are set. */
export const SET = { complete: 0, inProgress: 1 } as const;

/** Completion code of both commands: the BMC has no such parameter. */
export const NO_SUCH_PARAMETER = 0x80;

const SOURCES = ['unspecified', 'static', 'dhcp', 'bios', 'other'] as const;
export type AddressSource = (typeof SOURCES)[number];

const VLAN_ENABLED = 0x8000;

/** Asks for a parameter of a channel; parameters used here have neither sets nor blocks. */
export const encodeLanRequest = (channel: number, parameter: number) => Buffer.of(channel, parameter, 0, 0);

/** Get LAN Configuration Parameters, response: the parameter's bytes behind its revision. */
export function decodeLanParameter(data: Buffer, length: number): Buffer {
  need(data, 1 + length, 'LAN parameter');
  return data.subarray(1, 1 + length);
}

/** "192.0.2.10" of four bytes in the order of the text. */
export function decodeIpv4(bytes: Buffer): string {
  need(bytes, 4, 'IPv4 address');
  return bytes.subarray(0, 4).join('.');
}

/** Of a text that is known to be an IPv4 address. */
export const encodeIpv4 = (text: string) => Buffer.from(text.split('.').map(Number));

/** "52:54:00:12:34:56" */
export function decodeMac(bytes: Buffer): string {
  need(bytes, 6, 'MAC address');
  return bytes.toString('hex', 0, 6).replace(/(..)(?!$)/g, '$1:');
}

export function decodeAddressSource(bytes: Buffer): AddressSource {
  need(bytes, 1, 'address source');
  return SOURCES[bytes[0]! & 0x0f] ?? 'other';
}

export const encodeAddressSource = (source: AddressSource) => Buffer.of(SOURCES.indexOf(source));

/** The VLAN's number, or undefined while none is in use. */
export function decodeVlan(bytes: Buffer): number | undefined {
  need(bytes, 2, 'VLAN');
  const word = bytes.readUInt16LE(0);
  return (word & VLAN_ENABLED) === 0 ? undefined : word & 0x0fff;
}

export function encodeVlan(vlan: number | undefined): Buffer {
  const word = vlan === undefined ? 0 : VLAN_ENABLED | vlan;
  return Buffer.of(word & 0xff, word >> 8);
}

const MEDIUM_LAN = 0x04;

/** Get Channel Info, response: the channel's own number, and whether it is an 802.3 LAN. */
export function decodeChannelInfo(data: Buffer): { channel: number; isLan: boolean } {
  need(data, 2, 'channel info');
  return { channel: data[0]! & 0x0f, isLan: (data[1]! & 0x7f) === MEDIUM_LAN };
}
