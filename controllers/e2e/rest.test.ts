// test-deadline: 300
// A client that knows nothing of Kubernetes, written for virtflow's API: it asks for places over HTTP, and the operator
// gives them on a host that it brought up itself.
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { INSTANCES } from '../../lib/api/resources.ts';
import { createClient } from '../../lib/kube/client.ts';
import { findCluster } from '../../lib/rest/cluster.ts';
import { bearerPlacements, ownPlacements } from '../../lib/rest/placements.ts';
import { startRestServer } from '../../lib/rest/server.ts';
import { eventually } from '../../lib/testing/eventually.ts';
import { createLogRecorder } from '../../lib/testing/log-recorder.ts';
import { instanceNamed, startPlatform } from './platform.ts';

const NAMESPACE = 'default';

interface Result {
  readonly status: string;
  readonly result?: { readonly name: string; readonly ip: string };
  readonly error?: string;
}

test('places are asked for, given and given back over plain HTTP, with and without tokens', async () => {
  const platform = await startPlatform({ count: 1 });
  await using stack = new AsyncDisposableStack();
  stack.defer(() => platform.close());
  await platform.importFleet();
  await platform.create(INSTANCES, instanceNamed('web-1', { vmHost: { enabled: true } }));
  await platform.until('the host to run', () => platform.instance('web-1')?.status?.phase === 'Running');

  const common = {
    port: 0,
    namespace: NAMESPACE,
    limit: { perSecond: 1000, burst: 1000 },
    maxInFlight: 64,
    log: createLogRecorder(),
  };
  const { kubeconfig, adminToken } = platform;
  const sources = {
    anonymous: ownPlacements(createClient({ kubeconfig }), NAMESPACE),
    bearer: bearerPlacements({ cluster: findCluster({ kubeconfig }), namespace: NAMESPACE }),
  };
  for (const [name, placements] of Object.entries(sources)) {
    stack.adopt(placements, (each) => each.close());
    const anonymous = name === 'anonymous';
    const server = stack.adopt(await startRestServer({ ...common, placements, anonymous }), (each) => each.close());
    const authorization: Record<string, string> = anonymous ? {} : { authorization: `Bearer ${adminToken}` };
    const ask = async (requested_cpu: number) => {
      const answer = await fetch(`${server.url}/schedule`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...authorization },
        body: JSON.stringify({ requested_cpu, requested_memory: 1024, requested_pool: 'default', dedicated: false }),
      });
      assert.is(answer.status, 200);
      return ((await answer.json()) as { task_id: string }).task_id;
    };
    const end = async (task: string) => {
      let last: Result = { status: 'processing' };
      const isOver = async () => {
        const answer = await fetch(`${server.url}/result/${task}`, { headers: authorization });
        last = (await answer.json()) as Result;
        return last.status !== 'processing';
      };
      await eventually(isOver, { deadlineMs: 60_000, what: `task ${task} to end` });
      return last;
    };
    const [fitting, huge] = [await ask(1), await ask(100_000)];
    const ip = platform.instance('web-1')?.status?.addresses?.[0] ?? '';
    assert.equal(await end(fitting), { status: 'completed', result: { name: 'web-1', ip } });
    assert.equal(await end(huge), { status: 'failed', error: 'No available nodes' });
    for (const task of [fitting, huge]) {
      const given = await fetch(`${server.url}/schedule/${task}`, { method: 'DELETE', headers: authorization });
      assert.is(given.status, 204);
    }
    await platform.until('the places to be given back', ({ placements: left }) => left.length === 0);
  }
});

test.run();
