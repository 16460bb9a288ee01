// Keeps one operator running as a Deployment would: a process that ends is followed by the next one, at the same addresses.
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { setTimeout } from 'node:timers/promises';
import type { ReplicaMessage, ReplicaOptions, ReplicaRequest, Vitals } from './replica.ts';

const REPLICA = new URL('./replica.ts', import.meta.url).pathname;
/** A process that cannot even start is not started again at once. */
const PAUSE_MS = 200;
/** Lines of the log that are remembered to be told. */
const REMEMBERED = 60;

export interface OperatorProcess extends AsyncDisposable {
  /** Where machines boot from; undefined before the first start. */
  bootUrl(): string | undefined;
  /** Whether the process of now has started. */
  readonly isUp: boolean;
  /** How many processes there were. */
  readonly processes: number;
  /** How often each panic was logged: mistakes in the code, which nothing excuses. */
  readonly panics: ReadonlyMap<string, number>;
  /** The last warnings and errors that it logged. */
  readonly troubles: readonly string[];
  /** How the process is now; undefined when it ends before it has told. */
  vitals(): Promise<(Vitals & { readonly process: number }) | undefined>;
  /** Ends the process as a machine's failure does, or pauses it, or lets it go on. The one that has ended is followed by the next. */
  strike(signal: 'SIGKILL' | 'SIGSTOP' | 'SIGCONT'): void;
  /** Rejects when it ends otherwise than told to. */
  stop(): Promise<void>;
}

export type OperatorProcessOptions = Omit<ReplicaOptions, 'host' | 'port' | 'bootPort'> & {
  /** Where it listens; any free ports of 127.0.0.1 when left out. */
  readonly listen?: Pick<ReplicaOptions, 'host' | 'port' | 'bootPort'>;
  /** What it logs is added there. */
  readonly logFile: string;
};

/** Resolves when the first process has started. */
export async function startOperatorProcess(options: OperatorProcessOptions): Promise<OperatorProcess> {
  const { logFile, listen = { host: '127.0.0.1', port: 0, bootPort: 0 }, ...rest } = options;
  const out = createWriteStream(logFile, { flags: 'a' });
  const panics = new Map<string, number>();
  const troubles: string[] = [];
  const started = Promise.withResolvers<void>();
  let at = listen;
  let bootUrl: string | undefined;
  let child: ChildProcess | undefined;
  let processes = 0;
  let isUp = false;
  let stopping = false;

  function heed(line: string): void {
    out.write(`${line}\n`);
    if (!line.includes('"level":"warn"') && !line.includes('"level":"error"')) return;
    troubles.push(line);
    if (troubles.length > REMEMBERED) troubles.shift();
    const { outcome, err } = parsed(line);
    if (outcome === 'panic') panics.set(err, (panics.get(err) ?? 0) + 1);
  }

  function spawn(): ChildProcess {
    const argument = JSON.stringify({ ...rest, ...at } satisfies ReplicaOptions);
    const next = fork(REPLICA, [argument], { execArgv: ['--expose-gc'], stdio: ['ignore', 'pipe', 'pipe', 'ipc'] });
    for (const stream of [next.stdout!, next.stderr!]) createInterface({ input: stream }).on('line', heed);
    next.on('message', (message: ReplicaMessage) => {
      if (message.type !== 'started') return;
      isUp = true;
      bootUrl = message.bootUrl;
      if (at.port === 0) at = { ...at, port: portOf(message.url), bootPort: portOf(message.bootUrl) };
      started.resolve();
    });
    processes++;
    return next;
  }

  async function keep(): Promise<void> {
    for (;;) {
      child = spawn();
      const [code] = (await once(child, 'exit')) as [number | null];
      isUp = false;
      if (stopping) {
        if (code !== 0) throw new Error(`the operator ended with ${code} instead of stopping:\n${troubles.join('\n')}`);
        return;
      }
      await setTimeout(PAUSE_MS);
    }
  }
  const keeping = keep();
  await started.promise;

  async function stop(): Promise<void> {
    if (!stopping) {
      stopping = true;
      ask('stop');
    }
    await keeping;
  }

  /** A process that is about to end hears nothing any more. */
  function ask(request: ReplicaRequest): void {
    if (child?.connected) child.send(request, () => undefined);
  }

  return {
    bootUrl: () => bootUrl,
    get isUp() {
      return isUp;
    },
    get processes() {
      return processes;
    },
    panics,
    troubles,
    async vitals() {
      const of = child!;
      const process = processes;
      const told = Promise.withResolvers<Vitals | undefined>();
      const listen = (message: ReplicaMessage) => {
        if (message.type === 'vitals') told.resolve(message.vitals);
      };
      const end = () => told.resolve(undefined);
      of.on('message', listen).on('exit', end);
      if (of.exitCode !== null || of.signalCode !== null) end();
      ask('vitals');
      const vitals = await told.promise;
      of.off('message', listen).off('exit', end);
      return vitals && { ...vitals, process };
    },
    strike: (signal) => child?.kill(signal),
    stop,
    async [Symbol.asyncDispose]() {
      if (!stopping) {
        stopping = true;
        child?.kill('SIGKILL');
        await Promise.allSettled([keeping]);
      }
      out.end();
    },
  };
}

const portOf = (url: string): number => Number(new URL(url).port);

/** What is told of a line of JSON; a line of Node's own is none. */
function parsed(line: string): { outcome: string | undefined; err: string } {
  try {
    const { outcome, err } = JSON.parse(line) as { outcome?: string; err?: { stack?: string } };
    return { outcome, err: err?.stack ?? line };
  } catch {
    return { outcome: undefined, err: line }; // not ours: a warning of the runtime
  }
}
