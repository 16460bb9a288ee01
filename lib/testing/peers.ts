// Tests against programs that others wrote: they must be there in CI, and may be missing elsewhere.
import { spawnSync } from 'node:child_process';
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

/** Debian's own interpreter, which alone sees the modules of Debian's packages. */
export const DEBIAN_PYTHON = '/usr/bin/python3';

/**
 * True when `program` is installed. Otherwise false, having said which Debian package brings it; with CI=true it throws instead,
 * so that a pipeline without its peers cannot pass.
 */
export function requirePeer(program: string, debianPackage: string, env = process.env): boolean {
  return required(findProgram(program, env.PATH) !== undefined, program, debianPackage, env);
}

/** The same for a module of Debian's Python. */
export function requirePythonPeer(module: string, debianPackage: string, env = process.env): boolean {
  const found = spawnSync(DEBIAN_PYTHON, ['-c', `import ${module}`], { stdio: 'ignore' }).status === 0;
  return required(found, `Python's ${module}`, debianPackage, env);
}

function required(found: boolean, what: string, debianPackage: string, env: NodeJS.ProcessEnv): boolean {
  if (found) return true;
  const text = `${what} is not installed (Debian package ${debianPackage})`;
  if (env.CI === 'true') throw new Error(text);
  console.log(`skipped: ${text}`);
  return false;
}

type Define = (name: string, run: Callback) => void;

const define =
  (present: boolean): Define =>
  (name, run) =>
    present ? test(name, run) : test.skip(name, run);

/** A test that needs a peer: skipped, or failed in CI, where the peer is missing. */
export const peerTest = (program: string, debianPackage: string): Define => define(requirePeer(program, debianPackage));

/** The same for several: pairs of program and Debian package. */
export const withPeers = (peers: readonly (readonly [program: string, debianPackage: string])[]): Define =>
  define(peers.every(([program, debianPackage]) => requirePeer(program, debianPackage)));

export const pythonPeerTest = (module: string, debianPackage: string): Define =>
  define(requirePythonPeer(module, debianPackage));
