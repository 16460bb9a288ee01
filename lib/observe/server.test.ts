import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { createLogRecorder } from '../testing/log-recorder.ts';
import { createMetricsRegistry } from './metrics.ts';
import { type ObserveServerOptions, startObserveServer } from './server.ts';

async function serve(options: Partial<ObserveServerOptions> = {}) {
  const log = createLogRecorder();
  const server = await startObserveServer({
    port: 0,
    log,
    healthy: () => true,
    ready: () => true,
    metrics: createMetricsRegistry(),
    ...options,
  });
  return {
    log,
    port: server.port,
    async get(path: string, headers: Record<string, string> = {}) {
      const response = await fetch(`http://127.0.0.1:${server.port}${path}`, { headers });
      return { status: response.status, body: await response.text() };
    },
    [Symbol.asyncDispose]: () => server.close(),
  };
}

test('probes follow what the process says of itself', async () => {
  const is = { healthy: true, ready: false };
  await using server = await serve({ healthy: () => is.healthy, ready: () => is.ready });
  const statuses = async () => [(await server.get('/healthz')).status, (await server.get('/readyz')).status];
  assert.equal(await statuses(), [200, 503]);
  is.ready = true;
  assert.equal(await statuses(), [200, 200]);
  is.healthy = false;
  assert.equal(await statuses(), [503, 503]);
});

test('metrics are there for all where nobody is asked', async () => {
  await using server = await serve();
  const { status, body } = await server.get('/metrics');
  assert.is(status, 200);
  assert.match(body, /^process_resident_memory_bytes \d+/m);
});

test('with authorisation only those who may read metrics, and probes stay open', async () => {
  await using server = await serve({ authorize: async (token) => token === 'prometheus' });
  const as = (authorization: string) => server.get('/metrics', { authorization });
  assert.is((await server.get('/metrics')).status, 401);
  assert.is((await as('Basic eDp5')).status, 401);
  assert.is((await as('Bearer someone')).status, 403);
  assert.is((await as('Bearer prometheus')).status, 200);
  assert.is((await server.get('/healthz')).status, 200);
});

test('when nobody can say who may, nobody may', async () => {
  const authorize = () => Promise.reject(new Error('the API server is away'));
  await using server = await serve({ authorize });
  assert.is((await server.get('/metrics', { authorization: 'Bearer prometheus' })).status, 503);
  assert.is(server.log.lines.length, 1);
});

test('anything else is not found, and nothing can be written', async () => {
  await using server = await serve();
  assert.is((await server.get('/')).status, 404);
  const response = await fetch(`http://127.0.0.1:${server.port}/metrics`, { method: 'POST' });
  assert.is(response.status, 405);
});

test('a port that is taken is said so', async () => {
  await using server = await serve();
  const error: unknown = await serve({ port: server.port }).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  assert.is((error as NodeJS.ErrnoException).code, 'EADDRINUSE');
});

test.run();
