// What a simulated fleet remembers: power, boot order, the disks' content, and the journal of what happened.
//
// One SQLite file, or memory. Every change is written as it happens, in WAL mode with synchronous=NORMAL: what a process
// wrote survives its end by SIGKILL, because it is in the operating system's hands by then. Only a crash of the whole host
// may lose the last changes, and with the host the fleet's power is gone as well.
//
// Disks are sparse and share their content: a chunk is kept once, by its digest, however many disks hold it; a chunk of
// zeros is not kept at all.
import { createHash } from 'node:crypto';
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import type { SeedFiles } from '../provision/protocol.ts';
import type { Mount } from '../provision/volumes/partitions.ts';
import type { ArrayLevel } from '../provision/volumes/raid.ts';
import type { ChassisBoot } from './bmc/chassis.ts';
import type { JournalEntry } from './machine/types.ts';

export const CHUNK_BYTES = 256 * 1024;
/** The journal keeps this many entries; the oldest go first. */
const LONGEST_JOURNAL = 200_000;
const TRIM_EVERY = 1000;

export interface MachineRecord {
  readonly power: 'On' | 'Off';
  readonly boot: ChassisBoot;
}

export interface DiskRecord {
  readonly seed?: SeedFiles;
  readonly mounts?: readonly Mount[];
  /** User → crypt(5) hash. */
  readonly passwords: Readonly<Record<string, string>>;
}

/** What the disks of an array say of it, or the controller that made it. */
export interface ArrayRecord {
  readonly id: string;
  /** Serial number of that. */
  readonly controller?: string;
  readonly level: ArrayLevel;
  /** Serial numbers, in the array's order. */
  readonly disks: readonly string[];
}

const SCHEMA = `
  PRAGMA journal_mode = WAL;
  PRAGMA synchronous = NORMAL;
  CREATE TABLE IF NOT EXISTS fleet (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
  CREATE TABLE IF NOT EXISTS machine (name TEXT PRIMARY KEY, record TEXT NOT NULL) STRICT;
  CREATE TABLE IF NOT EXISTS disk (serial TEXT PRIMARY KEY, record TEXT NOT NULL) STRICT;
  CREATE TABLE IF NOT EXISTS array (id TEXT PRIMARY KEY, machine TEXT NOT NULL, record TEXT NOT NULL) STRICT;
  CREATE TABLE IF NOT EXISTS chunk (digest BLOB PRIMARY KEY, bytes BLOB NOT NULL) STRICT;
  CREATE TABLE IF NOT EXISTS content (
    serial TEXT NOT NULL, position INTEGER NOT NULL, digest BLOB NOT NULL, PRIMARY KEY (serial, position)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS journal (id INTEGER PRIMARY KEY, entry TEXT NOT NULL) STRICT;
  DELETE FROM chunk WHERE digest NOT IN (SELECT digest FROM content);
`;
const ZEROS = Buffer.alloc(CHUNK_BYTES);

export class FleetStore {
  readonly #database: DatabaseSync;
  readonly #statements = new Map<string, StatementSync>();

  /** @param file a path, or ':memory:' */
  constructor(file: string) {
    this.#database = new DatabaseSync(file);
    this.#database.exec(SCHEMA);
  }

  setting(key: string): string | undefined {
    return this.#one('SELECT value FROM fleet WHERE key = ?', key)?.value as string | undefined;
  }

  saveSetting(key: string, value: string): void {
    this.#run('INSERT OR REPLACE INTO fleet VALUES (?, ?)', key, value);
  }

  machine(name: string): MachineRecord | undefined {
    const row = this.#one('SELECT record FROM machine WHERE name = ?', name);
    return row && (JSON.parse(row.record as string) as MachineRecord);
  }

  saveMachine(name: string, record: MachineRecord): void {
    this.#run('INSERT OR REPLACE INTO machine VALUES (?, ?)', name, JSON.stringify(record));
  }

  disk(serial: string): DiskRecord {
    const row = this.#one('SELECT record FROM disk WHERE serial = ?', serial);
    return row ? (JSON.parse(row.record as string) as DiskRecord) : { passwords: {} };
  }

  saveDisk(serial: string, record: DiskRecord): void {
    this.#run('INSERT OR REPLACE INTO disk VALUES (?, ?)', serial, JSON.stringify(record));
  }

  /** In the order of their ids. */
  arrays(machine: string): ArrayRecord[] {
    const rows = this.#statement('SELECT record FROM array WHERE machine = ? ORDER BY id').all(machine);
    return rows.map((row) => JSON.parse(row.record as string) as ArrayRecord);
  }

  saveArray(machine: string, record: ArrayRecord): void {
    this.#run('INSERT OR REPLACE INTO array VALUES (?, ?, ?)', record.id, machine, JSON.stringify(record));
  }

  forgetArray(id: string): void {
    this.#run('DELETE FROM array WHERE id = ?', id);
  }

  /** Exactly CHUNK_BYTES; zeros where nothing was written. */
  readChunk(serial: string, position: number): Buffer {
    const row = this.#one(
      'SELECT bytes FROM content JOIN chunk USING (digest) WHERE serial = ? AND position = ?',
      serial,
      position,
    );
    return row ? Buffer.from(row.bytes as Uint8Array) : ZEROS;
  }

  /** @param bytes exactly CHUNK_BYTES */
  writeChunk(serial: string, position: number, bytes: Uint8Array): void {
    if (ZEROS.equals(bytes)) {
      this.#run('DELETE FROM content WHERE serial = ? AND position = ?', serial, position);
      return;
    }
    const digest = createHash('sha256').update(bytes).digest();
    this.#run('INSERT OR IGNORE INTO chunk VALUES (?, ?)', digest, bytes);
    this.#run('INSERT OR REPLACE INTO content VALUES (?, ?, ?)', serial, position, digest);
  }

  /** Digest of a disk's content up to a position, zeros included; cheap, since chunks are known by their digests. */
  contentDigest(serial: string, positions: number): string {
    const digest = createHash('sha256');
    const sql = 'SELECT position, digest FROM content WHERE serial = ? AND position < ? ORDER BY position';
    for (const row of this.#statement(sql).iterate(serial, positions)) {
      digest.update(`${row.position as number}:`).update(row.digest as Uint8Array);
    }
    return digest.digest('hex');
  }

  /** How many chunks of a disk hold anything but zeros. */
  chunksUsed(serial: string): number {
    return this.#one('SELECT count(*) AS used FROM content WHERE serial = ?', serial)!.used as number;
  }

  erase(serial: string): void {
    this.#run('DELETE FROM content WHERE serial = ?', serial);
    this.#run('DELETE FROM disk WHERE serial = ?', serial);
  }

  append(entry: JournalEntry): void {
    const { lastInsertRowid } = this.#run('INSERT INTO journal (entry) VALUES (?)', JSON.stringify(entry));
    const last = Number(lastInsertRowid);
    if (last % TRIM_EVERY === 0) this.#run('DELETE FROM journal WHERE id <= ?', last - LONGEST_JOURNAL);
  }

  journal(): JournalEntry[] {
    const rows = this.#statement('SELECT entry FROM journal ORDER BY id').all();
    return rows.map((row) => JSON.parse(row.entry as string) as JournalEntry);
  }

  [Symbol.dispose](): void {
    this.#database.close();
  }

  #statement(sql: string): StatementSync {
    let statement = this.#statements.get(sql);
    if (!statement) {
      statement = this.#database.prepare(sql);
      this.#statements.set(sql, statement);
    }
    return statement;
  }

  #one(sql: string, ...values: (string | number)[]) {
    return this.#statement(sql).get(...values);
  }

  #run(sql: string, ...values: (string | number | Uint8Array)[]) {
    return this.#statement(sql).run(...values);
  }
}
