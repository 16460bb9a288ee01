// The writer thread: owns the SQLite file, so that an fdatasync never stops the event loop that answers requests.
//
// The file holds one append-only log. WAL with synchronous=FULL makes a commit durable before it is reported; the exclusive
// lock, which the operating system drops with the process, keeps a second server out.
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { parentPort, workerData } from 'node:worker_threads';
import type { Batch, FromWriter, LogRecord, ToWriter, WriterOptions } from './records.ts';

const LOAD_CHUNK = 2000;
const FORMAT = 1;

function open({ path, maxBytes }: WriterOptions): DatabaseSync {
  const database = new DatabaseSync(path);
  database.exec('PRAGMA locking_mode = EXCLUSIVE');
  // Takes hold only before anything is in the file, the header of WAL mode included.
  database.exec('PRAGMA auto_vacuum = INCREMENTAL');
  database.exec('PRAGMA journal_mode = WAL');
  database.exec('PRAGMA synchronous = FULL');
  database.exec('PRAGMA journal_size_limit = 16777216');
  const pageSize = Number(database.prepare('PRAGMA page_size').get()?.['page_size']);
  database.exec(`PRAGMA max_page_count = ${Math.ceil(maxBytes / pageSize)}`);
  const format = Number(database.prepare('PRAGMA user_version').get()?.['user_version'] ?? 0);
  if (format > FORMAT) throw new Error(`the database has format ${format}; this version reads up to ${FORMAT}`);
  database.exec('BEGIN EXCLUSIVE');
  database.exec(`CREATE TABLE IF NOT EXISTS log (
    revision INTEGER PRIMARY KEY, collection TEXT NOT NULL, key TEXT NOT NULL, at INTEGER NOT NULL, text TEXT) STRICT`);
  database.exec('CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT');
  database.exec("INSERT OR IGNORE INTO meta VALUES ('compacted', 0)");
  database.exec(`PRAGMA user_version = ${FORMAT}`);
  database.exec('COMMIT');
  return database;
}

class Writer {
  readonly #database: DatabaseSync;
  readonly #append: StatementSync;
  readonly #remove: StatementSync;
  readonly #compact: StatementSync;

  constructor(options: WriterOptions) {
    this.#database = open(options);
    this.#append = this.#database.prepare('INSERT INTO log VALUES (?, ?, ?, ?, ?)');
    this.#remove = this.#database.prepare('DELETE FROM log WHERE revision = ?');
    this.#compact = this.#database.prepare("UPDATE meta SET value = ? WHERE name = 'compacted'");
  }

  *load(): Generator<LogRecord[]> {
    let chunk: LogRecord[] = [];
    for (const row of this.#database
      .prepare('SELECT revision, collection, key, at, text FROM log ORDER BY revision')
      .iterate()) {
      chunk.push(row as unknown as LogRecord);
      if (chunk.length === LOAD_CHUNK) {
        yield chunk;
        chunk = [];
      }
    }
    yield chunk;
  }

  compacted(): number {
    return Number(this.#database.prepare("SELECT value FROM meta WHERE name = 'compacted'").get()?.['value']);
  }

  commit(batch: Batch): void {
    this.#database.exec('BEGIN IMMEDIATE');
    try {
      for (const row of batch.append) this.#append.run(row.revision, row.collection, row.key, row.at, row.text);
      if (batch.remove.length > 0) {
        for (const revision of batch.remove) this.#remove.run(revision);
        this.#compact.run(batch.compacted);
        this.#database.exec('PRAGMA incremental_vacuum(256)');
      }
      this.#database.exec('COMMIT');
    } catch (error) {
      if (this.#database.isTransaction) this.#database.exec('ROLLBACK');
      throw error;
    }
  }

  close(): void {
    this.#database.close();
  }
}

function serve(port: NonNullable<typeof parentPort>, options: WriterOptions): void {
  const say = (message: FromWriter) => port.postMessage(message);
  const fail = (error: unknown, fatal: boolean) => say({ type: 'failed', message: (error as Error).message, fatal });
  let writer: Writer;
  try {
    writer = new Writer(options);
  } catch (error) {
    fail(error, true);
    port.close();
    return;
  }
  port.on('message', (message: ToWriter) => {
    try {
      if (message.type === 'load') {
        say({ type: 'opened', compacted: writer.compacted() });
        for (const records of writer.load()) say({ type: 'loading', records });
        say({ type: 'loaded' });
      } else if (message.type === 'commit') {
        writer.commit(message.batch);
        say({ type: 'committed' });
      } else {
        writer.close();
        say({ type: 'closed' });
        port.close();
      }
    } catch (error) {
      fail(error, message.type !== 'commit');
    }
  });
}

if (parentPort) serve(parentPort, workerData as WriterOptions);
