// FRU inventory: who made a part, and its numbers (Platform Management FRU Information Storage Definition 1.0; IPMI 2.0 §34).
import { need, WireError } from './bytes.ts';
import { decodeText, encodeText } from './text.ts';

export const FRU = { getAreaInfo: 0x10, read: 0x11 } as const;

/** Get FRU Inventory Area Info's response: the size in bytes, and whether addresses count words of two bytes. */
export function decodeFruAreaInfo(data: Buffer): { size: number; inWords: boolean } {
  need(data, 3, 'FRU area info');
  return { size: data.readUInt16LE(0), inWords: (data[2]! & 1) !== 0 };
}

/** What of an inventory is of use. Fields are empty where the part's maker left them so. */
export interface Fru {
  readonly chassis?: { readonly type: number; readonly partNumber: string; readonly serialNumber: string };
  readonly board?: {
    readonly manufacturer: string;
    readonly product: string;
    readonly serialNumber: string;
    readonly partNumber: string;
  };
  readonly product?: {
    readonly manufacturer: string;
    readonly name: string;
    readonly partNumber: string;
    readonly version: string;
    readonly serialNumber: string;
    readonly assetTag: string;
  };
}

const FORMAT = 1;
const UNIT = 8;
const END_OF_FIELDS = 0xc1;

function zeroSum(bytes: Buffer): boolean {
  let sum = 0;
  for (const byte of bytes) sum += byte;
  return (sum & 0xff) === 0;
}

/** Reads the common header and the three areas that it names; multi-records and internal use are left alone. */
export function decodeFru(bytes: Buffer): Fru {
  need(bytes, 8, 'FRU header');
  const header = bytes.subarray(0, 8);
  if ((header[0]! & 0x0f) !== FORMAT || !zeroSum(header)) throw new WireError('FRU header: wrong format or checksum');
  const area = (index: number) => (header[index] === 0 ? undefined : fruArea(bytes, header[index]! * UNIT));
  const [chassis, board, product] = [area(2), area(3), area(4)];
  return {
    ...(chassis && { chassis: chassisArea(chassis) }),
    ...(board && { board: boardArea(board) }),
    ...(product && { product: productArea(product) }),
  };
}

function fruArea(bytes: Buffer, offset: number): Buffer {
  const rest = bytes.subarray(offset);
  need(rest, UNIT, 'FRU area');
  const length = rest[1]! * UNIT;
  need(rest, Math.max(length, UNIT), 'FRU area');
  const area = rest.subarray(0, length);
  if ((area[0]! & 0x0f) !== FORMAT || !zeroSum(area)) throw new WireError('FRU area: wrong format or checksum');
  return area;
}

/** So many texts from `offset` on; those missing at the end are empty. */
function fields(area: Buffer, offset: number, count: number): string[] {
  const texts: string[] = [];
  for (let at = offset; texts.length < count && at < area.length - 1 && area[at] !== END_OF_FIELDS; ) {
    const { text, length } = decodeText(area.subarray(at), 'binary');
    texts.push(text);
    at += length;
  }
  return [...texts, ...Array.from({ length: count - texts.length }, () => '')];
}

function chassisArea(area: Buffer): NonNullable<Fru['chassis']> {
  const [partNumber, serialNumber] = fields(area, 3, 2);
  return { type: area[2]!, partNumber: partNumber!, serialNumber: serialNumber! };
}

function boardArea(area: Buffer): NonNullable<Fru['board']> {
  const [manufacturer, product, serialNumber, partNumber] = fields(area, 6, 4);
  return {
    manufacturer: manufacturer!,
    product: product!,
    serialNumber: serialNumber!,
    partNumber: partNumber!,
  };
}

function productArea(area: Buffer): NonNullable<Fru['product']> {
  const [manufacturer, name, partNumber, version, serialNumber, assetTag] = fields(area, 3, 6);
  return {
    manufacturer: manufacturer!,
    name: name!,
    partNumber: partNumber!,
    version: version!,
    serialNumber: serialNumber!,
    assetTag: assetTag!,
  };
}

const minusSum = (bytes: Buffer) => -bytes.reduce((sum, byte) => sum + byte, 0) & 0xff;

/** One character would look like the end of all fields: it gets a blank behind it. */
function encodeField(text: string): Buffer {
  return encodeText(text.length === 1 ? `${text} ` : text);
}

function encodeArea(head: number[], texts: string[]): Buffer {
  const body = Buffer.concat([Buffer.of(FORMAT, 0, ...head), ...texts.map(encodeField), Buffer.of(END_OF_FIELDS)]);
  const area = Buffer.alloc(Math.ceil((body.length + 1) / UNIT) * UNIT);
  body.copy(area);
  area[1] = area.length / UNIT;
  area[area.length - 1] = minusSum(area);
  return area;
}

/** The whole inventory of a part. The board's making date is left open. */
export function encodeFru(fru: Fru): Buffer {
  const { chassis, board, product } = fru;
  const english = 0;
  const areas = [
    chassis && encodeArea([chassis.type], [chassis.partNumber, chassis.serialNumber]),
    board &&
      encodeArea([english, 0, 0, 0], [board.manufacturer, board.product, board.serialNumber, board.partNumber, '']),
    product &&
      encodeArea(
        [english],
        [
          product.manufacturer,
          product.name,
          product.partNumber,
          product.version,
          product.serialNumber,
          product.assetTag,
          '',
        ],
      ),
  ];
  const header = Buffer.of(FORMAT, 0, 0, 0, 0, 0, 0, 0);
  let offset = UNIT;
  areas.forEach((area, index) => {
    if (!area) return;
    header[2 + index] = offset / UNIT;
    offset += area.length;
  });
  header[7] = minusSum(header);
  return Buffer.concat([header, ...areas.filter((area) => area !== undefined)]);
}
