// The parts that a Redfish service knows of, and their firmware (schemas ComputerSystem, Chassis, SoftwareInventory).
import type { FirmwareItem, InventoryItem } from '../driver.ts';
import type { RedfishClient } from './client.ts';
import { type Json, link, memberPaths, text } from './json.ts';

const MOST_FIRMWARE = 256;

export function inventoryItem(json: Json, fallback: string): InventoryItem {
  const fields = {
    manufacturer: text(json, 'Manufacturer'),
    product: text(json, 'Model'),
    partNumber: text(json, 'PartNumber') ?? text(json, 'SKU'),
    serialNumber: text(json, 'SerialNumber'),
    assetTag: text(json, 'AssetTag'),
  };
  const known = Object.entries(fields).filter(([, value]) => value !== undefined);
  return { name: text(json, 'Name') ?? fallback, ...Object.fromEntries(known) };
}

export function firmwareItem(json: Json): FirmwareItem | undefined {
  const [name, version] = [text(json, 'Name') ?? text(json, 'Id'), text(json, 'Version')];
  return name === undefined || version === undefined ? undefined : { name, version };
}

/** What the update service lists; of a service without one, what its managers and the system say of themselves. */
export async function readFirmware(
  client: RedfishClient,
  system: Json,
  managers: readonly Json[],
  signal: AbortSignal,
): Promise<FirmwareItem[]> {
  const service = await client.find(link(await client.root(signal), 'UpdateService'), signal);
  const collection = service && (await client.find(link(service, 'FirmwareInventory'), signal));
  if (!collection) return ownFirmware(system, managers);
  const items: FirmwareItem[] = [];
  for (const path of memberPaths(collection).slice(0, MOST_FIRMWARE)) {
    const json = await client.find(path, signal);
    const item = json && firmwareItem(json);
    if (item) items.push(item);
  }
  return items;
}

function ownFirmware(system: Json, managers: readonly Json[]): FirmwareItem[] {
  const told = [
    ...managers.map((manager) => ({ name: text(manager, 'Name') ?? 'BMC', version: text(manager, 'FirmwareVersion') })),
    { name: 'BIOS', version: text(system, 'BiosVersion') },
  ];
  return told.flatMap(({ name, version }) => (version === undefined ? [] : [{ name, version }]));
}
