// A machine's console at a terminal: what the line says is shown, what is typed goes to it.
import type { Duplex, Readable, Writable } from 'node:stream';
import { aborted } from './command.ts';

export interface Terminal {
  readonly stdin: Readable & { readonly isTTY?: boolean; setRawMode?(raw: boolean): unknown };
  readonly stdout: Writable;
}

/** Ctrl-], as telnet has it: a character that nobody types into a console. */
const LEAVE = 0x1d;
/** A timer's longest. */
const LONG_MS = 2 ** 31 - 1;

/**
 * Until Ctrl-], the line's own end, or the signal. The end of the input is none: whoever gives none only looks on.
 *
 * @throws what breaks the line
 */
export async function attach(line: Duplex, { stdin, stdout }: Terminal, signal: AbortSignal): Promise<void> {
  const left = Promise.withResolvers<void>();
  const raw = (on: boolean) => stdin.isTTY && stdin.setRawMode?.(on);
  const typed = (bytes: Buffer) => {
    const end = bytes.indexOf(LEAVE);
    line.write(end < 0 ? bytes : bytes.subarray(0, end));
    if (end >= 0) left.resolve();
  };
  // A BMC's socket does not keep a process alive while nothing is said.
  const awake = setInterval(() => undefined, LONG_MS);
  raw(true);
  stdin.on('data', typed);
  line.on('data', (bytes: Buffer) => stdout.write(bytes));
  line.on('error', left.reject);
  line.on('close', left.resolve);
  try {
    await Promise.race([left.promise, aborted(signal)]);
  } finally {
    clearInterval(awake);
    raw(false);
    stdin.off('data', typed);
    stdin.pause();
    if (!line.closed) {
      const closed = new Promise((resolve) => line.once('close', resolve));
      line.destroy();
      await closed;
    }
  }
}
