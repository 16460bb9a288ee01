// Tests against programs that others wrote: they must be there in CI, and may be missing elsewhere.
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { type Callback, test } from 'uvu';

/** Where a program is found on PATH, or undefined. */
export function findProgram(program: string, path = process.env.PATH ?? ''): string | undefined {
  return path
    .split(delimiter)
    .filter((folder) => folder !== '')
    .map((folder) => join(folder, program))
    .find(isExecutable);
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false; // not there, or not for us: for a search the same
  }
}

/**
 * True when `program` is installed. Otherwise false, having said which Debian package brings it; with CI=true it throws instead,
 * so that a pipeline without its peers cannot pass.
 */
export function requirePeer(program: string, debianPackage: string, env = process.env): boolean {
  if (findProgram(program, env.PATH) !== undefined) return true;
  const text = `${program} is not installed (Debian package ${debianPackage})`;
  if (env.CI === 'true') throw new Error(text);
  console.log(`skipped: ${text}`);
  return false;
}

/** A test that needs a peer: skipped, or failed in CI, where the peer is missing. */
export function peerTest(program: string, debianPackage: string): (name: string, run: Callback) => void {
  const present = requirePeer(program, debianPackage);
  return (name, run) => (present ? test(name, run) : test.skip(name, run));
}
