// Who the BMC is: Get Device ID (IPMI 2.0 §20.1) and Get System GUID (§22.14).
import { need } from './bytes.ts';

export const GET_DEVICE_ID = 0x01;
export const GET_SYSTEM_GUID = 0x37;

export interface DeviceId {
  readonly deviceId: number;
  readonly revision: number;
  readonly hasSensorRecords: boolean;
  /** "2.11": major, and minor as BCD. */
  readonly firmware: string;
  readonly updating: boolean;
  /** "2.0", "1.5". */
  readonly ipmiVersion: string;
  /** Bits of table 20-2: 7 chassis, 6 bridge, 5 and 4 events, 3 FRU, 2 SEL, 1 SDR repository, 0 sensors. */
  readonly supports: number;
  /** IANA enterprise number, 20 bits. */
  readonly manufacturerId: number;
  readonly productId: number;
}

/** `data` is what follows the completion code; the auxiliary firmware revision at its end is optional and not kept. */
export function decodeDeviceId(data: Buffer): DeviceId {
  need(data, 11, 'Get Device ID');
  const minor = data[3]!.toString(16).padStart(2, '0');
  const version = data[4]!;
  return {
    deviceId: data[0]!,
    revision: data[1]! & 0x0f,
    hasSensorRecords: (data[1]! & 0x80) !== 0,
    firmware: `${data[2]! & 0x7f}.${minor}`,
    updating: (data[2]! & 0x80) !== 0,
    ipmiVersion: `${version & 0x0f}.${version >> 4}`,
    supports: data[5]!,
    manufacturerId: data.readUIntLE(6, 3) & 0xfffff,
    productId: data.readUInt16LE(9),
  };
}

export function encodeDeviceId(device: DeviceId): Buffer {
  const [major, minor] = device.firmware.split('.');
  const [ipmiMajor, ipmiMinor] = device.ipmiVersion.split('.');
  const data = Buffer.alloc(15);
  data[0] = device.deviceId;
  data[1] = device.revision | (device.hasSensorRecords ? 0x80 : 0);
  data[2] = Number(major) | (device.updating ? 0x80 : 0);
  data[3] = Number.parseInt(minor ?? '0', 16);
  data[4] = Number(ipmiMajor) | (Number(ipmiMinor) << 4);
  data[5] = device.supports;
  data.writeUIntLE(device.manufacturerId, 6, 3);
  data.writeUInt16LE(device.productId, 9);
  return data;
}

/** RFC 4122 text from sixteen bytes in the order of the text. */
function guidText(bytes: Buffer): string {
  const hex = bytes.toString('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}

/** SMBIOS order (its §7.2.1): the first three fields little-endian. Its own inverse. */
function swapFields(bytes: Buffer): Buffer {
  const [low, mid, high] = [bytes.subarray(0, 4), bytes.subarray(4, 6), bytes.subarray(6, 8)];
  return Buffer.concat([
    Buffer.from(low).reverse(),
    Buffer.from(mid).reverse(),
    Buffer.from(high).reverse(),
    bytes.subarray(8),
  ]);
}

/** Version 1 to 5 and the variant of RFC 4122, which tell a byte order that fits from one that does not. */
function isWellFormed(bytes: Buffer): boolean {
  const version = bytes[6]! >> 4;
  return version >= 1 && version <= 5 && bytes[8]! >> 6 === 0b10;
}

/**
 * The system's GUID as text. The specification wants all sixteen bytes reversed (§20.8); most BMCs send SMBIOS's order and
 * some the text's. The first of these that gives a well-formed GUID is taken, and SMBIOS's where none does.
 */
export function decodeSystemGuid(data: Buffer): string {
  need(data, 16, 'Get System GUID');
  const bytes = data.subarray(0, 16);
  const orders = [swapFields(bytes), Buffer.from(bytes), Buffer.from(bytes).reverse()];
  return guidText(orders.find(isWellFormed) ?? orders[0]!);
}

/** A GUID's text as the sixteen bytes of SMBIOS's order. */
export function encodeSystemGuid(text: string): Buffer {
  const bytes = Buffer.from(text.replaceAll('-', ''), 'hex');
  need(bytes, 16, 'GUID text');
  return swapFields(bytes.subarray(0, 16));
}
