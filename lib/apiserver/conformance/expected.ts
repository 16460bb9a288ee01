// What real servers answered, one file per group of cases.
import { readFile, writeFile } from 'node:fs/promises';
import type { Outcome } from './runner.ts';

export type Expected = { [caseName: string]: Outcome[] };

const file = (group: string): URL => new URL(`./expected/${group.replaceAll(' ', '-')}.json`, import.meta.url);

/** The answers to a group's cases; none when nothing was recorded yet. */
export async function readExpected(group: string): Promise<Expected> {
  try {
    return JSON.parse(await readFile(file(group), 'utf8')) as Expected;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return {};
    throw error;
  }
}

export async function writeExpected(group: string, expected: Expected): Promise<void> {
  await writeFile(file(group), `${JSON.stringify(expected, null, 1)}\n`);
}
