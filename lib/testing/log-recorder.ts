// A log that tests can look into.
import type { Log } from '../observe/log.ts';

export interface LogLine {
  readonly level: keyof Log;
  readonly fields: Readonly<Record<string, unknown>>;
  readonly message: string;
}

export interface LogRecorder extends Log {
  readonly lines: LogLine[];
}

/** Keeps all lines, or the last `limit`. */
export function createLogRecorder({ limit = Infinity }: { limit?: number } = {}): LogRecorder {
  const lines: LogLine[] = [];
  const at = (level: keyof Log) => (fields: object, message: string) => {
    lines.push({ level, fields: { ...fields }, message });
    if (lines.length > limit) lines.shift();
  };
  return { lines, debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
}
