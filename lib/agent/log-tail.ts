// The end of the agent's own log, kept in memory: a machine has no disk to leave it on, and a failed task is worth it.
import type { Log } from '../observe/log.ts';

export interface LogTail extends Log {
  /** The last lines, oldest first. */
  text(): string;
}

const LONGEST_LINE = 4096;

/** Passes everything on, and remembers the last lines: at most so many, shortened where they are long. */
export function logTail(log: Log, lines = 200): LogTail {
  const kept: string[] = [];
  const keep = (level: keyof Log) => (fields: object, message: string) => {
    const line = `${new Date().toISOString()} ${level} ${message} ${JSON.stringify(fields, errorMessages)}`;
    kept.push(line.slice(0, LONGEST_LINE));
    if (kept.length > lines) kept.shift();
    log[level](fields, message);
  };
  return {
    debug: keep('debug'),
    info: keep('info'),
    warn: keep('warn'),
    error: keep('error'),
    text: () => `${kept.join('\n')}\n`,
  };
}

/** An Error has nothing of its own that JSON would show. */
function errorMessages(_key: string, value: unknown): unknown {
  if (!(value instanceof Error)) return value;
  return value.cause instanceof Error ? `${value.stack} caused by ${value.cause.stack}` : value.stack;
}
