// What the writer thread and the store say to each other.

/** A row of the log: `text` is the object's JSON, null for a deletion. `at` is in milliseconds since the epoch. */
export interface LogRecord {
  readonly revision: number;
  readonly collection: string;
  readonly key: string;
  readonly at: number;
  readonly text: string | null;
}

/** One commit: rows to append, and rows that nothing needs any more. All of it becomes durable, or none. */
export interface Batch {
  readonly append: readonly LogRecord[];
  readonly remove: readonly number[];
  /** Changes up to this revision can no longer be watched from. */
  readonly compacted: number;
}

export interface WriterOptions {
  readonly path: string;
  /** The most that the database file may grow to. */
  readonly maxBytes: number;
}

export type ToWriter = { type: 'load' } | { type: 'commit'; batch: Batch } | { type: 'close' };

export type FromWriter =
  | { type: 'opened'; compacted: number }
  | { type: 'loading'; records: LogRecord[] }
  | { type: 'loaded' }
  | { type: 'committed' }
  | { type: 'closed' }
  | { type: 'failed'; message: string; fatal: boolean };
