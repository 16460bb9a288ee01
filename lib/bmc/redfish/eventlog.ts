// The event log of a Redfish service (schemas LogService, LogEntry).
import type { Health, LogEntry } from '../driver.ts';
import type { RedfishClient } from './client.ts';
import { entryOf, isObject, type Json, link, memberPaths, objects, path, text } from './json.ts';
import type { Vendor } from './vendors.ts';

const MOST_PAGES = 64;
const MOST_ENTRIES = 4096;

/** The entries' path of the log that keeps hardware events: the system's, else the manager's. Undefined: there is none. */
async function entriesPath(
  client: RedfishClient,
  owners: readonly Json[],
  { eventLogs }: Vendor,
  signal: AbortSignal,
): Promise<string | undefined> {
  for (const owner of owners) {
    const services = await client.find(link(owner, 'LogServices'), signal);
    const paths = services ? memberPaths(services) : [];
    const named = eventLogs.map((name) => paths.find((service) => service.replace(/\/$/, '').endsWith(`/${name}`)));
    const chosen = named.find((service) => service !== undefined) ?? (paths.length === 1 ? paths[0] : undefined);
    const service = await client.find(chosen, signal);
    const entries = service && link(service, 'Entries');
    if (entries) return entries;
  }
  return undefined;
}

/** Oldest first. With `after`, only what follows that entry, or everything if the log no longer has it. */
export async function readEventLog(
  client: RedfishClient,
  owners: readonly Json[],
  vendor: Vendor,
  after: string | undefined,
  signal: AbortSignal,
): Promise<LogEntry[]> {
  const entries: LogEntry[] = [];
  let page = await entriesPath(client, owners, vendor, signal);
  for (let pages = 0; page !== undefined && pages < MOST_PAGES && entries.length < MOST_ENTRIES; pages++) {
    const collection: Json = await client.get(page, signal);
    for (const member of objects(collection, 'Members')) {
      const entry = await whole(client, member, signal);
      if (entry) entries.push(logEntry(entry));
    }
    page = path(collection['Members@odata.nextLink']);
  }
  const ordered = inOrder(entries);
  const place = ordered.findIndex(({ id }) => id === after);
  return ordered.slice(place + 1);
}

/** Collections of entries hold them whole, or only their paths. */
async function whole(client: RedfishClient, member: Json, signal: AbortSignal): Promise<Json | undefined> {
  return 'Id' in member ? member : client.find(path(member['@odata.id']), signal);
}

/** Services list the newest first or last; times decide, and without them the service's order stands. */
function inOrder(entries: LogEntry[]): LogEntry[] {
  const [first, last] = [entries[0]?.time, entries.at(-1)?.time];
  return first !== undefined && last !== undefined && first > last ? entries.reverse() : entries;
}

const SEVERITIES: Readonly<Record<string, Health>> = { OK: 'ok', Warning: 'warning', Critical: 'critical' };

export function logEntry(json: Json): LogEntry {
  const created = Date.parse(text(json, 'Created') ?? '');
  const time = Number.isNaN(created) ? undefined : new Date(created).toISOString();
  const code = text(json, 'EntryCode') ?? '';
  return {
    // Numbers start anew in a log that was cleared: the time tells entries apart.
    id: `${text(json, 'Id') ?? ''}@${time ?? ''}`,
    ...(time === undefined ? {} : { time }),
    sensor: sensorName(json),
    message: text(json, 'Message') ?? '',
    severity: entryOf(SEVERITIES, text(json, 'Severity')) ?? 'unknown',
    asserted: !/deassert/i.test(code),
  };
}

function sensorName(json: Json): string {
  const named = text(json, 'SensorType') ?? '';
  const oem = json.Name;
  return isObject(oem) ? named : (text(json, 'Name') ?? named);
}
