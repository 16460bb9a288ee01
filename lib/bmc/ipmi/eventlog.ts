// Reads a BMC's event log, all of it or what is new (IPMI 2.0 §31).
import type { LogEntry } from '../driver.ts';
import type { IpmiClient } from './client.ts';
import { COMPLETION } from './wire/completion.ts';
import { NETFN } from './wire/message.ts';
import { convert } from './wire/reading.ts';
import type { SdrRecord, SensorRecord } from './wire/sdr.ts';
import {
  anonymousSensor,
  decodeSelEntry,
  eventText,
  FIRST_ENTRY,
  LAST_ENTRY,
  SEL,
  type SelEvent,
  type SelRecord,
} from './wire/sel.ts';
import { unitText } from './wire/units.ts';

const WHOLE_ENTRY = 0xff;
const MOST_ENTRIES = 4096;

interface Read {
  readonly next: number;
  readonly record: SelRecord;
  /** Number and content: the same number may be another entry once the log was cleared. */
  readonly id: string;
}

/** Oldest first. With `after`, only what follows that entry, or everything if the log no longer has it. */
export async function readEventLog(
  client: IpmiClient,
  records: readonly SdrRecord[],
  after: string | undefined,
  signal: AbortSignal,
): Promise<LogEntry[]> {
  const start = await startingPoint(client, after, signal);
  const entries: LogEntry[] = [];
  const seen = new Set<number>();
  for (let id = start; id !== LAST_ENTRY && !seen.has(id) && seen.size < MOST_ENTRIES; ) {
    const read = await readEntry(client, id, signal);
    if (!read) break; // an empty log, or one that was cleared meanwhile
    seen.add(id);
    entries.push(logEntry(read, records));
    id = read.next;
  }
  return entries;
}

async function startingPoint(client: IpmiClient, after: string | undefined, signal: AbortSignal): Promise<number> {
  const number = /^([0-9a-f]{4})-[0-9a-f]{28}$/.exec(after ?? '')?.[1];
  if (number === undefined) return FIRST_ENTRY;
  const last = await readEntry(client, Number.parseInt(number, 16), signal);
  return last?.id === after && last ? last.next : FIRST_ENTRY;
}

async function readEntry(client: IpmiClient, id: number, signal: AbortSignal): Promise<Read | undefined> {
  const request = Buffer.of(0, 0, id & 0xff, id >> 8, 0, WHOLE_ENTRY); // whole entries need no reservation
  const { completion, data } = await client.ask({ netFn: NETFN.storage, command: SEL.getEntry, data: request }, signal);
  if (completion === COMPLETION.notPresent) return undefined;
  if (completion !== COMPLETION.ok) throw client.commandError('event log', completion);
  const { next, record, raw } = decodeSelEntry(data);
  return { next, record, id: `${record.id.toString(16).padStart(4, '0')}-${raw.toString('hex', 2)}` };
}

function logEntry({ record, id }: Read, records: readonly SdrRecord[]): LogEntry {
  const { event, seconds } = record;
  const sensor = event && sensorOf(event, records);
  const { message, severity } = eventText(record, (raw) => readingText(sensor, raw));
  return {
    id,
    ...(seconds === undefined ? {} : { time: new Date(seconds * 1000).toISOString() }),
    sensor: sensor?.name ?? (event ? anonymousSensor(event) : ''),
    message,
    severity,
    asserted: event?.asserted ?? true,
  };
}

type NamedSensor = Exclude<SdrRecord, { kind: 'fru' }>;

function sensorOf(event: SelEvent, records: readonly SdrRecord[]): NamedSensor | undefined {
  return records
    .filter((record): record is NamedSensor => record.kind !== 'fru')
    .find(({ owner, lun, number }) => {
      return owner === event.generator && lun === event.lun && number === event.sensorNumber;
    });
}

function readingText(sensor: NamedSensor | undefined, raw: number): string | undefined {
  const analog: SensorRecord | undefined = sensor?.kind === 'sensor' ? sensor : undefined;
  const value = analog?.conversion && convert(raw, analog.conversion);
  return analog && value !== undefined ? `${value} ${unitText(analog.units)}` : undefined;
}
