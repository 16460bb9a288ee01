// What runs inside the live OS: exchanges its boot token for a session, asks what to do, does it and reports, until the
// operator refuses it or the machine is switched off.
//
// Level-triggered like the operator: every report holds the whole state, every answer the whole orders. A lost network or
// a restarting operator is waited out, with the task under way; a session that is not valid any more ends everything, for
// then this boot is over and somebody else may be about to work on the machine.
import { randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { Log } from '../observe/log.ts';
import type { Orders, Report, SessionRequest, Task, TaskState } from '../provision/protocol.ts';
import { AnswerError, parseGrant, parseOrders, refusalMessage } from './answers.ts';
import { type ApiAddress, type ApiAnswer, ApiClient } from './client.ts';
import { reason } from './errors.ts';
import type { Hardware } from './hardware.ts';
import { type LogTail, logTail } from './log-tail.ts';
import { type RunningTask, startTask } from './running-task.ts';

export const AGENT_VERSION = '1';

export interface AgentOptions extends ApiAddress {
  /** The boot token. */
  readonly token: string;
  readonly hardware: Hardware;
  /** Ends the agent at once: the machine goes down. */
  readonly signal: AbortSignal;
  readonly log: Log;
  /** From 0 up to 1, for jitter. */
  readonly random?: () => number;
  /** Told before the hardware is first touched for a task, so that a machine can say in its own records what it did for which. */
  readonly onTask?: (task: Task) => void;
  /** Between two tries to reach the operator, in milliseconds: doubles from the first to the last. */
  readonly retryMs?: { readonly first: number; readonly last: number };
}

/** `refused`: the operator does not want this boot (any more). `stopped`: by the signal. */
export type AgentEnd = 'refused' | 'stopped';

const RETRY_MS = { first: 500, last: 30_000 };

/** Runs until one of its two ends. @throws only what is a fault of the agent itself. */
export async function runAgent({ log, ...given }: AgentOptions): Promise<AgentEnd> {
  const options = { ...given, log: logTail(log) };
  const client = new ApiClient(options);
  try {
    const session = await openSession(options, client);
    return session === undefined ? 'refused' : await serve(options, client, session);
  } catch (error) {
    if (options.signal.aborted) return 'stopped';
    throw error;
  } finally {
    client.close();
  }
}

/** The session, or undefined when the operator refuses this boot. */
async function openSession(
  { token, hardware, ...options }: AgentOptions,
  client: ApiClient,
): Promise<string | undefined> {
  const [identity, disks] = await Promise.all([hardware.identity(), hardware.disks()]);
  // One nonce for all tries: the operator admits a boot once, and knows by it that a repeated request is the same agent.
  const nonce = randomBytes(24).toString('base64url');
  const asked: SessionRequest = { token, nonce, agentVersion: AGENT_VERSION, identity, disks };
  return persist(options, 'session', async () => {
    const answer = await client.post('/agent/v1/session', asked, options.signal);
    if (answer.status === 201) return { done: parseGrant(answer.body).session };
    if (answer.status !== 401) return { again: answer };
    options.log.warn({ why: refusalMessage(answer) }, 'the operator does not admit this boot');
    return { done: undefined };
  });
}

async function serve(options: AgentOptions & { log: LogTail }, client: ApiClient, session: string): Promise<AgentEnd> {
  const { signal, log, hardware, onTask } = options;
  let current: RunningTask | undefined;
  let reported: TaskState | undefined;
  try {
    for (;;) {
      if (current?.state().state === 'failed' && current.state() !== reported) {
        await uploadLog(client, log, session, signal);
      }
      const sentAt = performance.now();
      const answer = await persist<Orders | 401 | 409>(options, 'report', async () => {
        reported = current?.state();
        const report: Report = reported ? { task: reported } : {};
        const got = await client.post('/agent/v1/report', report, signal, session);
        if (got.status === 200) return { done: parseOrders(got.body) };
        if (got.status === 401) log.info({ why: refusalMessage(got) }, 'the session has ended');
        return got.status === 401 || got.status === 409 ? { done: got.status } : { again: got };
      });
      if (answer === 401) return 'refused';
      const wanted = answer === 409 ? undefined : answer.task;
      if (wanted?.id !== current?.task.id) {
        await current?.stop();
        current = wanted && startTask(wanted, { hardware, signal, log, ...(onTask && { onTask }) });
      }
      if (answer === 409) continue;
      await news(current, reported, answer.reportAfterMs - (performance.now() - sentAt), signal);
    }
  } finally {
    await current?.stop();
  }
}

/** Before the failure itself is reported, after which the machine may lose its power. Once: it is of use, not of need. */
async function uploadLog(client: ApiClient, log: LogTail, session: string, signal: AbortSignal): Promise<void> {
  try {
    await client.post('/agent/v1/log', log.text(), signal, session);
  } catch (error) {
    signal.throwIfAborted();
    log.warn({ why: reason(error) }, 'the log could not be sent');
  }
}

/** Waits until there is something to report: the state of the task changed to an end, or its time has come. */
async function news(
  current: RunningTask | undefined,
  reported: TaskState | undefined,
  ms: number,
  signal: AbortSignal,
) {
  const wait = Math.max(0, ms);
  if (!current || current.state() === reported) return delay(wait, undefined, { signal });
  const settled = new AbortController();
  const timer = delay(wait, undefined, { signal: AbortSignal.any([signal, settled.signal]) });
  await Promise.race([current.ended, timer]).finally(() => settled.abort());
}

type Attempt<T> = { readonly done: T } | { readonly again: ApiAnswer };

/** Tries until it is answered, waiting a little longer each time, with jitter so that a rack of machines spreads out. */
async function persist<T>(
  options: Pick<AgentOptions, 'signal' | 'log' | 'random' | 'retryMs'>,
  what: string,
  attempt: () => Promise<Attempt<T>>,
): Promise<T> {
  const { first, last } = options.retryMs ?? RETRY_MS;
  const random = options.random ?? Math.random;
  for (let tries = 0; ; tries++) {
    let retryAfterMs = 0;
    try {
      const outcome = await attempt();
      if ('done' in outcome) return outcome.done;
      retryAfterMs = Math.min(outcome.again.retryAfterMs ?? 0, last);
      options.log.debug({ why: refusalMessage(outcome.again), what }, 'the operator asks to come back later');
    } catch (error) {
      if (options.signal.aborted || error instanceof TypeError) throw error;
      const level = error instanceof AnswerError ? 'error' : 'warn';
      options.log[level]({ why: reason(error), what }, 'the operator cannot be reached');
    }
    const grown = Math.min(first * 2 ** Math.min(tries, 30), last);
    await delay(Math.max(retryAfterMs, grown) * (0.5 + random() / 2), undefined, { signal: options.signal });
  }
}
