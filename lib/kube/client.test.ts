// The client on a real socket, against a server that does what each test says.
import { writeFile } from 'node:fs/promises';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { eventually } from '../testing/eventually.ts';
import { kubeconfigOf, type Script, startScriptedServer } from '../testing/scripted-server.ts';
import { type ClientOptions, createClient } from './client.ts';
import {
  ApiError,
  isAlreadyExists,
  isConflict,
  isForbidden,
  isGone,
  isNotFound,
  isTooManyRequests,
  isUnanswered,
} from './errors.ts';
import type { KubeObject, Resource } from './resource.ts';

const widgets: Resource = { group: 'example.dev', version: 'v1', plural: 'widgets', kind: 'Widget', namespaced: true };
const nodes: Resource = { group: '', version: 'v1', plural: 'nodes', kind: 'Node', namespaced: false };
const a: KubeObject = {
  apiVersion: 'example.dev/v1',
  kind: 'Widget',
  metadata: { name: 'a', namespace: 'n', resourceVersion: '1' },
};

async function connect(script: Script, options: ClientOptions = {}) {
  const server = await startScriptedServer(script);
  const client = createClient({ kubeconfig: server.kubeconfig, ...options });
  return {
    client,
    server,
    async [Symbol.asyncDispose]() {
      await client.close();
      await server[Symbol.asyncDispose]();
    },
  };
}

async function failure(call: Promise<unknown>): Promise<ApiError> {
  const error: unknown = await call.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  assert.instance(error, ApiError);
  return error as ApiError;
}

test('calls go to the paths of the Kubernetes API, with its content types', async () => {
  await using world = await connect((_request, answer) => answer.json(a));
  const { client } = world;
  await client.get(nodes, { name: 'n1' });
  await client.get(widgets, { name: 'a', namespace: 'n' });
  await client.create(widgets, a, { fieldManager: 'm', dryRun: true, fieldValidation: 'Strict' });
  await client.update(widgets, a, { subresource: 'status' });
  await client.patch(widgets, a.metadata, { type: 'merge', body: { x: 1 } });
  await client.patch(widgets, a.metadata, { type: 'json', operations: [{ op: 'remove', path: '/x' }] });
  await client.patch(widgets, a.metadata, { type: 'apply', object: a, fieldManager: 'm', force: true });
  await client.patchStatus(widgets, a.metadata, { type: 'merge', body: {} });
  await client.delete(widgets, a.metadata, { uid: 'u', resourceVersion: '7', propagationPolicy: 'Foreground' });
  const calls = world.server.requests.map(({ method, path, query, headers }) => [
    method,
    path,
    query.toString(),
    headers['content-type'],
  ]);
  const path = '/apis/example.dev/v1/namespaces/n/widgets';
  assert.equal(calls, [
    ['GET', '/api/v1/nodes/n1', '', undefined],
    ['GET', `${path}/a`, '', undefined],
    ['POST', path, 'fieldManager=m&dryRun=All&fieldValidation=Strict', 'application/json'],
    ['PUT', `${path}/a/status`, '', 'application/json'],
    ['PATCH', `${path}/a`, '', 'application/merge-patch+json'],
    ['PATCH', `${path}/a`, '', 'application/json-patch+json'],
    ['PATCH', `${path}/a`, 'fieldManager=m&force=true', 'application/apply-patch+yaml'],
    ['PATCH', `${path}/a/status`, '', 'application/merge-patch+json'],
    ['DELETE', `${path}/a`, '', 'application/json'],
  ]);
  assert.equal(JSON.parse(world.server.requests.at(-1)!.body), {
    apiVersion: 'v1',
    kind: 'DeleteOptions',
    preconditions: { uid: 'u', resourceVersion: '7' },
    propagationPolicy: 'Foreground',
  });
  assert.ok(world.server.requests.every(({ headers }) => headers.authorization === 'Bearer scripted'));
});

test('a name that would lead to another path is refused before anything is sent', async () => {
  await using world = await connect((_request, answer) => answer.json(a));
  for (const name of ['', '.', '..', 'a/b', 'a%2fb']) {
    assert.is((await failure(world.client.delete(nodes, { name }))).status, 400, name);
  }
  assert.is((await failure(world.client.get(widgets, { name: 'a' }))).status, 400);
  assert.is((await failure(world.client.get(widgets, { name: 'a', namespace: '../x' }))).status, 400);
  assert.is(world.server.requests.length, 0);
});

test('pages are followed, and items get the kind that lists leave out', async () => {
  await using world = await connect(({ query }, answer) => {
    const first = !query.get('continue');
    const metadata = { resourceVersion: '9', ...(first && { continue: 'next' }) };
    answer.json({ metadata, items: [{ metadata: { name: first ? 'one' : 'two' } }] });
  });
  const items: KubeObject[] = [];
  for await (const page of world.client.pages(nodes, { limit: 1 })) items.push(...page.items);
  assert.equal(items, [
    { apiVersion: 'v1', kind: 'Node', metadata: { name: 'one' } },
    { apiVersion: 'v1', kind: 'Node', metadata: { name: 'two' } },
  ]);
});

test('failures say what they are', async () => {
  const cases: [number, string, (error: unknown) => boolean][] = [
    [409, 'Conflict', isConflict],
    [409, 'AlreadyExists', isAlreadyExists],
    [410, 'Expired', isGone],
    [403, 'Forbidden', isForbidden],
    [429, 'TooManyRequests', isTooManyRequests],
  ];
  for (const [status, reason, is] of cases) {
    await using world = await connect((_request, answer) => answer.fail(status, reason, { 'retry-after': '3' }));
    const error = await failure(world.client.get(nodes, { name: 'x' }));
    assert.is(error.status, status);
    assert.is(error.reason, reason);
    assert.is(error.retryAfterMs, 3000);
    assert.match(error.message, /^GET \/api\/v1\/nodes\/x: scripted/);
    assert.equal(
      cases.map(([, , other]) => other(error)),
      cases.map(([, , other]) => other === is),
      reason,
    );
  }
});

test('only a 404 that names the object says that it is not there', async () => {
  const status = { kind: 'Status', reason: 'NotFound', message: 'not there' };
  const missing = async (body: unknown) => {
    await using world = await connect((_request, answer) => answer.json(body, 404));
    return isNotFound(await failure(world.client.get(nodes, { name: 'x' })));
  };
  assert.is(await missing({ ...status, details: { name: 'x', kind: 'nodes' } }), true);
  // As a server answers that has just started and does not serve the kind yet, and a proxy that does not know the way.
  assert.is(await missing({ ...status, details: {} }), false);
  assert.is(await missing('404 page not found'), false);
});

test('an answer that is no Status is told by its code', async () => {
  await using world = await connect((_request, answer) => answer.json('<html>', 503));
  const error = await failure(world.client.get(nodes, { name: 'x' }));
  assert.is(error.status, 503);
  assert.is(error.reason, 'ServiceUnavailable');
});

for (const [what, script] of [
  ['resets the connection', (_request, answer) => answer.reset()],
  [
    'cuts the answer',
    (_request, answer) => {
      answer.write('{"metadata":');
      answer.cut();
    },
  ],
] as [string, Script][]) {
  test(`a server that ${what} may have done it: unanswered`, async () => {
    await using world = await connect(script);
    const error = await failure(world.client.create(widgets, a));
    assert.ok(isUnanswered(error));
    assert.is(error.reason, 'Unreachable');
    assert.ok(error.cause);
  });
}

test('an answer that is not JSON, or no list where one is due, is unreadable', async () => {
  await using world = await connect((_request, answer) => {
    answer.write('pong');
    answer.end();
  });
  assert.is((await failure(world.client.get(nodes, { name: 'x' }))).reason, 'Unreadable');
  assert.is(await world.client.raw({ method: 'GET', path: '/healthz' }), 'pong');
  await using other = await connect((_request, answer) => answer.json({ kind: 'Status' }));
  assert.is((await failure(other.client.list(nodes))).reason, 'Unreadable');
});

test('no answer within the deadline is a timeout, also when the answer began', async () => {
  await using world = await connect(({ path }, answer) => {
    if (path.endsWith('began')) answer.write('{');
  });
  assert.is((await failure(world.client.get(nodes, { name: 'never' }, { timeoutMs: 30 }))).reason, 'Timeout');
  assert.is((await failure(world.client.get(nodes, { name: 'began' }, { timeoutMs: 30 }))).reason, 'Timeout');
});

test('a signal ends a call, and a watch, at once', async () => {
  await using world = await connect(({ query }, answer) => {
    if (query.get('watch')) answer.event('BOOKMARK', a);
  });
  const stop = new AbortController();
  const call = failure(world.client.get(nodes, { name: 'x' }, { signal: stop.signal }));
  const watching = failure(
    (async () => {
      for await (const _ of world.client.watch(nodes, { signal: stop.signal })) stop.abort();
    })(),
  );
  assert.is((await call).reason, 'Aborted');
  assert.is((await watching).reason, 'Aborted');
  assert.is((await failure(world.client.get(nodes, { name: 'x' }, { signal: stop.signal }))).reason, 'Aborted');
});

test('calls one after the other share connections', async () => {
  await using world = await connect(({ port }, answer) => answer.json({ ...a, port }));
  const ports = new Set<unknown>();
  for (let i = 0; i < 20; i++)
    ports.add(((await world.client.get(nodes, { name: 'x' })) as unknown as { port: number }).port);
  // A connection counts as free a moment after its answer has ended: there may be two.
  assert.ok(ports.size <= 2, `${ports.size} connections`);
});

test('no more calls are under way at once than allowed, and a waiting one gives up with its signal', async () => {
  let underWay = 0;
  let most = 0;
  const open: (() => void)[] = [];
  await using world = await connect(
    async (_request, answer) => {
      most = Math.max(most, ++underWay);
      await new Promise<void>((resolve) => open.push(resolve));
      underWay--;
      answer.json(a);
    },
    { maxInFlight: 2 },
  );
  const calls = Array.from({ length: 6 }, (_, i) => world.client.get(nodes, { name: `x${i}` }));
  const stop = new AbortController();
  const waiting = failure(world.client.get(nodes, { name: 'waits' }, { signal: stop.signal }));
  await eventually(() => open.length === 2);
  stop.abort();
  assert.is((await waiting).reason, 'Aborted');
  for (let answered = 0; answered < 6; answered++) {
    await eventually(() => open.length > 0);
    open.shift()!();
  }
  await Promise.all(calls);
  assert.is(most, 2);
  assert.not.ok(world.server.requests.some(({ path }) => path.endsWith('waits')));
});

test('an urgent call does not wait for its turn', async () => {
  const open: (() => void)[] = [];
  await using world = await connect(
    ({ path }, answer) => {
      if (path.endsWith('lease')) answer.json(a);
      else open.push(() => answer.json(a));
    },
    { maxInFlight: 1 },
  );
  const slow = [1, 2].map((i) => world.client.get(nodes, { name: `x${i}` }));
  await eventually(() => open.length === 1);
  await world.client.get(nodes, { name: 'lease' }, { urgent: true });
  open.shift()!();
  await eventually(() => open.length === 1);
  open.shift()!();
  await Promise.all(slow);
});

test('a token that the server no longer takes is read again, and the call goes on', async () => {
  await using world = await connect(({ headers }, answer) => {
    if (headers.authorization === 'Bearer rotated') answer.json(a);
    else answer.fail(401, 'Unauthorized');
  });
  assert.is((await failure(world.client.get(nodes, { name: 'x' }))).status, 401);
  await writeFile(world.server.kubeconfig, kubeconfigOf(world.server.url, 'rotated'));
  await world.client.get(nodes, { name: 'x' });
  assert.is(world.server.requests.filter(({ headers }) => headers.authorization === 'Bearer rotated').length, 1);
});

test('without a readable kubeconfig a call says so, and works once there is one', async () => {
  await using world = await connect((_request, answer) => answer.json(a));
  await writeFile(world.server.kubeconfig, '{}');
  const error = await failure(world.client.get(nodes, { name: 'x' }));
  assert.match(error.message, /kubeconfig/);
  await writeFile(world.server.kubeconfig, kubeconfigOf(world.server.url));
  await world.client.get(nodes, { name: 'x' });
});

test.run();
