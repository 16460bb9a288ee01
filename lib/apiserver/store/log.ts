// The durable log, seen from the event loop: appends are grouped into commits, one under way at a time.
import { Worker } from 'node:worker_threads';
import type { Batch, FromWriter, LogRecord, ToWriter, WriterOptions } from './records.ts';

/** Why the store cannot take writes: full disk, read-only or corrupt file, or another server on the same directory. */
export class StorageError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'StorageError';
  }
}

type Done = (error: StorageError | undefined) => void;

interface Waiting {
  readonly record: LogRecord;
  readonly done: Done;
}

/** SQLite's words, with what a person can do about it. */
function explain(message: string, path: string): string {
  if (/database is locked/.test(message)) return `another API server is using ${path}`;
  if (/disk is full/.test(message)) return `cannot write ${path}: the disk is full`;
  if (/readonly|EROFS|EACCES/.test(message)) return `cannot write ${path}: it is read-only`;
  if (/malformed|not a database|corrupt|is damaged/.test(message))
    return `${path} is damaged (${message}); restore a backup`;
  return `${path}: ${message}`;
}

export class Log {
  readonly #worker: Worker;
  readonly #path: string;
  #waiting: Waiting[] = [];
  #committing: Waiting[] | undefined;
  #held = false;
  /** Rows that the commit under way removes; they are removed by a later one should it fail. */
  #removing: number[] = [];
  #remove: number[] = [];
  #compacted: number | undefined;
  #compacting: number | undefined;
  readonly #backups = new Map<string, PromiseWithResolvers<string | undefined>>();
  #answer: ((message: FromWriter) => void) | undefined;
  #broken: StorageError | undefined;

  private constructor(options: WriterOptions) {
    const { path } = options;
    this.#path = path;
    const script = import.meta.url.endsWith('.ts') ? './writer.ts' : './writer.js';
    this.#worker = new Worker(new URL(script, import.meta.url), { workerData: options, name: 'store-writer' });
    this.#worker.on('message', (message: FromWriter) => {
      if (message.type === 'backed-up') this.#backups.get(message.path)?.resolve(message.failure);
      else this.#answer?.(message);
    });
    this.#worker.on('error', (error) => this.#break(new StorageError(explain(error.message, path))));
  }

  /**
   * Opens the log and hands over what it holds, in order of revision.
   * @param onOpened told first: up to which revision changes were compacted, and which database it is
   * @throws StorageError when the file cannot be used.
   */
  static async open(
    options: WriterOptions,
    onOpened: (opened: { compacted: number; lineage: number }) => void,
    onRecord: (record: LogRecord) => void,
  ): Promise<Log> {
    const log = new Log(options);
    const refusal = (message: string) => new StorageError(explain(message, options.path));
    await new Promise<void>((resolve, reject) => {
      log.#answer = (message) => {
        if (message.type === 'opened') {
          onOpened(message);
        } else if (message.type === 'loading') for (const record of message.records) onRecord(record);
        else if (message.type === 'loaded') resolve();
        else if (message.type === 'failed') reject(refusal(message.message));
      };
      log.#worker.once('error', (error) => reject(refusal(error.message)));
      log.#say({ type: 'load' });
    }).catch(async (error: unknown) => {
      await log.#worker.terminate();
      throw error;
    });
    log.#answer = (message) => log.#finish(message);
    return log;
  }

  /** Appends one record; `done` runs in order of appending, once it is on disk or cannot be. */
  append(record: LogRecord, done: Done): void {
    if (this.#broken) {
      done(this.#broken);
      return;
    }
    this.#waiting.push({ record, done });
    if (!this.#held) this.#flush();
  }

  /** What is appended while this runs becomes durable together, or not at all. */
  together(appending: () => void): void {
    const before = this.#waiting.length;
    this.#held = true;
    try {
      appending();
    } catch (error) {
      const reason = new StorageError(`given up: ${(error as Error).message}`);
      for (const { done } of this.#waiting.splice(before)) done(reason);
      throw error;
    } finally {
      this.#held = false;
      this.#flush();
    }
  }

  /** Copies the database into a new file while it is in use. @throws StorageError */
  async backup(path: string): Promise<void> {
    if (this.#broken) throw this.#broken;
    const ended = Promise.withResolvers<string | undefined>();
    this.#backups.set(path, ended);
    this.#say({ type: 'backup', path });
    const failure = await ended.promise;
    this.#backups.delete(path);
    if (failure !== undefined) throw new StorageError(explain(failure, path));
  }

  /** Gives up rows that are superseded and can no longer be watched from; goes along with the next commit. */
  compact(revisions: readonly number[], compacted: number): void {
    for (const revision of revisions) this.#remove.push(revision);
    this.#compacted = compacted;
  }

  /** Waits for what was appended and for backups, then closes the file. */
  async close(): Promise<void> {
    await Promise.all(Array.from(this.#backups.values(), ({ promise }) => promise));
    while (this.#committing || this.#waiting.length > 0) {
      await new Promise((resolve) => this.#worker.once('message', resolve));
    }
    if (!this.#broken) {
      await new Promise<void>((resolve) => {
        this.#answer = () => resolve();
        this.#say({ type: 'close' });
      });
    }
    await this.#worker.terminate();
  }

  #say(message: ToWriter): void {
    this.#worker.postMessage(message);
  }

  #flush(): void {
    if (this.#committing || this.#waiting.length === 0) return;
    const batch: Batch = {
      append: this.#waiting.map((waiting) => waiting.record),
      remove: this.#remove,
      compacted: this.#compacted,
    };
    this.#committing = this.#waiting;
    this.#removing = this.#remove;
    this.#compacting = this.#compacted;
    this.#waiting = [];
    this.#remove = [];
    this.#compacted = undefined;
    this.#say({ type: 'commit', batch });
  }

  /** A failed commit fails what was appended after it too: those writes were decided on a state that never came to be. */
  #finish(message: FromWriter): void {
    const finished = this.#committing ?? [];
    this.#committing = undefined;
    if (message.type === 'failed') {
      const error = new StorageError(explain(message.message, this.#path));
      const dropped = [...finished, ...this.#waiting];
      this.#remove = [...this.#removing, ...this.#remove];
      this.#compacted ??= this.#compacting;
      this.#waiting = [];
      for (const { done } of dropped) done(error);
    } else {
      for (const { done } of finished) done(undefined);
    }
    this.#flush();
  }

  #break(error: StorageError): void {
    this.#broken = error;
    const dropped = [...(this.#committing ?? []), ...this.#waiting];
    this.#committing = undefined;
    this.#waiting = [];
    for (const { done } of dropped) done(error);
    for (const { resolve } of this.#backups.values()) resolve(error.message);
  }
}
