// test-deadline: 120
// The whole API over HTTP, against the embedded API server with its RBAC; a person binds the Placements by hand here.
import { type Ajv, Ajv as AjvClass } from 'ajv';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Placement } from '../api/generated.ts';
import { PLACEMENTS } from '../api/resources.ts';
import { startApiServer } from '../apiserver/server.ts';
import { ensureNamespace, installDefinitions } from '../cli/manifests.ts';
import { createClient, type KubeClient } from '../kube/client.ts';
import { ApiError } from '../kube/errors.ts';
import type { KubeObject, Resource } from '../kube/resource.ts';
import { createLogRecorder } from '../testing/log-recorder.ts';
import { tempDir } from '../testing/temp-dir.ts';
import { MOST_BYTES } from './body.ts';
import { findCluster } from './cluster.ts';
import { openapi } from './openapi.ts';
import { bearerPlacements, ownPlacements } from './placements.ts';
import { type RestOptions, startRestServer } from './server.ts';

const NAMESPACE = 'team-a';
const GOOD = { requested_cpu: 4, requested_memory: 8192, requested_pool: 'default', dedicated: false };
const JSON_TYPE = { 'content-type': 'application/json' };

const RBAC = 'rbac.authorization.k8s.io';
const resourceOf = ({ kind }: KubeObject): Resource => ({
  group: kind === 'ServiceAccount' ? '' : RBAC,
  version: 'v1',
  plural: `${kind.toLowerCase()}s`,
  kind,
  namespaced: true,
});

const account = (name: string): KubeObject => ({
  apiVersion: 'v1',
  kind: 'ServiceAccount',
  metadata: { name, namespace: NAMESPACE },
});

/** `scheduler` may do all with Placements, `reader` may read them. */
const ACCESS = [
  ...['scheduler', 'reader'].flatMap((name) => {
    const verbs = name === 'reader' ? ['get'] : ['get', 'create', 'delete'];
    const metadata = { name, namespace: NAMESPACE };
    return [
      account(name),
      {
        apiVersion: `${RBAC}/v1`,
        kind: 'Role',
        metadata,
        rules: [{ apiGroups: ['bmp.dev'], resources: ['placements'], verbs }],
      },
      {
        apiVersion: `${RBAC}/v1`,
        kind: 'RoleBinding',
        metadata,
        roleRef: { apiGroup: RBAC, kind: 'Role', name },
        subjects: [{ kind: 'ServiceAccount', name, namespace: NAMESPACE }],
      },
    ];
  }),
  account('nobody'),
] as KubeObject[];

interface World extends AsyncDisposable {
  readonly client: KubeClient;
  readonly url: string;
  /** Of a service account. */
  token(account: string): Promise<string>;
  call(path: string, init?: RequestInit): Promise<Response>;
}

async function startWorld(options: Partial<RestOptions> = {}): Promise<World> {
  await using stack = new AsyncDisposableStack();
  const dir = stack.use(await tempDir('bmp-rest-'));
  const api = stack.adopt(await startApiServer({ dir: dir.path }), (server) => server.close());
  const client = stack.adopt(createClient({ kubeconfig: api.kubeconfigPath }), (each) => each.close());
  await installDefinitions(client, AbortSignal.timeout(60_000));
  await ensureNamespace(client, NAMESPACE);
  await Promise.all(ACCESS.map((object) => client.create(resourceOf(object), object)));
  const placements = options.anonymous
    ? ownPlacements(createClient({ kubeconfig: api.kubeconfigPath }), NAMESPACE)
    : bearerPlacements({ cluster: findCluster({ kubeconfig: api.kubeconfigPath }), namespace: NAMESPACE });
  stack.adopt(placements, (each) => each.close());
  const server = stack.adopt(
    await startRestServer({
      port: 0,
      placements,
      namespace: NAMESPACE,
      limit: { perSecond: 1000, burst: 1000 },
      maxInFlight: 100,
      log: createLogRecorder(),
      ...options,
    }),
    (each) => each.close(),
  );
  const disposal = stack.move();
  return {
    client,
    url: server.url,
    async token(name) {
      const path = `/api/v1/namespaces/${NAMESPACE}/serviceaccounts/${name}/token`;
      const body = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: {} };
      const { status } = (await client.raw({ method: 'POST', path, body })) as { status: { token: string } };
      return status.token;
    },
    call: (path, init) => fetch(server.url + path, init),
    [Symbol.asyncDispose]: () => disposal.disposeAsync(),
  };
}

const post = (body: unknown, headers: Record<string, string> = {}): RequestInit => ({
  method: 'POST',
  headers: { ...JSON_TYPE, ...headers },
  body: typeof body === 'string' ? body : JSON.stringify(body),
});
const bearer = (token: string) => ({ authorization: `Bearer ${token}` });

/** Holds an answer against what the API's description says of it. */
function described(ajv: Ajv, path: string, method: string, status: number): (body: unknown) => void {
  const document = openapi({ anonymous: false }) as unknown as {
    paths: Record<string, Record<string, { responses: Record<string, unknown> }>>;
  };
  assert.ok(document.paths[path]![method]!.responses[status], `${method} ${path} says nothing of ${status}`);
  const at = ['', 'paths', path, method, 'responses', String(status), 'content', 'application/json', 'schema'];
  const validate = ajv.getSchema(`api#${at.map((part) => encodeURIComponent(part.replaceAll('/', '~1'))).join('/')}`);
  assert.ok(validate, `${method} ${path} ${status} has no schema`);
  return (body) => assert.ok(validate!(body), `${JSON.stringify(body)}: ${ajv.errorsText(validate!.errors)}`);
}

function createAjv(): Ajv {
  const ajv = new AjvClass({ strict: false });
  ajv.addSchema(openapi({ anonymous: false }), 'api');
  return ajv;
}

async function bind(client: KubeClient, name: string, status: object): Promise<void> {
  await client.patchStatus<Placement>(PLACEMENTS, { namespace: NAMESPACE, name }, { type: 'merge', body: { status } });
}

test('a task from its request to its end, every answer as described', async () => {
  await using world = await startWorld();
  const ajv = createAjv();
  const headers = bearer(await world.token('scheduler'));
  const created = await world.call('/schedule', post(GOOD, headers));
  assert.is(created.status, 200);
  const task = (await created.json()) as { task_id: string };
  described(ajv, '/schedule', 'post', 200)(task);

  const placement = await world.client.get(PLACEMENTS, { namespace: NAMESPACE, name: task.task_id });
  assert.equal(placement.spec.resources, { cpu: 4, memory: '8192Mi' });

  const result = async (path = '/result') => {
    const answer = await world.call(`${path}/${task.task_id}`, { headers });
    assert.is(answer.status, 200);
    const body: unknown = await answer.json();
    described(ajv, `${path.split('?')[0]}/{task_id}`, 'get', 200)(body);
    return body;
  };
  assert.equal(await result(), { status: 'processing' });
  await bind(world.client, task.task_id, { phase: 'Unschedulable' });
  assert.equal(await result(), { status: 'failed', error: 'No available nodes' });
  await bind(world.client, task.task_id, { phase: 'Bound', nodeName: 'bm-001', address: '10.0.0.1' });
  const completed = { status: 'completed', result: { name: 'bm-001', ip: '10.0.0.1' } };
  assert.equal(await result(), completed);
  assert.equal(await result('/schedule'), completed);

  const gone = await world.call(`/schedule/${task.task_id}`, { method: 'DELETE', headers });
  assert.is(gone.status, 204);
  const missing = await world.call(`/result/${task.task_id}`, { headers });
  assert.is(missing.status, 404);
  described(ajv, '/result/{task_id}', 'get', 404)(await missing.json());
});

test("the cluster's own rules decide who may do what", async () => {
  await using world = await startWorld();
  const ajv = createAjv();
  const [scheduler, reader, nobody] = await Promise.all(
    ['scheduler', 'reader', 'nobody'].map((name) => world.token(name)),
  );
  const statusOf = async (init: RequestInit) => {
    const answer = await world.call('/schedule', init);
    const body: unknown = await answer.json();
    described(ajv, '/schedule', 'post', answer.status)(body);
    return answer.status;
  };
  assert.is(await statusOf(post(GOOD)), 401);
  assert.is(await statusOf(post(GOOD, bearer('wrong'))), 401);
  assert.is(await statusOf(post(GOOD, bearer(nobody!))), 403);
  assert.is(await statusOf(post(GOOD, bearer(reader!))), 403);
  const taken = await world.call('/schedule', post(GOOD, bearer(scheduler!)));
  const { task_id } = (await taken.json()) as { task_id: string };
  const read = (token: string) => world.call(`/result/${task_id}`, { headers: bearer(token) });
  assert.is((await read(reader!)).status, 200);
  assert.is((await read(nobody!)).status, 403);
});

test('the same key is the same task, and no other', async () => {
  await using world = await startWorld();
  const headers = { ...bearer(await world.token('scheduler')), 'idempotency-key': 'order-17' };
  const ids = await Promise.all(
    Array.from({ length: 20 }, async () => {
      const answer = await world.call('/schedule', post(GOOD, headers));
      return ((await answer.json()) as { task_id: string }).task_id;
    }),
  );
  assert.is(new Set(ids).size, 1);
  assert.is((await world.client.list(PLACEMENTS, { namespace: NAMESPACE })).items.length, 1);
  const other = await world.call('/schedule', post({ ...GOOD, requested_cpu: 8 }, headers));
  assert.is(other.status, 422);
  assert.is(((await other.json()) as { field: string }).field, 'Idempotency-Key');
});

test('a task that goes between two looks at it is made anew', async () => {
  const told = (status: number, reason: string) => new ApiError(status, reason, reason, { details: { name: 'x' } });
  const answers = [told(409, 'AlreadyExists'), told(404, 'NotFound'), undefined];
  const next = async () => {
    const error = answers.shift();
    if (error) throw error;
    return {} as Placement;
  };
  const placements = {
    with: () => ({ create: next, get: next, delete: async () => assert.unreachable() }),
    close: async () => undefined,
  };
  const limit = { perSecond: 100, burst: 100 };
  const options = { port: 0, placements, namespace: NAMESPACE, anonymous: true, limit, maxInFlight: 1 };
  const server = await startRestServer({ ...options, log: createLogRecorder() });
  try {
    const answer = await fetch(`${server.url}/schedule`, post(GOOD, { 'idempotency-key': 'k' }));
    assert.equal([answer.status, answers.length], [200, 0]);
  } finally {
    await server.close();
  }
});

test('what is wrong with a request is told, and nothing is made of it', async () => {
  await using world = await startWorld();
  const ajv = createAjv();
  const headers = bearer(await world.token('scheduler'));
  const refused = async (init: RequestInit) => {
    const answer = await world.call('/schedule', init);
    const body = (await answer.json()) as { field?: string; expected?: string; seen?: unknown };
    described(ajv, '/schedule', 'post', answer.status)(body);
    return { status: answer.status, ...body };
  };
  const negative = await refused(post({ ...GOOD, requested_cpu: -4 }, headers));
  assert.is(negative.status, 422);
  assert.equal([negative.field, negative.seen], ['requested_cpu', -4]);
  assert.match(negative.expected!, 'cores');
  assert.is((await refused(post('{"requested_cpu":', headers))).status, 400);
  assert.is((await refused(post(GOOD, { ...headers, 'content-type': 'text/plain' }))).status, 415);
  assert.is((await refused(post('x'.repeat(MOST_BYTES + 1), headers))).status, 413);
  const endless = new ReadableStream({
    pull(controller) {
      controller.enqueue(new Uint8Array(4096).fill(32));
    },
  });
  const cut = await world
    .call('/schedule', { ...post('', headers), body: endless, duplex: 'half' } as RequestInit)
    .then(
      ({ status }) => status,
      (error: unknown) => error,
    );
  assert.ok(cut === 413 || cut instanceof Error, 'a body without end is cut off');
  const method = await world.call('/schedule', { headers });
  assert.equal([method.status, method.headers.get('allow')], [405, 'POST']);
  assert.is((await world.call('/result/not-a-task', { headers })).status, 404);
  assert.is((await world.client.list(PLACEMENTS, { namespace: NAMESPACE })).items.length, 0);
});

test('who asks too often is told when to come again', async () => {
  await using world = await startWorld({ limit: { perSecond: 0.1, burst: 1 }, now: () => 0 });
  const headers = bearer(await world.token('scheduler'));
  assert.is((await world.call('/schedule', post(GOOD, headers))).status, 200);
  const refused = await world.call('/schedule', post(GOOD, headers));
  assert.is(refused.status, 429);
  assert.is(refused.headers.get('retry-after'), '10');
  const reader = bearer(await world.token('reader'));
  assert.is((await world.call('/result/00000000-0000-4000-8000-000000000000', { headers: reader })).status, 404);
});

test('anonymous callers are served on loopback when asked, under no other name', async () => {
  await using world = await startWorld({ anonymous: true });
  const taken = await world.call('/schedule', post(GOOD));
  assert.is(taken.status, 200);
  const { port } = new URL(world.url);
  const { request } = await import('node:http');
  const status = await new Promise((resolve, reject) => {
    const sent = request(
      { port, host: '127.0.0.1', path: '/result/x', headers: { host: 'evil.example' } },
      (answer) => {
        answer.resume();
        resolve(answer.statusCode);
      },
    );
    sent.on('error', reject);
    sent.end();
  });
  assert.is(status, 403);
});

test('nothing but loopback is served without a token, or without TLS', async () => {
  const placements = { with: () => assert.unreachable() as never, close: async () => undefined };
  const base = { port: 0, placements, namespace: 'x', limit: { perSecond: 1, burst: 1 }, maxInFlight: 1 };
  for (const [options, why] of [
    [{ host: '0.0.0.0', anonymous: true }, /loopback/],
    [{ host: '0.0.0.0' }, /TLS/],
  ] as const) {
    const failed = await startRestServer({ ...base, log: createLogRecorder(), ...options }).then(
      async (server) => server.close(),
      (error: Error) => error.message,
    );
    assert.match(String(failed), why);
  }
});

test('the documentation is served whole, from here alone', async () => {
  await using world = await startWorld();
  const page = await world.call('/docs');
  assert.is(page.status, 200);
  const html = await page.text();
  const links = [...html.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, link]) => link!);
  assert.ok(links.length >= 3);
  for (const link of links) {
    assert.ok(link.startsWith('/docs/'), link);
    assert.is((await world.call(link)).status, 200, link);
  }
  assert.equal(await (await world.call('/openapi.json')).json(), openapi({ anonymous: false }));
  for (const path of ['/docs/package.json', '/docs/../server.ts', '/docs/%2e%2e/x', '/nowhere']) {
    assert.is((await world.call(path)).status, 404, path);
  }
});

test.run();
