// Keeps a cluster at what a folder says: once, or as long as it is let.
//
// What wakes it: a change of the folder (chokidar), the server coming back (backoff), what is on its way out, and a clock,
// since events get lost and people change what is in the cluster. It relies on none of them: each pass looks at everything.
import { basename } from 'node:path';
import { watch } from 'chokidar';
import { ApiError, isAborted, isRetryable } from '../kube/errors.ts';
import { type BackoffPolicy, backoffMs } from '../runtime/backoff.ts';
import { type Clock, slept } from '../runtime/clock.ts';
import type { Check } from './check.ts';
import { readFolder, UnreadableFolder } from './folder.ts';
import { describeProblem } from './manifest.ts';
import type { Outcome, Sync } from './pass.ts';

export interface KeepOptions {
  readonly folder: string;
  readonly sync: Sync;
  readonly check: Check;
  readonly clock: Clock;
  readonly random: () => number;
  readonly print: (line: string) => void;
  /** How often all is looked at again, though nothing seems to have changed. */
  readonly resyncMs: number;
}

const BACKOFF: BackoffPolicy = { initialMs: 1000, maxMs: 30_000 };
/** While something is on its way out. */
const LEAVING_MS = 1000;
/** Passes of `once` in which something is refused, before it gives up: what is refused may need what came just now. */
const MOST_REFUSED = 3;

/** Why nothing was applied: it has been told. */
class Refusal extends Error {
  override readonly name = 'Refusal';
}

/** Tells what is new. */
function teller(print: (line: string) => void): (lines: readonly string[]) => void {
  let last = '';
  return (lines) => {
    const text = lines.join('\n');
    if (text !== last) for (const line of lines) print(line);
    last = text;
  };
}

/** One pass over the folder as it is at rest. @throws Refusal, when nothing may be applied; ApiError, when it could not be. */
async function attempt(
  options: KeepOptions,
  tell: (lines: readonly string[]) => void,
  signal: AbortSignal,
): Promise<Outcome> {
  const { folder, sync, check } = options;
  try {
    const { manifests, problems } = await readFolder(folder, signal);
    const all = [...problems, ...check(manifests)];
    if (all.length > 0) {
      tell([...all.map(describeProblem), `nothing is applied: ${count(all.length, 'problem')}`]);
      throw new Refusal();
    }
    const outcome = await sync.pass(
      manifests.map(({ object }) => object),
      signal,
    );
    tell([]);
    return outcome;
  } catch (error) {
    if (error instanceof Refusal || signal.aborted || (error instanceof ApiError && isRetryable(error))) throw error;
    if (!(error instanceof Error)) throw error;
    const addition = error instanceof UnreadableFolder ? ': nothing is applied, nothing is pruned' : '';
    tell([`${error.message}${addition}`]);
    throw new Refusal('', { cause: error });
  }
}

const count = (number: number, what: string): string => `${number} ${what}${number === 1 ? '' : 's'}`;

function summary({ created, changed, unchanged, pruned, failed, leaving, isDryRun }: Outcome): string {
  const parts = [`${created} created`, `${changed} changed`, `${unchanged} unchanged`, `${pruned} deleted`];
  if (leaving > pruned) parts.push(`${leaving - pruned} on their way out`);
  if (failed > 0) parts.push(`${failed} failed`);
  return `${count(created + changed + unchanged + failed, 'object')}: ${parts.join(', ')}${isDryRun ? ' (dry run: nothing was done)' : ''}`;
}

const hasDone = ({ created, changed, pruned, failed }: Outcome): boolean => created + changed + pruned + failed > 0;

/** Resolves with true when the cluster is at what the folder says; with false when that was refused, which has been told. */
export async function syncOnce(options: KeepOptions, signal: AbortSignal): Promise<boolean> {
  const { print, clock, random } = options;
  const tell = teller(print);
  const total = { created: 0, changed: 0, pruned: 0 };
  let [failures, refused] = [0, 0];
  for (;;) {
    try {
      const outcome = await attempt(options, tell, signal);
      total.created += outcome.created;
      total.changed += outcome.changed;
      total.pruned += outcome.pruned;
      failures = 0;
      refused = outcome.failed > 0 ? refused + 1 : 0;
      const isDone = outcome.failed === 0 && outcome.leaving === 0;
      if (isDone || refused === MOST_REFUSED) {
        const unchanged = Math.max(
          0,
          outcome.unchanged - total.created - total.changed + outcome.created + outcome.changed,
        );
        print(summary({ ...outcome, ...total, unchanged }));
        return isDone;
      }
      await slept(clock, LEAVING_MS, signal);
    } catch (error) {
      if (error instanceof Refusal) return false;
      if (!isRetryable(error) || isAborted(error)) throw error;
      await slept(clock, waitFor(error, ++failures, random, tell), signal);
    }
    signal.throwIfAborted();
  }
}

/** Goes on until the signal aborts. */
export async function keepSynced(options: KeepOptions, signal: AbortSignal): Promise<void> {
  const { folder, print, clock, random, resyncMs } = options;
  const tell = teller(print);
  const wake = new Wake();
  const watcher = watch(folder, {
    ignoreInitial: true,
    ignored: (path) => path !== folder && basename(path).startsWith('.'),
  });
  watcher.on('all', () => wake.up());
  watcher.on('error', (error) =>
    tell([`the folder cannot be watched, and is looked at every ${resyncMs / 1000} s: ${String(error)}`]),
  );
  let isFirst = true;
  let failures = 0;
  try {
    while (!signal.aborted) {
      const changed = wake.armed();
      let waitMs = resyncMs;
      try {
        const outcome = await attempt(options, tell, signal);
        failures = outcome.failed > 0 ? failures + 1 : 0;
        if (isFirst || hasDone(outcome)) print(summary(outcome));
        isFirst = false;
        if (outcome.failed > 0) waitMs = backoffMs(BACKOFF, failures, random);
        else if (outcome.leaving > 0) waitMs = LEAVING_MS;
      } catch (error) {
        if (signal.aborted) return;
        if (isRetryable(error)) waitMs = waitFor(error, ++failures, random, tell);
        else if (!(error instanceof Refusal)) throw error;
      }
      await slept(clock, waitMs, AbortSignal.any([signal, changed]));
    }
  } finally {
    await watcher.close();
  }
}

function waitFor(
  error: Error,
  failures: number,
  random: () => number,
  tell: (lines: readonly string[]) => void,
): number {
  tell([`${error.message}: tried again until the server answers`]);
  return backoffMs(BACKOFF, failures, random);
}

/** Changes that come while a pass is under way count for the next one. */
class Wake {
  #current = new AbortController();

  up(): void {
    this.#current.abort();
  }

  /** Aborts at the first change from now on. */
  armed(): AbortSignal {
    this.#current = new AbortController();
    return this.#current.signal;
  }
}
