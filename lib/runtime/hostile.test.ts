// test-deadline: 300
// The framework behind a hostile proxy: whatever happens on the way, everything converges, and nothing happens twice.
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { startCluster } from '../testing/cluster.ts';
import { startHostileProxy } from '../testing/hostile-proxy/proxy.ts';
import { beUser, cleanUp, Hardware, runOperator, settled, startAuditor } from '../testing/hostile-proxy/workload.ts';
import { createLogRecorder } from '../testing/log-recorder.ts';

for (const seed of [1, 2]) {
  test(`cuts, silence, lost answers, refusals and outages, seed ${seed}`, async () => {
    await using cluster = await startCluster();
    const { client, namespace } = cluster;
    const hostility = { seed, calls: 0.1, watches: 0.9, delayMs: 100, outages: { everyMs: 5_000, lastMs: 800 } };
    await using proxy = await startHostileProxy(cluster.kubeconfig, hostility);
    const hardware = new Hardware();
    const log = createLogRecorder();
    const auditor = startAuditor(client, namespace, log);
    const stop = new AbortController();
    const operator = runOperator({ kubeconfig: proxy.kubeconfig, namespace, hardware, log }, stop.signal);
    try {
      await beUser({ client, namespace, devices: 30, instances: 10, seed, forMs: 6_000, everyMs: 20 });
      await settled(auditor, log, 60_000);
    } finally {
      stop.abort();
      await operator;
      await auditor.stop();
    }
    await cleanUp(client, namespace);
    assert.equal(auditor.violations, []);
    assert.equal(hardware.twice(), []);
    assert.ok(hardware.applied >= 30);
    assert.ok(proxy.struck.size >= 6, [...proxy.struck.keys()].join(' '));
  });
}

test.run();
