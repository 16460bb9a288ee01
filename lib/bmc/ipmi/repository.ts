// Reads a BMC's sensor data records: whole where it can, in pieces where it must, and again only when they changed
// (IPMI 2.0 §33.9 to §33.12, §35.2 to §35.4).
import type { IpmiClient } from './client.ts';
import { WireError } from './wire/bytes.ts';
import { COMPLETION } from './wire/completion.ts';
import type { DeviceId } from './wire/device.ts';
import { NETFN, type Response } from './wire/message.ts';
import {
  decodeRecord,
  decodeRecordHeader,
  decodeRepositoryInfo,
  LAST_RECORD,
  RECORD_HEADER,
  SDR,
  type SdrRecord,
} from './wire/sdr.ts';

const WHOLE = 0xff;
const FIRST_PIECE = 32; // what nearly every BMC can send at once
const LEAST_PIECE = 8;
const RESERVATION_TRIES = 5;
const MOST_RECORDS = 4096;

/** Completion codes by which BMCs say that so many bytes are too many. */
const TOO_MANY: readonly number[] = [
  COMPLETION.cannotReturnLength,
  COMPLETION.tooLong,
  COMPLETION.invalidLength,
  COMPLETION.outOfRange,
  COMPLETION.unspecified,
];

/** Where records are: in the repository, or with the sensors of a BMC that has none. */
interface Source {
  readonly netFn: number;
  readonly get: number;
}

const REPOSITORY: Source = { netFn: NETFN.storage, get: SDR.getRecord };
const SENSOR_DEVICE: Source = { netFn: NETFN.sensor, get: SDR.getDeviceRecord };

const HAS_REPOSITORY = 0x02;

export class SensorRepository {
  readonly #client: IpmiClient;
  readonly #source: Source;
  #stamp: string | undefined;
  #records: readonly SdrRecord[] = [];
  #piece = WHOLE;

  constructor(client: IpmiClient, device: DeviceId) {
    this.#client = client;
    this.#source = (device.supports & HAS_REPOSITORY) !== 0 ? REPOSITORY : SENSOR_DEVICE;
  }

  /** All records that mean something here. The same array as last time, unless the BMC says that they changed. */
  async records(signal: AbortSignal): Promise<readonly SdrRecord[]> {
    const stamp = await this.#currentStamp(signal);
    if (stamp === undefined || stamp !== this.#stamp) {
      this.#records = await this.#readAll(signal);
      this.#stamp = stamp;
    }
    return this.#records;
  }

  async #currentStamp(signal: AbortSignal): Promise<string | undefined> {
    const data = await this.#client.request('sensor records', this.#command(SDR.getInfo), signal);
    return this.#source === REPOSITORY ? decodeRepositoryInfo(data).stamp : data.toString('hex');
  }

  async #readAll(signal: AbortSignal): Promise<SdrRecord[]> {
    const records: SdrRecord[] = [];
    const seen = new Set<number>();
    let reservation = await this.#reserve(signal);
    let tries = RESERVATION_TRIES;
    for (let id = 0; id !== LAST_RECORD && !seen.has(id) && seen.size < MOST_RECORDS; ) {
      const read = await this.#read(id, reservation, signal);
      if (read === 'cancelled') {
        // Somebody else reserved, or records changed: go on from here under a new reservation.
        if (--tries === 0) throw this.#client.commandError('sensor records', COMPLETION.reservationCancelled);
        reservation = await this.#reserve(signal);
        continue;
      }
      if (read === 'none') break;
      seen.add(id);
      records.push(...meaningOf(read.record));
      id = read.next;
    }
    return records;
  }

  /** Optional for repositories that nobody can change: those are read with reservation 0. */
  async #reserve(signal: AbortSignal): Promise<number> {
    const { completion, data } = await this.#client.ask(this.#command(SDR.reserve), signal);
    return completion === COMPLETION.ok && data.length >= 2 ? data.readUInt16LE(0) : 0;
  }

  async #read(
    id: number,
    reservation: number,
    signal: AbortSignal,
  ): Promise<{ next: number; record: Buffer } | 'cancelled' | 'none'> {
    if (this.#piece === WHOLE) {
      const whole = await this.#get(reservation, id, 0, WHOLE, signal);
      if (whole.completion === COMPLETION.ok) return split(whole.data);
      if (!TOO_MANY.includes(whole.completion)) return this.#refusal(whole.completion);
      this.#piece = FIRST_PIECE;
    }
    return this.#readInPieces(id, reservation, signal);
  }

  async #readInPieces(id: number, reservation: number, signal: AbortSignal) {
    const head = await this.#get(reservation, id, 0, RECORD_HEADER, signal);
    if (head.completion !== COMPLETION.ok) return this.#refusal(head.completion);
    const { next, record: header } = split(head.data);
    const { length } = decodeRecordHeader(header);
    const pieces = [header];
    for (let at = RECORD_HEADER; at < length; ) {
      const piece = await this.#get(reservation, id, at, Math.min(this.#piece, length - at), signal);
      if (piece.completion === COMPLETION.ok) {
        const { record } = split(piece.data);
        if (record.length === 0) throw new WireError('an empty piece of a sensor record');
        pieces.push(record);
        at += record.length;
      } else if (TOO_MANY.includes(piece.completion) && this.#piece > LEAST_PIECE) {
        this.#piece /= 2;
      } else {
        return this.#refusal(piece.completion);
      }
    }
    return { next, record: Buffer.concat(pieces) };
  }

  #refusal(completion: number): 'cancelled' | 'none' {
    if (completion === COMPLETION.reservationCancelled) return 'cancelled';
    if (completion === COMPLETION.notPresent) return 'none'; // an empty repository has no first record
    throw this.#client.commandError('sensor record', completion);
  }

  #get(reservation: number, id: number, offset: number, count: number, signal: AbortSignal): Promise<Response> {
    const data = Buffer.of(reservation & 0xff, reservation >> 8, id & 0xff, id >> 8, offset, count);
    return this.#client.ask({ ...this.#command(this.#source.get), data }, signal);
  }

  #command(command: number) {
    return { netFn: this.#source.netFn, command, data: Buffer.alloc(0) };
  }
}

function split(data: Buffer): { next: number; record: Buffer } {
  if (data.length < 2) throw new WireError('sensor record without a next record');
  return { next: data.readUInt16LE(0), record: data.subarray(2) };
}

/** A record that breaks the format costs its own sensor, not all the others. */
function meaningOf(record: Buffer): SdrRecord[] {
  try {
    return decodeRecord(record);
  } catch (error) {
    if (error instanceof WireError) return [];
    throw error;
  }
}
