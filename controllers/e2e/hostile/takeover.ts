// Two replicas of the product's operator, one of which leads, while people change things all the time: again and again the
// leader is killed, or paused and let go on. Gives what was, and what must not have been.
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { eventually } from '../../../lib/testing/eventually.ts';
import { startHostileProxy, type Write } from '../../../lib/testing/hostile-proxy/proxy.ts';
import { createRandom } from '../../../lib/testing/random.ts';
import { type OperatorProcess, startOperatorProcess } from './operator-process.ts';
import { type Scene, type SceneOptions, startScene } from './scene.ts';
import { startService } from './service.ts';
import { type Entry, entryOf, strayWrites } from './terms.ts';

export interface TakeoverOptions extends SceneOptions {
  /** How often the leader is killed, and how often it is paused. */
  readonly rounds: number;
  /** How many times as fast time runs for the operators. */
  readonly speed: number;
}

export interface TakeoverResult {
  /** What must not have been; empty if all is well. */
  readonly faults: readonly string[];
  readonly changes: number;
  /** Of both replicas, as they were answered. */
  readonly writes: number;
  /** Until another one held the Lease, by the operators' time. */
  readonly followedMs: { readonly killed: readonly number[]; readonly paused: readonly number[] };
}

/** By the operators' time: how long a leader is paused, and the span over which the blows fall. */
const PAUSE_MS = 60_000;
const SPREAD_MS = 10_000;
/** A machine with much else to do may take a while to start a process. */
const FRIENDLY = { seed: 0, calls: 0, watches: 0, delayMs: 0 };
const PATIENCE = { deadlineMs: 120_000 };
const NAMES = ['a', 'b'] as const;
/** Each replica has an address of its own, as pods have; the ports are the Service's. */
const ADDRESSES = { a: '127.0.0.2', b: '127.0.0.3' };
type Name = (typeof NAMES)[number];

interface Troupe {
  readonly replicas: Readonly<Record<Name, OperatorProcess>>;
  readonly entries: readonly Entry[];
  readonly leader: () => Name | undefined;
}

export async function takeover(options: TakeoverOptions): Promise<TakeoverResult> {
  const { rounds, speed, say, seed } = options;
  await using stack = new AsyncDisposableStack();
  const scene = await startScene(options, stack);
  const troupe = await startTroupe(scene, speed, stack);
  const { a, b } = troupe.replicas;
  const troubles = () => [...a.troubles, ...b.troubles];
  await scene.populate(() => a.bootUrl());
  await scene.settle('before', troubles);

  const random = createRandom(seed);
  const followedMs = { killed: [] as number[], paused: [] as number[] };
  let isOver = false;
  const restless = scene.beRestless(() => !isOver);
  try {
    for (let round = 1; round <= rounds; round++) {
      followedMs.killed.push((await killed(troupe, (random() * SPREAD_MS) / speed)) * speed);
      followedMs.paused.push((await paused(troupe, (random() * SPREAD_MS) / speed, PAUSE_MS / speed)) * speed);
      say(`round ${round} of ${rounds}: ${troupe.entries.length} writes`);
    }
  } finally {
    isOver = true;
  }
  const changes = await restless;
  await scene.conclude();
  await scene.settle('after', troubles);
  const panics = [...a.panics, ...b.panics].map(([panic, times]) => `panic, ${times} times: ${panic}`);
  const faults = [...scene.misfits(), ...panics, ...(await scene.giveBack()), ...strayWrites(troupe.entries)];
  return { faults, changes, writes: troupe.entries.length, followedMs };
}

async function startTroupe(scene: Scene, speed: number, stack: AsyncDisposableStack): Promise<Troupe> {
  const entries: Entry[] = [];
  let leader: Name | undefined;
  function note(entry: Entry | undefined): void {
    if (!entry) return;
    entries.push(entry);
    if (entry.isHeld !== undefined) leader = entry.isHeld ? (entry.replica as Name) : undefined;
  }
  const target = () => leader && ADDRESSES[leader];
  const api = stack.use(await startService(target));
  const boot = stack.use(await startService(target));
  const advertise = { url: `https://127.0.0.1:${api.port}`, bootUrl: `http://127.0.0.1:${boot.port}` };
  const epoch = Date.now();
  async function start(name: Name): Promise<OperatorProcess> {
    const written = (write: Write) => note(entryOf(name, write));
    const proxy = stack.use(await startHostileProxy(scene.kubeconfig, FRIENDLY, { calm: true, written }));
    const { kubeconfig } = proxy;
    const logFile = join(scene.dir, `operator-${name}.log`);
    const listen = { host: ADDRESSES[name], port: api.port, bootPort: boot.port };
    return stack.use(
      await startOperatorProcess({ kubeconfig, speed, epoch, logLevel: 'info', logFile, listen, advertise }),
    );
  }
  return { replicas: { a: await start('a'), b: await start('b') }, entries, leader: () => leader };
}

/** Strikes the leader `afterMs` after both were up; resolves when another one holds the Lease. */
async function strike({ replicas, leader }: Troupe, signal: 'SIGKILL' | 'SIGSTOP', afterMs: number) {
  await eventually(() => replicas.a.isUp && replicas.b.isUp && leader() !== undefined, PATIENCE);
  await setTimeout(afterMs);
  const old = await eventually(leader, PATIENCE);
  const struckAt = performance.now();
  replicas[old].strike(signal);
  await eventually(() => leader() !== undefined && leader() !== old, { ...PATIENCE, everyMs: 10 });
  return { old: replicas[old], struckAt, tookMs: performance.now() - struckAt };
}

async function killed(troupe: Troupe, afterMs: number): Promise<number> {
  return (await strike(troupe, 'SIGKILL', afterMs)).tookMs;
}

/** @throws Error when the old leader does not end once it goes on */
async function paused(troupe: Troupe, afterMs: number, pauseMs: number): Promise<number> {
  const { old, struckAt, tookMs } = await strike(troupe, 'SIGSTOP', afterMs);
  await setTimeout(Math.max(0, struckAt + pauseMs - performance.now()));
  const before = old.processes;
  old.strike('SIGCONT');
  await eventually(() => old.processes > before, PATIENCE);
  return tookMs;
}
