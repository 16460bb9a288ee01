// Files that only their owner may read: keys, tokens, kubeconfigs.
import { closeSync, existsSync, fchmodSync, fsyncSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs';

/** Writes a file with mode 0600 so that a reader, or a crash, finds the old content or the new, never a part. */
export function writePrivate(path: string, content: string): void {
  const temporary = `${path}.new`;
  const file = openSync(temporary, 'w', 0o600);
  try {
    // The mode above holds for a new file only; one left by a crash keeps the mode that it had.
    fchmodSync(file, 0o600);
    writeSync(file, content);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  renameSync(temporary, path);
}

/** The file's content, or what `make` gives, which is then kept there. */
export function keepPrivate(path: string, make: () => string): string {
  if (existsSync(path)) return readFileSync(path, 'utf8').trim();
  const content = make();
  writePrivate(path, `${content}\n`);
  return content;
}
