// A password: typed without being shown, or, where nobody types, all of the input.
import { createInterface } from 'node:readline/promises';
import { type Readable, Writable } from 'node:stream';
import { text as readAll } from 'node:stream/consumers';
import { UsageError } from './command.ts';

export type SecretSource = Readable & { readonly isTTY?: boolean };

/** @throws UsageError where it is empty or more than a line, or was broken off */
export async function readSecret(question: string, input: SecretSource, output: Writable): Promise<string> {
  const secret = input.isTTY ? await typed(question, input, output) : (await readAll(input)).replace(/\r?\n$/, '');
  if (secret === '' || secret.includes('\n'))
    throw new UsageError('standard input is to hold the password, and nothing else');
  return secret;
}

async function typed(question: string, input: SecretSource, output: Writable): Promise<string> {
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() });
  const terminal = createInterface({ input, output: nowhere, terminal: true });
  const broken = new AbortController();
  // Ctrl-C, Ctrl-D, and the end of the input: no answer would ever come.
  terminal.once('SIGINT', () => broken.abort());
  terminal.once('close', () => broken.abort());
  output.write(question);
  try {
    return await terminal.question('', { signal: broken.signal });
  } catch (error) {
    if (broken.signal.aborted) throw new UsageError('no password was given', { cause: error });
    throw error;
  } finally {
    terminal.close();
    output.write('\n');
  }
}
