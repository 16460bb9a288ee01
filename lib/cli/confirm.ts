// Asking before something is lost that nobody can bring back.
import { createInterface } from 'node:readline/promises';
import type { Values } from './command.ts';

export const CONFIRM_OPTIONS = { yes: { type: 'boolean', short: 'y' } } as const;
export const CONFIRM_HELP = '  -y, --yes              do not ask first';

/** Says what is lost, and asks where a person can answer. @throws Error where nobody can, without --yes */
export async function confirm(values: Values, loss: string): Promise<boolean> {
  if (values.yes === true) return true;
  if (!process.stdin.isTTY) throw new Error(`${loss}: say --yes if that is meant`);
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return /^y(es)?$/i.test((await terminal.question(`${loss}. Go on? [y/N] `)).trim());
  } finally {
    terminal.close();
  }
}
