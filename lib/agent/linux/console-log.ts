// The agent's log on the machine's console: a line of JSON each, as pino writes them, without pino on board.
import type { Log } from '../../observe/log.ts';

export function consoleLog(output: { write(text: string): unknown }): Log {
  const writer = (level: string) => (fields: object, message: string) =>
    output.write(`${JSON.stringify({ level, time: Date.now(), ...fields, msg: message }, errors)}\n`);
  return { debug: () => undefined, info: writer('info'), warn: writer('warn'), error: writer('error') };
}

/** An Error has nothing of its own that JSON would show. */
function errors(_key: string, value: unknown): unknown {
  return value instanceof Error ? { name: value.name, message: value.message, stack: value.stack } : value;
}
