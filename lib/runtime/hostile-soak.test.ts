// test-slow
// test-deadline: 900
// An hour's worth of bad days in three minutes, behind the hostile proxy: 500 devices and 200 instances that change all the
// time. SOAK_SEED brings a run back, SOAK_SECONDS makes it longer.
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { startCluster } from '../testing/cluster.ts';
import { startHostileProxy } from '../testing/hostile-proxy/proxy.ts';
import { beUser, cleanUp, Hardware, runOperator, settled, startAuditor } from '../testing/hostile-proxy/workload.ts';
import { createLogRecorder } from '../testing/log-recorder.ts';

const seed = Number(process.env.SOAK_SEED ?? 1);
const seconds = Number(process.env.SOAK_SECONDS ?? 180);

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;
const heapMB = () => {
  collectGarbage();
  return process.memoryUsage().heapUsed / 2 ** 20;
};

test(`an hour of it in ${seconds} s, seed ${seed}`, async () => {
  await using cluster = await startCluster();
  const { client, namespace } = cluster;
  // An outage of a minute every ten, at twenty times the speed.
  const hostility = { seed, calls: 0.05, watches: 0.9, delayMs: 200, outages: { everyMs: 30_000, lastMs: 3_000 } };
  await using proxy = await startHostileProxy(cluster.kubeconfig, hostility);
  const hardware = new Hardware();
  // Lines are counted, not kept: memory is what is measured here.
  const log = createLogRecorder({ limit: 1_000 });
  const auditor = startAuditor(client, namespace, log);
  const stop = new AbortController();
  const operator = runOperator({ kubeconfig: proxy.kubeconfig, namespace, hardware, log }, stop.signal);
  const load = { client, namespace, devices: 500, instances: 200, seed, everyMs: 60 };
  const middle = { heap: 0 };
  const timer = setTimeout(
    () => {
      middle.heap = heapMB();
    },
    (seconds * 1_000) / 2,
  );
  await beUser({ ...load, forMs: seconds * 1_000 });
  clearTimeout(timer);
  const changedUntil = performance.now();
  await settled(auditor, log, 120_000);
  const settledMs = Math.round(performance.now() - changedUntil);
  const end = heapMB();
  stop.abort();
  const processes = await operator;
  await auditor.stop();
  await cleanUp(client, namespace);
  console.log(
    JSON.stringify({
      seed,
      seconds,
      operations: hardware.applied,
      processes,
      settledMs,
      heapMB: { middle: Math.round(middle.heap), end: Math.round(end) },
      struck: Object.fromEntries(proxy.struck),
      passed: Object.fromEntries(proxy.passed),
    }),
  );
  assert.equal(auditor.violations, []);
  assert.equal(hardware.twice(), []);
  assert.ok(end < middle.heap * 1.25 + 10, `the heap grew from ${middle.heap} to ${end} MB`);
});

test.run();
