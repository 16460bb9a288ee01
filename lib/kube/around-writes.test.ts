import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { eventually } from '../testing/eventually.ts';
import { createObjectServer } from '../testing/object-server.ts';
import { startScriptedServer } from '../testing/scripted-server.ts';
import { aroundWrites, fenced } from './around-writes.ts';
import { createClient, createClientOver, type KubeClient } from './client.ts';
import { ApiError, isNotLeader, isRetryable, isUnanswered } from './errors.ts';
import type { KubeObject, Resource } from './resource.ts';

const widgets: Resource = { group: 'x', version: 'v1', plural: 'widgets', kind: 'Widget', namespaced: false };
const widget: KubeObject = { apiVersion: 'x/v1', kind: 'Widget', metadata: { name: 'a' } };
const name = { name: 'a' };
const empty = { type: 'merge', body: {} } as const;

const WRITES: Record<string, (client: KubeClient, dryRun: boolean) => Promise<unknown>> = {
  create: (client, dryRun) => client.create(widgets, widget, { dryRun }),
  update: (client, dryRun) => client.update(widgets, widget, { dryRun }),
  patch: (client, dryRun) => client.patch(widgets, name, empty, { dryRun }),
  patchStatus: (client, dryRun) => client.patchStatus(widgets, name, empty, { dryRun }),
  delete: (client, dryRun) => client.delete(widgets, name, { dryRun }),
};

async function failure(call: Promise<unknown>): Promise<unknown> {
  return call.then(
    () => undefined,
    (reason: unknown) => reason,
  );
}

for (const [verb, write] of Object.entries(WRITES)) {
  test(`${verb} does not get out when this process does not lead, a dry run does`, async () => {
    const server = createObjectServer();
    const is = { leading: false };
    const client = fenced(createClientOver(server.transport), () => is.leading);
    const error = await failure(write(client, false));
    assert.ok(isNotLeader(error));
    assert.not.ok(isUnanswered(error), 'it certainly did not take hold');
    assert.not.ok(isRetryable(error));
    assert.is(server.exchanges.length, 0);
    await failure(write(client, true));
    assert.is(server.exchanges.length, 1);
    is.leading = true;
    await failure(write(client, false));
    assert.is(server.exchanges.length, 2);
  });
}

test('a write that waits for its turn is judged when it goes out, not when it was asked for', async () => {
  const held: (() => void)[] = [];
  await using server = await startScriptedServer((_request, answer) => void held.push(() => answer.json(widget)));
  const plain = createClient({ kubeconfig: server.kubeconfig, maxInFlight: 1 });
  const is = { leading: true };
  const client = fenced(plain, () => is.leading);
  const reading = plain.get(widgets, name);
  await eventually(() => held.length === 1);
  const writing = failure(client.patch(widgets, name, empty));
  is.leading = false;
  held.shift()!();
  await reading;
  assert.ok(isNotLeader(await writing));
  assert.is(server.requests.length, 1);
  await plain.close();
});

test('reads pass, and raw only reads', async () => {
  const server = createObjectServer();
  const plain = createClientOver(server.transport);
  await plain.create(widgets, widget);
  const client = fenced(plain, () => false);
  assert.is((await client.get(widgets, name)).metadata.name, 'a');
  await client.raw({ method: 'GET', path: '/apis/x/v1/widgets/a' });
  const before = server.exchanges.length;
  const error = await failure(client.raw({ method: 'DELETE', path: '/apis/x/v1/widgets/a' }));
  assert.instance(error, ApiError);
  assert.is(server.exchanges.length, before);
});

test('the gate sees what is written to what, and what came of it', async () => {
  const seen: string[] = [];
  const client = aroundWrites(createClientOver(createObjectServer().transport), async (write, run) => {
    const written = await run();
    seen.push(`${write.verb} ${write.resource.kind} ${write.name.name} -> ${written?.metadata.resourceVersion}`);
    return written;
  });
  await client.create(widgets, widget);
  await client.patch(widgets, name, empty);
  await client.delete(widgets, name);
  assert.equal(seen, ['create Widget a -> 1', 'patch Widget a -> 2', 'delete Widget a -> undefined']);
});

test.run();
