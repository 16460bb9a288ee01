// `bmp defragment --apply` on an API server with a scheduler: what the plan says happens, and nothing on a plan that is stale.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { INSTANCES, PLACEMENTS } from '../../lib/api/resources.ts';
import { installDefinitions } from '../../lib/cli/manifests.ts';
import { carryOut } from '../../lib/cli/scheduling-moves.ts';
import { startCluster } from '../../lib/testing/cluster.ts';
import { eventually } from '../../lib/testing/eventually.ts';
import { aHost, aPlacement } from './model/fixtures.ts';
import { startScheduler } from './model/running.ts';

const MAIN = new URL('../main.ts', import.meta.url).pathname;

test('a plan is carried out move by move; one that the cluster has left behind moves nothing', async () => {
  await using cluster = await startCluster();
  const { client, namespace, kubeconfig } = cluster;
  if (!process.env.KUBECONFIG_REAL) await installDefinitions(client, AbortSignal.timeout(60_000));
  await using _scheduler = startScheduler(client, namespace);
  for (const name of ['web-1', 'web-2']) {
    const host = aHost(name, { metadata: { namespace } });
    await client.create(INSTANCES, host);
    await client.patchStatus(INSTANCES, host.metadata, { type: 'merge', body: { status: host.status } });
  }
  const homeOf = async (name: string) => (await client.get(PLACEMENTS, { namespace, name })).status?.nodeName;
  for (const name of ['a', 'b', 'c']) await client.create(PLACEMENTS, aPlacement(name, { metadata: { namespace } }));
  await eventually(async () => (await homeOf('a')) && (await homeOf('b')) && (await homeOf('c')));
  const [full, other] = (await homeOf('a')) === 'web-1' ? ['web-1', 'web-2'] : ['web-2', 'web-1'];
  const body = { spec: { requests: { move: other } } };
  await client.patch(PLACEMENTS, { namespace, name: 'c' }, { type: 'merge', body });
  await eventually(async () => (await homeOf('c')) === other);

  const options = ['--apply', '--yes', '-n', namespace, '--kubeconfig', kubeconfig];
  const bmp = spawn(process.execPath, [MAIN, 'defragment', ...options], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [out, [code]] = await Promise.all([text(bmp.stdout), once(bmp, 'exit')]);
  assert.match(out, `1/1 c: ${other} -> ${full}`);
  assert.match(out, `placement/c: succeeded: has a place on ${full}`);
  assert.match(out, '1 of 1 moves carried out');
  assert.equal([code, await homeOf('c')], [0, full]);

  const told = new PassThrough();
  const stale = [
    { placement: 'c', from: other, to: full },
    { placement: 'a', from: full, to: other },
  ];
  const carrying = { timeoutMs: 60_000, asked: '2026-01-01T00:00:00Z', out: told as unknown as NodeJS.WriteStream };
  assert.is(await carryOut({ client, namespace }, stale, carrying), 0);
  told.end();
  assert.match(await text(told), `placement/c: is not on ${other} any more`);
  assert.is(await homeOf('a'), full);
});

test.run();
