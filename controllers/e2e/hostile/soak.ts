// The product's operator on bad days: a simulated fleet, people who change things all the time, and a hostile proxy between
// operator and API server. Gives what was, and what must not have been.
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import type { LogLevel } from '../../../lib/observe/logger.ts';
import type { Hostility } from '../../../lib/testing/hostile-proxy/faults.ts';
import { startHostileProxy } from '../../../lib/testing/hostile-proxy/proxy.ts';
import { type OperatorProcess, startOperatorProcess } from './operator-process.ts';
import { type Scene, type SceneOptions, startScene } from './scene.ts';
import { type Sample, swollen } from './vitals.ts';

export interface SoakOptions extends SceneOptions {
  /** How long things are changed while everything is hostile. */
  readonly forMs: number;
  /** How many times as fast time runs for the operator. */
  readonly speed: number;
  readonly hostility: Omit<Hostility, 'seed'>;
  readonly logLevel: LogLevel;
}

export interface SoakResult {
  /** What must not have been; empty if all is well. */
  readonly faults: readonly string[];
  readonly changes: number;
  readonly settledMs: number;
  readonly processes: number;
  readonly operations: Readonly<Record<string, number>>;
  /** What machines did to their disks, and how often they were turned on. */
  readonly record: Readonly<Record<string, number>>;
  readonly struck: Readonly<Record<string, number>>;
  readonly passed: Readonly<Record<string, number>>;
  readonly samples: readonly Sample[];
}

const SAMPLE_MS = 10_000;
/** Within it a key that always fails would be tried again, at the operator's speed. */
const QUIET_MS = 5_000;

export async function soak(options: SoakOptions): Promise<SoakResult> {
  const { seed, speed, logLevel, hostility, forMs, say } = options;
  await using stack = new AsyncDisposableStack();
  const scene = await startScene(options, stack);
  const { watcher, fleet } = scene;
  const proxy = stack.use(await startHostileProxy(scene.kubeconfig, { ...hostility, seed }, { calm: true }));
  const logFile = join(scene.dir, 'operator.log');
  const operator = stack.use(
    await startOperatorProcess({ kubeconfig: proxy.kubeconfig, speed, epoch: Date.now(), logLevel, logFile }),
  );
  say(`${options.devices} machines, operator at ${speed} times the speed`);
  await scene.populate(() => operator.bootUrl());
  await scene.settle('before', () => operator.troubles);
  const samples: Sample[] = [];
  const sample = (when: Sample['when']) => takeSample(operator, samples, when, say);
  await sample('before');

  proxy.resume();
  say('hostile from now on');
  const changes = await beRestless(scene, forMs, () => sample('during'));
  await scene.conclude();
  proxy.relent();
  say(`${changes} changes, ${operator.processes} processes; hostile no more`);

  const settledMs = await scene.settle('after', () => operator.troubles);
  const faults = [
    ...scene.misfits(),
    ...(await stuckKeys(() => sample('after'), samples)),
    ...swollen(samples),
    ...[...operator.panics].map(([panic, times]) => `panic, ${times} times: ${panic}`),
  ];
  const { struck, passed } = { struck: Object.fromEntries(proxy.struck), passed: Object.fromEntries(proxy.passed) };
  // Also of what giving back has brought about.
  faults.push(...(await scene.giveBack()));
  return {
    faults,
    changes,
    settledMs,
    processes: operator.processes,
    operations: counted(watcher.operations().values(), ({ kind }) => kind),
    record: counted(fleet.record(), ({ what, detail = '' }) =>
      what === 'power' || what === 'write-image' ? `${what} ${detail}` : what,
    ),
    struck,
    passed,
    samples,
  };
}

async function takeSample(
  operator: OperatorProcess,
  samples: Sample[],
  when: Sample['when'],
  say: SceneOptions['say'],
): Promise<void> {
  const vitals = await operator.vitals();
  if (!vitals) return;
  samples.push({ when, ...vitals });
  const { heapMB, rssMB, sockets, timers, queues, process } = vitals;
  say(
    `${when}: process ${process}, heap ${heapMB.toFixed(1)} MiB, resident ${rssMB.toFixed(0)} MiB, ${sockets} sockets, ${timers} timers, queues ${JSON.stringify(queues)}`,
  );
}

/** Changes things for so long, and samples now and then; gives how many changes there were. */
async function beRestless(scene: Scene, forMs: number, sample: () => Promise<void>): Promise<number> {
  const end = performance.now() + forMs;
  let changes = 0;
  while (performance.now() < end) {
    const next = Math.min(end, performance.now() + SAMPLE_MS);
    changes += await scene.beRestless(() => performance.now() < next);
    await sample();
  }
  return changes;
}

/** Keys that somebody works at although all is as it should be. */
async function stuckKeys(sample: () => Promise<void>, samples: readonly Sample[]): Promise<string[]> {
  await sample();
  await setTimeout(QUIET_MS);
  await sample();
  const [before, after] = samples.slice(-2);
  if (before?.process !== after?.process) return ['the operator ended although nothing befell it'];
  const { depth, overdue, retries } = after!.queues;
  const tried = retries - before!.queues.retries;
  return depth + overdue + tried === 0 ? [] : [`stuck: ${depth} keys ready, ${overdue} overdue, ${tried} tried again`];
}

function counted<T>(items: Iterable<T>, key: (item: T) => string): Record<string, number> {
  return Object.fromEntries([...Map.groupBy(items, key)].map(([name, all]) => [name.trim(), all.length]));
}
