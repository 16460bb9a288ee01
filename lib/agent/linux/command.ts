// Runs one of Linux's tools: arguments as they are, never through a shell, and an error that says what the tool said.
import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';

export class CommandError extends Error {
  override readonly name = 'CommandError';
  readonly code: number | null;

  constructor(command: string, code: number | null, said: string) {
    super(`${command} ended with ${code}: ${said.trim().split('\n').slice(-3).join(' ').slice(0, 500)}`);
    this.code = code;
  }
}

export interface CommandOptions {
  readonly signal?: AbortSignal;
  /** Written to its standard input. Secrets go here, never into arguments. */
  readonly input?: string;
  /** Of standard output, default utf8; latin1 for bytes. */
  readonly encoding?: 'utf8' | 'latin1';
}

/** How a tool ended. */
export interface Outcome {
  readonly code: number | null;
  /** Of standard output. */
  readonly output: string;
  /** Of standard error. */
  readonly said: string;
}

/** For tools that tell by their output what went wrong. @throws the signal's reason, or ENOENT where there is no such tool. */
export async function outcome(
  command: string,
  args: readonly string[],
  options: CommandOptions = {},
): Promise<Outcome> {
  const { signal, input = '', encoding = 'utf8' } = options;
  const child = spawn(command, args, { stdio: 'pipe', ...(signal && { signal }) });
  const ended = new Promise<number | null>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', resolve);
  });
  child.stdout.setEncoding(encoding);
  // A tool that ends without reading its input is judged by how it ended.
  child.stdin.on('error', () => undefined);
  child.stdin.end(input);
  const [code, output, said] = await Promise.all([ended, text(child.stdout), text(child.stderr)]);
  return { code, output, said };
}

/** What it wrote to standard output. @throws CommandError, the signal's reason, or ENOENT where there is no such tool. */
export async function run(command: string, args: readonly string[], options: CommandOptions = {}): Promise<string> {
  const { code, output, said } = await outcome(command, args, options);
  if (code !== 0) throw new CommandError(command, code, said || output);
  return output;
}

/** The same, but undefined where the tool is not installed: for what only the full live OS brings. */
export async function runIfInstalled(
  command: string,
  args: readonly string[],
  options: CommandOptions = {},
): Promise<string | undefined> {
  try {
    return await run(command, args, options);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
