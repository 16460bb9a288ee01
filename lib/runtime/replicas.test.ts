// test-deadline: 300
// Two replicas as processes: the leader is killed, or paused for longer than its lease, and no write of an old leader takes
// hold on an object that the new one has written. REPLICA_ROUNDS and REPLICA_LEASE_MS make it longer and slower.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { createReflector } from '../kube/reflector.ts';
import { configMap, configMaps, startCluster, type TestCluster } from '../testing/cluster.ts';
import { eventually } from '../testing/eventually.ts';
import { createLogRecorder } from '../testing/log-recorder.ts';

const rounds = Number(process.env.REPLICA_ROUNDS ?? 1);
const leaseMs = Number(process.env.REPLICA_LEASE_MS ?? 3_000);
const OBJECTS = 8;
/** A machine with much else to do may take a while to start a process, and to miss a lease. */
const PATIENCE = { deadlineMs: 60_000 + 3 * leaseMs };

interface Replica {
  readonly identity: string;
  readonly child: ChildProcess;
  said: string;
}

/** Keeps replicas running, each under a name of its own, and ends them all. */
function createTroupe({ kubeconfig, namespace }: TestCluster) {
  const replicas = new Map<string, Replica>();
  let started = 0;

  function start(): void {
    const identity = `replica-${++started}`;
    const program = fileURLToPath(new URL('../testing/replica.ts', import.meta.url));
    const args = [program, kubeconfig, namespace, identity, String(leaseMs)];
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'ignore'] });
    const replica: Replica = { identity, child, said: '' };
    replicas.set(identity, replica);
    child.stdout.on('data', (text) => {
      replica.said += text;
    });
    child.on('exit', () => replicas.delete(identity));
  }
  return {
    get: (identity: string) => replicas.get(identity),
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

/** Follows who writes what, over a connection of its own. */
function audit({ client, namespace }: TestCluster) {
  const scope = { namespace, labelSelector: 'replicas=write' };
  const reflector = createReflector({ client, resource: configMaps, ...scope, log: createLogRecorder() });
  const followed = new Map<string, Set<string>>();
  const violations: string[] = [];
  const last = { writer: '', writes: 0 };
  reflector.store.subscribe((event) => {
    if (event.type !== 'updated') return;
    const { name } = event.object.metadata;
    const [before, by = ''] = [event.old.data?.by, event.object.data?.by];
    const past = followed.get(name) ?? new Set();
    followed.set(name, before && before !== by ? past.add(before) : past);
    if (past.has(by)) violations.push(`${name}: ${by} wrote after another had followed it`);
    last.writes = last.writer === by ? last.writes + 1 : 1;
    last.writer = by;
  });
  const stop = new AbortController();
  const running = reflector.run(stop.signal);
  return {
    violations,
    /** Somebody other than `old` writes, again and again: gives its name. */
    async leaderAfter(old: string): Promise<string> {
      await eventually(() => last.writer !== old && last.writes > OBJECTS, PATIENCE);
      return last.writer;
    },
    async [Symbol.asyncDispose]() {
      stop.abort();
      await running;
    },
  };
}

/** Round for round: `strike` the leader, and see another one act. */
async function play(strike: (leader: Replica) => void, afterwards: (old: Replica) => Promise<void>): Promise<void> {
  await using cluster = await startCluster();
  const { client, namespace } = cluster;
  for (let i = 0; i < OBJECTS; i++) {
    const map = configMap(namespace, `map-${i}`);
    await client.create(configMaps, { ...map, metadata: { ...map.metadata, labels: { replicas: 'write' } } });
  }
  await using auditor = audit(cluster);
  await using troupe = createTroupe(cluster);
  for (let round = 0; round < rounds; round++) {
    await troupe.bothReady();
    const leader = await eventually(async () => troupe.get(await auditor.leaderAfter('')), PATIENCE);
    strike(leader);
    await auditor.leaderAfter(leader.identity);
    await afterwards(leader);
  }
  assert.equal(auditor.violations, []);
}

test('the leader is killed: the other one acts when the lease has run out', () =>
  play(
    ({ child }) => void child.kill('SIGKILL'),
    async () => undefined,
  ));

test('the leader is paused for longer than its lease: it wakes up fenced off, and ends', () =>
  play(
    ({ child }) => void child.kill('SIGSTOP'),
    async ({ child }) => {
      const ended = once(child, 'exit');
      child.kill('SIGCONT');
      const [code] = (await ended) as [number | null];
      assert.is(code, 3);
    },
  ));

test.run();
