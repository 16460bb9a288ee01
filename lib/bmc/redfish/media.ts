// Virtual media: an image, fetched by the BMC itself, as a drive of the machine (schema VirtualMedia).
import { BmcError } from '../errors.ts';
import type { RedfishClient } from './client.ts';
import { child, type Json, link, memberPaths, path, text, texts } from './json.ts';

interface Drive {
  readonly path: string;
  readonly json: Json;
}

/** The first drive that takes CDs or DVDs, of the system or of its manager. */
async function findDrive(
  client: RedfishClient,
  owners: readonly Json[],
  signal: AbortSignal,
): Promise<Drive | undefined> {
  for (const owner of owners) {
    const collection = await client.find(link(owner, 'VirtualMedia'), signal);
    for (const drive of collection ? memberPaths(collection) : []) {
      const json = await client.find(drive, signal);
      if (json && texts(json, 'MediaTypes').some((type) => type === 'CD' || type === 'DVD'))
        return { path: drive, json };
    }
  }
  return undefined;
}

async function theDrive(client: RedfishClient, owners: readonly Json[], signal: AbortSignal): Promise<Drive> {
  const drive = await findDrive(client, owners, signal);
  if (!drive) throw client.error('unsupported', 'the BMC has no virtual CD drive');
  return drive;
}

export const hasDrive = async (client: RedfishClient, owners: readonly Json[], signal: AbortSignal): Promise<boolean> =>
  (await findDrive(client, owners, signal)) !== undefined;

export async function insertedMedia(
  client: RedfishClient,
  owners: readonly Json[],
  signal: AbortSignal,
): Promise<string | undefined> {
  const { json } = await theDrive(client, owners, signal);
  return json.Inserted === false ? undefined : text(json, 'Image');
}

/** By the drive's action, else by changing its properties, as the first services did. */
export async function insertMedia(
  client: RedfishClient,
  owners: readonly Json[],
  image: string,
  signal: AbortSignal,
): Promise<void> {
  const drive = await theDrive(client, owners, signal);
  if (text(drive.json, 'Image') === image && drive.json.Inserted === true) return;
  if (drive.json.Inserted === true) await eject(client, drive, signal);
  const whole = { Image: image, Inserted: true, WriteProtected: true };
  const target = action(drive.json, 'InsertMedia');
  if (!target) return client.patch(drive.path, whole, signal);
  // What is optional is refused by some services, and what is optional is demanded by others.
  const ways = [whole, { Image: image }, { Image: image, TransferProtocolType: protocolOf(image) }];
  for (const [index, body] of ways.entries()) {
    try {
      return await client.post(target, body, signal);
    } catch (error) {
      const isRefused = error instanceof BmcError && (error.code === 'protocol' || error.code === 'unsupported');
      if (!isRefused || index === ways.length - 1) throw error;
    }
  }
}

export async function ejectMedia(client: RedfishClient, owners: readonly Json[], signal: AbortSignal): Promise<void> {
  const drive = await theDrive(client, owners, signal);
  if (drive.json.Inserted === true || text(drive.json, 'Image') !== undefined) await eject(client, drive, signal);
}

async function eject(client: RedfishClient, drive: Drive, signal: AbortSignal): Promise<void> {
  const target = action(drive.json, 'EjectMedia');
  if (target) await client.post(target, {}, signal);
  else await client.patch(drive.path, { Image: null, Inserted: false }, signal);
}

const protocolOf = (image: string) => new URL(image).protocol.slice(0, -1).toUpperCase();

/** Services from before the standard had these actions have them as their maker's own. */
const OEM = { InsertMedia: 'InsertVirtualMedia', EjectMedia: 'EjectVirtualMedia' } as const;

function action(drive: Json, name: keyof typeof OEM): string | undefined {
  const own = path(child(child(drive, 'Actions'), `#VirtualMedia.${name}`).target);
  const hp = child(child(child(drive, 'Oem'), 'Hp'), 'Actions');
  return own ?? path(child(hp, `#HpiLOVirtualMedia.${OEM[name]}`).target);
}
