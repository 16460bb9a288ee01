// The scheduler's configuration as a file, taken over whenever it changes. What is wrong with it is told with its line, and
// changes nothing: what was good before goes on.
import { readFileSync } from 'node:fs';
import { watch } from 'chokidar';
import { CORE_SCHEMA, constructFromEvents, parseEvents, YAMLException } from 'js-yaml';
import { linesOf, nearest } from '../../sync/lines.ts';
import { InvalidInputError } from '../errors.ts';
import { builtIn, type Configuration, parseConfiguration } from '../profiles.ts';

/** `FILE:LINE FIELD: what is wrong with it`. */
export class ConfigurationError extends Error {
  override readonly name = 'ConfigurationError';
}

/** Reads a file's text. Throws ConfigurationError. */
export function readConfiguration(text: string, file: string): Configuration {
  const wrong = (line: number, problem: string, cause: Error) =>
    new ConfigurationError(`${file}:${line} ${problem}`, { cause });
  try {
    const events = parseEvents(text, {});
    const documents = constructFromEvents(events, { source: text, schema: CORE_SCHEMA });
    const [value, ...more] = documents;
    if (more.length > 0) throw new ConfigurationError(`${file}:1 holds more than one document`);
    try {
      return parseConfiguration(value);
    } catch (error) {
      if (!(error instanceof InvalidInputError)) throw error;
      const [lines] = linesOf(text, events);
      throw wrong(lines ? nearest(lines, pointerOf(error.field)) : 1, error.message, error);
    }
  } catch (error) {
    if (!(error instanceof YAMLException)) throw error;
    throw wrong((error.mark?.line ?? 0) + 1, `is no YAML: ${error.reason}`, error);
  }
}

/** `profiles[0].plugins` as RFC 6901 has it: `/profiles/0/plugins`. */
const pointerOf = (field: string): string =>
  field === '(root)' ? '' : `/${field.replaceAll(/\[(\d+)\]/g, '.$1').replaceAll('.', '/')}`;

/** The configuration as it is at the moment. */
export interface Configured {
  current(): Configuration;
  /** Called after it has changed. Returns how to end it. */
  subscribe(changed: () => void): () => void;
}

/** The one that comes with the product, for good. */
export function fixed(configuration: Configuration = builtIn()): Configured {
  return { current: () => configuration, subscribe: () => () => undefined };
}

export interface ConfigurationFile extends Configured {
  close(): Promise<void>;
}

/** What became of a look at the file. */
export type Outcome =
  | { readonly type: 'taken' }
  /** There is no file: the built-in configuration at the start, afterwards what was good before. */
  | { readonly type: 'missing' }
  | { readonly type: 'refused'; readonly problem: string };

/**
 * Reads the file and keeps looking; `tell` is told of what each look came to. Throws ConfigurationError when what is there at
 * the start is wrong.
 */
export async function watchConfiguration(file: string, tell: (outcome: Outcome) => void): Promise<ConfigurationFile> {
  const subscribers = new Set<() => void>();
  let configuration = builtIn();

  /** Gives whether there was a file. */
  function read(): boolean {
    const text = textOf(file);
    if (text !== undefined) configuration = readConfiguration(text, file);
    tell({ type: text === undefined ? 'missing' : 'taken' });
    return text !== undefined;
  }

  function look(): void {
    try {
      if (read()) for (const changed of subscribers) changed();
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      tell({ type: 'refused', problem: error.message });
    }
  }

  const watcher = watch(file, { ignoreInitial: true, awaitWriteFinish: { stabilityThreshold: 100, pollInterval: 50 } });
  watcher.on('error', (error) => tell({ type: 'refused', problem: String(error) }));
  await new Promise<void>((resolve) => watcher.once('ready', resolve));
  try {
    // After the watch began, so that no change falls in between.
    read();
  } catch (error) {
    await watcher.close();
    throw error;
  }
  watcher.on('add', look).on('change', look).on('unlink', look);
  return {
    current: () => configuration,
    subscribe(changed) {
      subscribers.add(changed);
      return () => subscribers.delete(changed);
    },
    close: () => watcher.close(),
  };
}

function textOf(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
