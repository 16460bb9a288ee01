// The database file: one append-only log in SQLite, its format, and what of it is encrypted.
//
// WAL with synchronous=FULL makes a commit durable before it is reported; the exclusive lock, which the operating system drops
// with the process, keeps a second server out. Every row is checked when it is read: by a checksum, or by its encryption.
import { randomInt } from 'node:crypto';
import { accessSync, closeSync, constants, existsSync, openSync } from 'node:fs';
import { backup, DatabaseSync, type StatementSync } from 'node:sqlite';
import { crc32 } from 'node:zlib';
import { Keys } from './keys.ts';
import type { Batch, LogRecord, WriterOptions } from './records.ts';

const LOAD_CHUNK = 2000;
/** 1: all rows in clear, no checksums. */
const FORMAT = 2;
/** Pages for each step of a backup; commits go on in between. */
const BACKUP_PAGES = 500;

interface Row {
  readonly revision: number;
  readonly collection: string;
  readonly key: string;
  readonly at: number;
  /** The object in clear; null when it is sealed or deleted. */
  readonly text: string | null;
  readonly sealed: Uint8Array | null;
  readonly checksum: number;
}

/** What a sealed record is bound to. */
const placeOf = (collection: string, key: string, revision: number) => `${collection} ${key} version ${revision}`;

function checksum(collection: string, key: string, text: string | null): number {
  return crc32(text ?? '', crc32(`${collection} ${key} `));
}

function one(database: DatabaseSync, query: string): number {
  return Number(Object.values(database.prepare(query).get() ?? {})[0]);
}

/** For its owner alone: SQLite gives its other files the same mode. */
function makePrivate(path: string): void {
  closeSync(openSync(path, 'a', 0o600));
}

function connect({ path, maxBytes }: WriterOptions): DatabaseSync {
  // SQLite says "disk I/O error" where it cannot write. Not asked by opening: closing again would drop the locks that a store of
  // this process may have on the file (fcntl(2)).
  if (existsSync(path)) accessSync(path, constants.W_OK);
  else makePrivate(path);
  const database = new DatabaseSync(path);
  try {
    database.exec('PRAGMA locking_mode = EXCLUSIVE');
    // Takes hold only before anything is in the file, the header of WAL mode included.
    database.exec('PRAGMA auto_vacuum = INCREMENTAL');
    database.exec('PRAGMA journal_mode = WAL');
    database.exec('PRAGMA synchronous = FULL');
    database.exec('PRAGMA journal_size_limit = 16777216');
    database.exec(`PRAGMA max_page_count = ${Math.ceil(maxBytes / one(database, 'PRAGMA page_size'))}`);
    database.exec('BEGIN EXCLUSIVE');
    database.exec('COMMIT');
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}

function create(database: DatabaseSync): void {
  database.exec('BEGIN');
  database.exec(`CREATE TABLE log (revision INTEGER PRIMARY KEY, collection TEXT NOT NULL, key TEXT NOT NULL,
    at INTEGER NOT NULL, text TEXT, sealed BLOB, checksum INTEGER NOT NULL DEFAULT 0) STRICT`);
  database.exec('CREATE INDEX sealed ON log (revision) WHERE sealed IS NOT NULL');
  database.exec('CREATE TABLE meta (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT');
  database.exec("INSERT INTO meta VALUES ('compacted', 0)");
  addLineage(database);
  database.exec(`PRAGMA user_version = ${FORMAT}`);
  database.exec('COMMIT');
}

function addLineage(database: DatabaseSync): void {
  database.prepare("INSERT OR IGNORE INTO meta VALUES ('lineage', ?)").run(randomInt(2 ** 47));
}

function fromFormat1(database: DatabaseSync, seal: (row: Row) => Uint8Array, sealed: readonly string[]): void {
  const columns = database.prepare('PRAGMA table_info(log)').all();
  // One that was cut short after this began again has the columns already.
  if (!columns.some(({ name }) => name === 'sealed')) {
    database.exec('BEGIN');
    database.exec('ALTER TABLE log ADD COLUMN sealed BLOB');
    database.exec('ALTER TABLE log ADD COLUMN checksum INTEGER NOT NULL DEFAULT 0');
    database.exec('CREATE INDEX sealed ON log (revision) WHERE sealed IS NOT NULL');
    addLineage(database);
    database.function('checksum', { deterministic: true }, (collection, key, text) =>
      checksum(collection as string, key as string, text as string | null),
    );
    database.exec('UPDATE log SET checksum = checksum(collection, key, text)');
    const update = database.prepare('UPDATE log SET text = NULL, sealed = ? WHERE revision = ?');
    const clear = database.prepare('SELECT * FROM log WHERE collection = ? AND text IS NOT NULL');
    for (const collection of sealed) {
      for (const row of clear.all(collection) as unknown as Row[]) update.run(seal(row), row.revision);
    }
    database.exec('COMMIT');
  }
  scrub(database);
  database.exec(`PRAGMA user_version = ${FORMAT}`);
}

/** Writes the file anew, so that nothing of what was replaced is left in free pages or in the WAL. */
function scrub(database: DatabaseSync): void {
  database.exec('VACUUM');
  database.exec('PRAGMA wal_checkpoint(TRUNCATE)');
}

/** The ids of the keys that sealed rows need. */
function keyIds(database: DatabaseSync): string[] {
  const rows = database
    .prepare('SELECT DISTINCT lower(hex(substr(sealed, 1, 8))) AS id FROM log WHERE sealed IS NOT NULL')
    .all();
  return rows.map(({ id }) => id as string);
}

export class Database {
  readonly #database: DatabaseSync;
  readonly #keys: Keys;
  readonly #sealed: ReadonlySet<string>;
  readonly #append: StatementSync;
  readonly #remove: StatementSync;
  readonly #compact: StatementSync;

  /** @throws Error in SQLite's words, or KeyError */
  constructor(options: WriterOptions) {
    this.#sealed = new Set(options.sealed);
    this.#database = connect(options);
    try {
      this.#keys = this.#prepare(options);
    } catch (error) {
      this.#database.close();
      throw error;
    }
    this.#append = this.#database.prepare('INSERT INTO log VALUES (?, ?, ?, ?, ?, ?, ?)');
    this.#remove = this.#database.prepare('DELETE FROM log WHERE revision = ?');
    this.#compact = this.#database.prepare("UPDATE meta SET value = ? WHERE name = 'compacted'");
  }

  /** Brings the file to today's format, and everything sealed under the current key. */
  #prepare({ keyFile, sealed }: WriterOptions): Keys {
    const database = this.#database;
    const format = one(database, 'PRAGMA user_version');
    if (format > FORMAT) throw new Error(`the database has format ${format}; this version reads up to ${FORMAT}`);
    if (format === 0) create(database);
    const needed = format === FORMAT ? keyIds(database) : [];
    const keys = Keys.open(keyFile, needed);
    keys.require(needed);
    const seal = ({ text, collection, key, revision }: Row) => keys.seal(text!, placeOf(collection, key, revision));
    if (format === 1) fromFormat1(database, seal, sealed);
    if (needed.some((id) => id !== keys.current)) this.#reseal(keys);
    return keys;
  }

  #reseal(keys: Keys): void {
    const update = this.#database.prepare('UPDATE log SET sealed = ? WHERE revision = ?');
    this.#database.exec('BEGIN');
    for (const row of this.#database.prepare('SELECT * FROM log WHERE sealed IS NOT NULL').all() as unknown as Row[]) {
      const place = placeOf(row.collection, row.key, row.revision);
      update.run(keys.seal(keys.open(row.sealed!, place), place), row.revision);
    }
    this.#database.exec('COMMIT');
    scrub(this.#database);
  }

  get compacted(): number {
    return one(this.#database, "SELECT value FROM meta WHERE name = 'compacted'");
  }

  /** Tells a database from others; copies of it have the same. */
  get lineage(): number {
    return one(this.#database, "SELECT value FROM meta WHERE name = 'lineage'");
  }

  /** All records, in order of revision. @throws Error for a damaged one */
  *load(): Generator<LogRecord[]> {
    let chunk: LogRecord[] = [];
    for (const row of this.#database.prepare('SELECT * FROM log ORDER BY revision').iterate()) {
      chunk.push(this.#recordOf(row as unknown as Row));
      if (chunk.length === LOAD_CHUNK) {
        yield chunk;
        chunk = [];
      }
    }
    yield chunk;
  }

  #recordOf({ revision, collection, key, at, text, sealed, checksum: sum }: Row): LogRecord {
    const place = placeOf(collection, key, revision);
    if (sealed) return { revision, collection, key, at, text: this.#keys.open(sealed, place) };
    if (checksum(collection, key, text) !== sum) throw new Error(`malformed: the checksum of ${place} is wrong`);
    return { revision, collection, key, at, text };
  }

  /** All of the batch becomes durable, or none. */
  commit(batch: Batch): void {
    this.#database.exec('BEGIN IMMEDIATE');
    try {
      for (const record of batch.append) this.#write(record);
      if (batch.remove.length > 0) {
        for (const revision of batch.remove) this.#remove.run(revision);
        this.#database.exec('PRAGMA incremental_vacuum(256)');
      }
      if (batch.compacted !== undefined) this.#compact.run(batch.compacted);
      this.#database.exec('COMMIT');
    } catch (error) {
      if (this.#database.isTransaction) this.#database.exec('ROLLBACK');
      throw error;
    }
  }

  #write({ revision, collection, key, at, text }: LogRecord): void {
    const sealed = text !== null && this.#sealed.has(collection);
    const blob = sealed ? this.#keys.seal(text, placeOf(collection, key, revision)) : null;
    const clear = sealed ? null : text;
    this.#append.run(revision, collection, key, at, clear, blob, sealed ? 0 : checksum(collection, key, clear));
  }

  /**
   * Copies the database, as it is at some moment before this ends, into one plain file, while commits go on. `stepped` is called
   * when a part is done. SQLite copies nothing while a commit is under way: who commits without a pause keeps it from its end.
   */
  async backup(path: string, stepped: () => void): Promise<void> {
    makePrivate(path);
    let left = Number.POSITIVE_INFINITY;
    await backup(this.#database, path, {
      rate: BACKUP_PAGES,
      progress({ remainingPages }) {
        if (remainingPages !== left) stepped();
        left = remainingPages;
      },
    });
    const copy = new DatabaseSync(path);
    copy.exec('PRAGMA journal_mode = DELETE');
    copy.close();
  }

  close(): void {
    this.#database.close();
  }
}
