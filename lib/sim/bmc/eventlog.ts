// The event log of a simulated BMC: takes what happens until it is full, as real ones do.
import { encodeSelRecord, type SelEvent } from '../../bmc/ipmi/wire/sel.ts';

const CAPACITY = 512;

export class EventLog {
  readonly #records: Buffer[] = [];
  readonly #now: () => number;
  readonly #added: (record: Buffer) => void;
  #next = 1;
  #reservation = 0;
  addedAt = 0;
  erasedAt = 0;

  /** `now` in milliseconds since 1970. `added` hears of each new entry. */
  constructor(now: () => number, added: (record: Buffer) => void) {
    this.#now = now;
    this.#added = added;
  }

  get size(): number {
    return this.#records.length;
  }

  get free(): number {
    return CAPACITY - this.#records.length;
  }

  /** False when it is full: the event is lost. */
  add(event: SelEvent): boolean {
    if (this.free === 0) return false;
    const seconds = Math.floor(this.#now() / 1000);
    const record = encodeSelRecord(this.#next++, seconds, event);
    this.#records.push(record);
    this.addedAt = seconds;
    this.#added(record);
    return true;
  }

  /** The entry of this id (0 the first, FFFFh the last) and the id after it. */
  entry(id: number): { record: Buffer; next: number } | undefined {
    const last = this.#records.length - 1;
    const place = { 0: 0, 65535: last }[id] ?? this.#records.findIndex((record) => record.readUInt16LE(0) === id);
    const record = this.#records[place];
    return record && { record, next: this.#records[place + 1]?.readUInt16LE(0) ?? 0xffff };
  }

  clear(): void {
    this.#records.length = 0;
    this.erasedAt = Math.floor(this.#now() / 1000);
    this.#reservation = 0;
  }

  reserve(): number {
    this.#reservation = (this.#reservation % 0xffff) + 1;
    return this.#reservation;
  }

  isReserved(reservation: number): boolean {
    return reservation !== 0 && reservation === this.#reservation;
  }
}
