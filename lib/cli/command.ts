// What a command is, and how its options are read.
import type { ParseArgsConfig } from 'node:util';
import type { StartOperator } from './operator.ts';

export type Values = Readonly<Record<string, string | boolean | (string | boolean)[] | undefined>>;

export interface Command {
  readonly name: string;
  /** One line for the list of commands. */
  readonly summary: string;
  /** What `--help` prints: usage, options with their defaults, an example. */
  readonly help: string;
  readonly options: NonNullable<ParseArgsConfig['options']>;
  /** What its first word may be, for completion. */
  readonly words?: readonly string[];
  /** The kind whose names it takes, after that word, as `bmp get` knows it. For completion. */
  readonly names?: string;
  /** How many words it takes beside its options; none, unless told. */
  readonly operands?: { readonly least: number; readonly most: number };
  /** The exit code. */
  run(values: Values, startOperator: StartOperator, operands: readonly string[]): Promise<number>;
}

/** The command line was not understood: told together with the command's help, exit code 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

export function text(values: Values, name: string): string | undefined {
  const value = values[name];
  return typeof value === 'string' ? value : undefined;
}

/** A whole number within bounds, or the default. @throws UsageError naming option, value and bounds. */
export function whole(values: Values, name: string, least: number, most: number, otherwise: number): number {
  const value = text(values, name);
  if (value === undefined) return otherwise;
  const number = Number(value);
  if (/^\d+$/.test(value) && number >= least && number <= most) return number;
  throw new UsageError(`--${name} takes a whole number from ${least} to ${most}, not "${value}"`);
}

/** Why something was ended: somebody asked for it. */
export class Interruption extends Error {
  override readonly name = 'Interruption';
}

/** Aborts at the first Ctrl-C or SIGTERM; the second one ends the process at once. */
export function untilInterrupted(): AbortController {
  const controller = new AbortController();
  const stop = () => {
    if (controller.signal.aborted) process.exit(130);
    controller.abort(new Interruption('interrupted'));
  };
  process.on('SIGINT', stop);
  process.on('SIGTERM', stop);
  return controller;
}

export function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}
