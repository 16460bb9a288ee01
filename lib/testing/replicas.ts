// Two replicas of an operator as processes, one of which leads, and an observer of every write that takes hold: rounds in
// which the leader is killed, or paused and let go on.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import * as assert from 'uvu/assert';
import { createReflector } from '../kube/reflector.ts';
import { type ConfigMap, configMap, configMaps, type TestCluster } from './cluster.ts';
import { eventually } from './eventually.ts';
import { createLogRecorder } from './log-recorder.ts';

export interface PairOptions {
  /** Its Lease, its objects and its two processes are its own: many pairs fit on one server. */
  readonly group: string;
  /** How many objects the leader writes, and how long it rests before it writes each of them again. */
  readonly objects: number;
  readonly everyMs: number;
  /** Default: the product's own lease. */
  readonly leaseMs?: number;
}

export interface Pair extends AsyncDisposable {
  /**
   * Kills the leader with SIGKILL, `afterMs` after both were ready. Resolves to the milliseconds between the kill and the
   * first write of the other one.
   */
  kill(afterMs: number): Promise<number>;
  /**
   * Pauses the leader with SIGSTOP until `pauseMs` are over and another one writes, then lets it go on and sees it end, fenced
   * off. Resolves to the milliseconds between the pause and the first write of the other one.
   */
  pause(afterMs: number, pauseMs: number): Promise<number>;
  /** Writes to an object by a leader that another one had followed on it, and writes made from an older state of it. */
  readonly violations: readonly string[];
  /** Writes that took hold. */
  readonly writes: number;
}

/** A machine with much else to do may take a while to start a process, and to miss a lease. */
const PATIENCE = { deadlineMs: 120_000 };
const REPLICA = fileURLToPath(new URL('replica.ts', import.meta.url));

export async function startPair(cluster: TestCluster, options: PairOptions): Promise<Pair> {
  await using stack = new AsyncDisposableStack();
  const { client, namespace } = cluster;
  for (let i = 0; i < options.objects; i++) {
    const map = configMap(namespace, `${options.group}-${i}`);
    await client.create(configMaps, { ...map, metadata: { ...map.metadata, labels: { replicas: options.group } } });
  }
  const observer = stack.use(observe(cluster, options.group));
  const troupe = stack.use(createTroupe(cluster, options));
  const disposal = stack.move();

  /** Strikes the leader; gives it, when that was, and how long it took until another one wrote. */
  async function strike(afterMs: number, signal: NodeJS.Signals) {
    await troupe.bothReady();
    await setTimeout(afterMs);
    const old = await eventually(() => troupe.get(observer.term()?.writer), PATIENCE);
    const struckAt = performance.now();
    old.child.kill(signal);
    const next = await eventually(() => {
      const term = observer.term();
      return term?.writer !== old.identity && term;
    }, PATIENCE);
    return { old, struckAt, tookMs: next.since - struckAt };
  }

  return {
    async kill(afterMs) {
      return (await strike(afterMs, 'SIGKILL')).tookMs;
    },
    async pause(afterMs, pauseMs) {
      const { old, struckAt, tookMs } = await strike(afterMs, 'SIGSTOP');
      await setTimeout(Math.max(0, struckAt + pauseMs - performance.now()));
      const ended = once(old.child, 'exit');
      old.child.kill('SIGCONT');
      const [code] = (await ended) as [number | null];
      assert.is(code, 3, `${old.identity} ends when it finds itself fenced off`);
      const before = observer.writes;
      await eventually(() => observer.writes > before + options.objects, PATIENCE);
      return tookMs;
    },
    violations: observer.violations,
    get writes() {
      return observer.writes;
    },
    [Symbol.asyncDispose]: () => disposal.disposeAsync(),
  };
}

/** How long it took in all rounds, for people. */
export function spanOf(took: readonly number[]): string {
  const sorted = took.toSorted((a, b) => a - b).map((ms) => (ms / 1000).toFixed(1));
  return `${sorted[0]} to ${sorted.at(-1)} s, median ${sorted[Math.floor(sorted.length / 2)]} s`;
}

interface Replica {
  readonly identity: string;
  readonly child: ChildProcess;
  said: string;
}

/** Keeps replicas running, each under a name of its own, and ends them all. */
function createTroupe({ kubeconfig, namespace }: TestCluster, { group, everyMs, leaseMs }: PairOptions) {
  const replicas = new Map<string, Replica>();
  let started = 0;

  function start(): void {
    const identity = `${group}-replica-${++started}`;
    const settings = { kubeconfig, namespace, group, identity, 'every-ms': everyMs, 'lease-ms': leaseMs };
    const args = Object.entries(settings).flatMap(([name, value]) =>
      value === undefined ? [] : [`--${name}=${value}`],
    );
    const child = spawn(process.execPath, [REPLICA, ...args], { stdio: ['pipe', 'pipe', 'ignore'] });
    const replica: Replica = { identity, child, said: '' };
    replicas.set(identity, replica);
    child.stdout.on('data', (text) => {
      replica.said += text;
    });
    child.on('exit', () => replicas.delete(identity));
  }
  return {
    get: (identity = '') => replicas.get(identity),
    /** Two run, and have warm caches. A replica that lost its lease to a slow machine has been followed by a new one. */
    bothReady: () =>
      eventually(() => {
        while (replicas.size < 2) start();
        return [...replicas.values()].every(({ said }) => said.includes('ready'));
      }, PATIENCE),
    async [Symbol.asyncDispose]() {
      for (const { child } of replicas.values()) {
        const ended = once(child, 'exit');
        child.kill('SIGKILL');
        await ended;
      }
    },
  };
}

/** From a leader's first write to the first one of the next. */
interface Term {
  readonly writer: string;
  /** When its first write was seen, on this process's monotonic clock. */
  readonly since: number;
}

/** Follows who writes what, over a connection of its own. */
function observe({ client, namespace }: TestCluster, group: string) {
  const scope = { namespace, labelSelector: `replicas=${group}` };
  const reflector = createReflector({ client, resource: configMaps, ...scope, log: createLogRecorder() });
  const leaders = new Set<string>();
  /** Of each object, the writers that have been followed by another on it. */
  const followed = new Map<string, Set<string>>();
  const violations: string[] = [];
  let term: Term | undefined;
  let writes = 0;

  function see({ metadata, data }: ConfigMap, before: ConfigMap): void {
    const writer = data?.by ?? '';
    const told = `${metadata.name}@${metadata.resourceVersion} by ${writer}`;
    writes++;
    if (Number(data?.count) !== Number(before.data?.count ?? 0) + 1)
      violations.push(`${told}: made from an older state`);
    const past = followed.get(metadata.name) ?? new Set();
    if (past.has(writer)) violations.push(`${told}: another one has written it since`);
    if (before.data?.by !== undefined && before.data.by !== writer) past.add(before.data.by);
    followed.set(metadata.name, past);
    if (!leaders.has(writer)) term = { writer, since: performance.now() };
    leaders.add(writer);
  }

  reflector.store.subscribe((event) => {
    if (event.type === 'updated') see(event.object, event.old);
  });
  const stop = new AbortController();
  const running = reflector.run(stop.signal);
  return {
    violations,
    /** The latest; undefined before the first write. */
    term: () => term,
    get writes() {
      return writes;
    },
    async [Symbol.asyncDispose]() {
      stop.abort();
      await running;
    },
  };
}
