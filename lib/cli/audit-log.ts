// The audit log: a file with one JSON object a line, written as things end and never read here. Rotating it is for others:
// it is opened for each line, so that it may be moved away at any time.
import { appendFile } from 'node:fs/promises';
import type { Log } from '../observe/log.ts';

export interface AuditLog {
  readonly write: (record: object) => void;
  /** Resolves when all that was written is in the file. */
  readonly flushed: () => Promise<void>;
}

/** For its owner alone: it says who did what. A line that cannot be written is told in the other log. */
export function openAuditLog(path: string, log: Log): AuditLog {
  let last: Promise<void> = Promise.resolve();
  return {
    write(record) {
      const line = `${JSON.stringify(record)}\n`;
      last = last
        .then(() => appendFile(path, line, { mode: 0o600 }))
        .catch((error: unknown) => log.error({ err: error, path, record }, 'the audit log cannot be written'));
    },
    flushed: () => last,
  };
}
