// Virtual media: an image, fetched by the BMC itself, as a drive of the machine (schema VirtualMedia).
import type { RedfishClient } from './client.ts';
import { child, type Json, link, memberPaths, path, text, texts } from './json.ts';

interface Drive {
  readonly path: string;
  readonly json: Json;
}

/** The first drive that takes CDs or DVDs, of the system or of its manager. */
async function findDrive(client: RedfishClient, owners: readonly Json[], signal: AbortSignal): Promise<Drive> {
  for (const owner of owners) {
    const collection = await client.find(link(owner, 'VirtualMedia'), signal);
    for (const drive of collection ? memberPaths(collection) : []) {
      const json = await client.find(drive, signal);
      if (json && texts(json, 'MediaTypes').some((type) => type === 'CD' || type === 'DVD'))
        return { path: drive, json };
    }
  }
  throw client.error('unsupported', 'the BMC has no virtual CD drive');
}

/** By the drive's action, else by changing its properties, as the first services did. */
export async function insertMedia(
  client: RedfishClient,
  owners: readonly Json[],
  image: string,
  signal: AbortSignal,
): Promise<void> {
  const drive = await findDrive(client, owners, signal);
  if (text(drive.json, 'Image') === image && drive.json.Inserted === true) return;
  if (drive.json.Inserted === true) await eject(client, drive, signal);
  const body = { Image: image, Inserted: true, WriteProtected: true };
  const target = action(drive.json, '#VirtualMedia.InsertMedia');
  if (target) await client.post(target, body, signal);
  else await client.patch(drive.path, body, signal);
}

export async function ejectMedia(client: RedfishClient, owners: readonly Json[], signal: AbortSignal): Promise<void> {
  const drive = await findDrive(client, owners, signal);
  if (drive.json.Inserted === true || text(drive.json, 'Image') !== undefined) await eject(client, drive, signal);
}

async function eject(client: RedfishClient, drive: Drive, signal: AbortSignal): Promise<void> {
  const target = action(drive.json, '#VirtualMedia.EjectMedia');
  if (target) await client.post(target, {}, signal);
  else await client.patch(drive.path, { Image: null, Inserted: false }, signal);
}

const action = (drive: Json, name: string) => path(child(child(drive, 'Actions'), name).target);
