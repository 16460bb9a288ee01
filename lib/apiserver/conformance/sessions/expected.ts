// What each kubectl printed on real servers, one file per version of it.
import { readFile, writeFile } from 'node:fs/promises';
import type { Spoken } from './session.ts';

const file = (version: string): URL => new URL(`./expected/${version}.json`, import.meta.url);

/** What a kubectl of this version printed; undefined when nobody recorded one. */
export async function readSession(version: string): Promise<Spoken[] | undefined> {
  try {
    return JSON.parse(await readFile(file(version), 'utf8')) as Spoken[];
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

export async function writeSession(version: string, spoken: readonly Spoken[]): Promise<void> {
  await writeFile(file(version), `${JSON.stringify(spoken, null, 1)}\n`);
}
