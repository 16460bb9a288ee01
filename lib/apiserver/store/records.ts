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
  /** Changes up to this revision can no longer be watched from, from now on. */
  readonly compacted: number | undefined;
}

export interface WriterOptions {
  readonly path: string;
  /** The most that the database file may grow to. */
  readonly maxBytes: number;
  /** Collections whose objects are encrypted. */
  readonly sealed: readonly string[];
  /** The keys for that; made where there is none. */
  readonly keyFile: string;
}

export type ToWriter =
  | { type: 'load' }
  | { type: 'commit'; batch: Batch }
  | { type: 'backup'; path: string }
  | { type: 'close' };

export type FromWriter =
  | { type: 'opened'; compacted: number; lineage: number }
  | { type: 'loading'; records: LogRecord[] }
  | { type: 'loaded' }
  | { type: 'committed' }
  | { type: 'backed-up'; path: string; failure?: string }
  | { type: 'closed' }
  | { type: 'failed'; message: string };
