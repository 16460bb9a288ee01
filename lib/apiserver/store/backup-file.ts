// What a backup file holds, read from the file itself.
import { DatabaseSync } from 'node:sqlite';

export interface BackupContents {
  readonly objects: number;
  readonly revision: number;
  /** Ids of the keys that its sealed objects need. */
  readonly keys: readonly string[];
}

/** @throws Error when the file is damaged or no backup */
export function readBackup(path: string): BackupContents {
  const database = new DatabaseSync(path, { readOnly: true });
  try {
    const verdict = database.prepare('PRAGMA integrity_check(1)').get()?.['integrity_check'];
    if (verdict !== 'ok') throw new Error(`${path} is damaged: ${String(verdict)}`);
    const newest = 'SELECT max(revision) FROM log GROUP BY collection, key';
    const objects = `SELECT count(*) AS n FROM log WHERE revision IN (${newest}) AND (text IS NOT NULL OR sealed IS NOT NULL)`;
    const keys = 'SELECT DISTINCT lower(hex(substr(sealed, 1, 8))) AS id FROM log WHERE sealed IS NOT NULL';
    return {
      objects: Number(database.prepare(objects).get()?.['n']),
      revision: Number(database.prepare('SELECT max(revision) AS n FROM log').get()?.['n']),
      keys: database
        .prepare(keys)
        .all()
        .map(({ id }) => id as string),
    };
  } finally {
    database.close();
  }
}
