// test-deadline: 300
// Two replicas as processes: the leader is killed, or paused for longer than its lease, and no write of an old leader takes
// hold on an object that the new one has written. With the product's own lease, often: replicas-hundred.test.ts.
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { startCluster } from '../testing/cluster.ts';
import { startPair } from '../testing/replicas.ts';

const SHORT = { objects: 8, everyMs: 5, leaseMs: 3_000 };

test('the leader is killed: the other one acts when the lease has run out', async () => {
  await using cluster = await startCluster();
  await using pair = await startPair(cluster, { group: 'kill', ...SHORT });
  await pair.kill(0);
  assert.equal(pair.violations, []);
});

test('the leader is paused for longer than its lease: it wakes up fenced off, and ends', async () => {
  await using cluster = await startCluster();
  await using pair = await startPair(cluster, { group: 'pause', ...SHORT });
  await pair.pause(0, SHORT.leaseMs);
  assert.equal(pair.violations, []);
});

test.run();
