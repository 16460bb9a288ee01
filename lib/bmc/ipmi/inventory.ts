// Reads the inventory of parts, as far as their makers wrote one (IPMI 2.0 §34).
import type { InventoryItem } from '../driver.ts';
import type { IpmiClient } from './client.ts';
import { WireError } from './wire/bytes.ts';
import { COMPLETION } from './wire/completion.ts';
import { decodeFru, decodeFruAreaInfo, FRU, type Fru } from './wire/fru.ts';
import { BMC_ADDRESS, NETFN } from './wire/message.ts';
import type { SdrRecord } from './wire/sdr.ts';

const BUILT_IN = { deviceId: 0, name: 'System' };
const FIRST_PIECE = 32;
const LEAST_PIECE = 8;
const MOST_BYTES = 8192;
const HEADER = 8;

/** The part that the BMC sits on, and those that sensor records point to. Parts that cannot be read are left out. */
export async function readInventory(
  client: IpmiClient,
  records: readonly SdrRecord[],
  signal: AbortSignal,
): Promise<InventoryItem[]> {
  const located = records
    .filter((record) => record.kind === 'fru')
    .filter(({ logical, owner, deviceId }) => logical && owner === BMC_ADDRESS && deviceId !== BUILT_IN.deviceId);
  const items: InventoryItem[] = [];
  for (const { deviceId, name } of [BUILT_IN, ...located]) {
    const fru = await readFru(client, deviceId, signal);
    if (fru) items.push(...itemsOf(fru, name));
  }
  return items;
}

/** Undefined for a part that is absent, or whose inventory is empty or damaged. */
async function readFru(client: IpmiClient, deviceId: number, signal: AbortSignal): Promise<Fru | undefined> {
  const data = Buffer.of(deviceId);
  const info = await client.ask({ netFn: NETFN.storage, command: FRU.getAreaInfo, data }, signal);
  if (info.completion !== COMPLETION.ok) return undefined;
  const { size, inWords } = decodeFruAreaInfo(info.data);
  const read = (offset: number, length: number) => readBytes(client, deviceId, inWords, offset, length, signal);
  try {
    const header = await read(0, Math.min(HEADER, size));
    if (header.length < HEADER) return undefined;
    const end = await extent(header, size, read);
    return decodeFru(await read(0, Math.min(end, size, MOST_BYTES)));
  } catch (error) {
    if (error instanceof WireError) return undefined;
    throw error;
  }
}

/** Where the last of the areas ends that are of use: the rest, often most of the memory, need not be read. */
async function extent(header: Buffer, size: number, read: (offset: number, length: number) => Promise<Buffer>) {
  let end = HEADER;
  for (const unit of header.subarray(2, 5)) {
    const offset = unit * 8;
    if (unit === 0 || offset + 2 > size) continue;
    const start = await read(offset, 2);
    end = Math.max(end, offset + (start[1] ?? 0) * 8);
  }
  return end;
}

async function readBytes(
  client: IpmiClient,
  deviceId: number,
  inWords: boolean,
  offset: number,
  length: number,
  signal: AbortSignal,
): Promise<Buffer> {
  const unit = inWords ? 2 : 1;
  const pieces: Buffer[] = [];
  let piece = FIRST_PIECE;
  for (let done = 0; done < length; ) {
    const at = (offset + done) / unit;
    const count = Math.ceil(Math.min(piece, length - done) / unit);
    const data = Buffer.of(deviceId, at & 0xff, at >> 8, count);
    const answer = await client.ask({ netFn: NETFN.storage, command: FRU.read, data }, signal);
    if (answer.completion === COMPLETION.ok) {
      const bytes = answer.data.subarray(1, 1 + count * unit);
      if (bytes.length === 0) throw new WireError('FRU data ends early');
      pieces.push(bytes);
      done += bytes.length;
    } else if (piece > LEAST_PIECE) {
      piece /= 2; // too many bytes at once has no completion code that all BMCs agree on
    } else {
      throw new WireError(`FRU data cannot be read at ${offset + done}`);
    }
  }
  return Buffer.concat(pieces).subarray(0, length);
}

/** Only what its maker filled in. */
function item(name: string, fields: { [key in keyof Omit<InventoryItem, 'name'>]: string }): InventoryItem {
  return { name, ...Object.fromEntries(Object.entries(fields).filter(([, text]) => text !== '')) };
}

function itemsOf({ product, board, chassis }: Fru, name: string): InventoryItem[] {
  const items: InventoryItem[] = [];
  if (product) {
    const { manufacturer, name: model, partNumber, version, serialNumber, assetTag } = product;
    items.push(item(name, { manufacturer, product: model, partNumber, version, serialNumber, assetTag }));
  }
  if (board) items.push(item(`${name} board`, board));
  if (chassis) {
    const { partNumber, serialNumber } = chassis;
    items.push(item(`${name} chassis`, { partNumber, serialNumber }));
  }
  return items;
}
