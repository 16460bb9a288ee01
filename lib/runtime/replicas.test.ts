// test-deadline: 240
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

const rounds = Number(process.env.REPLICA_ROUNDS ?? 2);
const leaseMs = Number(process.env.REPLICA_LEASE_MS ?? 2_000);
const OBJECTS = 8;

interface Replica {
  readonly identity: string;
  readonly child: ChildProcess;
  /** What it has printed. */
  said: string;
}

/** Starts replicas with names of their own, and ends those that are left. */
function createTroupe({ kubeconfig, namespace }: TestCluster) {
  const replicas = new Set<Replica>();
  let started = 0;
  return {
    start(): Replica {
      const identity = `replica-${++started}`;
      const program = fileURLToPath(new URL('../testing/replica.ts', import.meta.url));
      const args = [program, kubeconfig, namespace, identity, String(leaseMs)];
      const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
      const replica: Replica = { identity, child, said: '' };
      child.stdout.on('data', (text) => {
        replica.said += text;
      });
      replicas.add(replica);
      return replica;
    },
    async [Symbol.asyncDispose]() {
      for (const { child } of replicas) {
        if (child.exitCode !== null || child.signalCode !== null) continue;
        child.kill('SIGKILL');
        await once(child, 'exit');
      }
    },
  };
}

/** Follows who wrote what, over a connection of its own. */
function audit({ client, namespace }: TestCluster) {
  const reflector = createReflector({
    client,
    resource: configMaps,
    namespace,
    labelSelector: 'replicas=write',
    log: createLogRecorder(),
  });
  const superseded = new Map<string, Set<string>>();
  const writes = new Map<string, number>();
  const returned: string[] = [];
  reflector.store.subscribe((event) => {
    if (event.type !== 'updated') return;
    const { name } = event.object.metadata;
    const [before, by] = [event.old.data?.by, event.object.data?.by ?? ''];
    writes.set(by, (writes.get(by) ?? 0) + 1);
    const past = superseded.get(name) ?? new Set();
    superseded.set(name, past);
    if (before && before !== by) past.add(before);
    if (past.has(by)) returned.push(`${name}: ${by} wrote after it had been followed by another`);
  });
  const stop = new AbortController();
  const running = reflector.run(stop.signal);
  const writesBy = ({ identity }: Replica) => writes.get(identity) ?? 0;
  return {
    returned,
    synced: () => reflector.store.synced(AbortSignal.timeout(20_000)),
    /** Resolves when this replica has written to all objects, on average, from now on. */
    async goesOn(replica: Replica) {
      const before = writesBy(replica);
      await eventually(() => writesBy(replica) >= before + OBJECTS, { deadlineMs: 30_000 + 3 * leaseMs });
    },
    async [Symbol.asyncDispose]() {
      stop.abort();
      await running;
    },
  };
}

async function playedOut(play: (leader: Replica, auditor: ReturnType<typeof audit>, next: Replica) => Promise<void>) {
  await using cluster = await startCluster();
  const { client, namespace } = cluster;
  for (let i = 0; i < OBJECTS; i++) {
    const map = configMap(namespace, `map-${i}`);
    await client.create(configMaps, { ...map, metadata: { ...map.metadata, labels: { replicas: 'write' } } });
  }
  await using auditor = audit(cluster);
  await auditor.synced();
  await using troupe = createTroupe(cluster);
  let leader = troupe.start();
  for (let round = 0; round < rounds; round++) {
    await auditor.goesOn(leader);
    assert.match(leader.said, /leading/);
    const next = troupe.start();
    await eventually(() => next.said.includes('ready'));
    await play(leader, auditor, next);
    leader = next;
  }
  assert.equal(auditor.returned, []);
}

test('the leader is killed: the other one acts when the lease has run out', async () => {
  await playedOut(async (leader, auditor, next) => {
    leader.child.kill('SIGKILL');
    await auditor.goesOn(next);
  });
});

test('the leader is paused for longer than its lease: it wakes up fenced off, and ends', async () => {
  await playedOut(async (leader, auditor, next) => {
    leader.child.kill('SIGSTOP');
    await auditor.goesOn(next);
    const ended = once(leader.child, 'exit');
    leader.child.kill('SIGCONT');
    const [code] = (await ended) as [number | null];
    assert.is(code, 3);
  });
});

test.run();
