// Events are kept for an hour after their last write, over restarts too.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Client } from '../conformance/client.ts';
import { startApiServer } from '../server.ts';

const EVENTS = '/api/v1/namespaces/default/events';
const MINUTE = 60_000;
const DEADLINE = 20_000;

const event = (name: string) => ({
  apiVersion: 'v1',
  kind: 'Event',
  metadata: { name, namespace: 'default' },
  involvedObject: { kind: 'Namespace', name: 'default', namespace: 'default' },
  reason: 'Tried',
  type: 'Normal',
});

test('an hour after their last write events are gone', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'events-'));
  let clock = Date.now();
  const start = () => startApiServer({ dir, now: () => clock });
  try {
    let server = await start();
    let client = new Client(server.kubeconfigPath);
    await client.post(EVENTS, event('old'));
    await client.post(EVENTS, event('kept'));
    clock += 50 * MINUTE;
    await client.patch(`${EVENTS}/kept`, 'merge', { count: 2, lastTimestamp: new Date(clock).toISOString() });
    client.close();
    await server.close();
    clock += 20 * MINUTE;
    server = await start();
    client = new Client(server.kubeconfigPath);
    const deadline = Date.now() + DEADLINE;
    while ((await client.get(`${EVENTS}/old`)).code !== 404) {
      assert.ok(Date.now() < deadline, 'the old event is still there');
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    assert.is((await client.get(`${EVENTS}/kept`)).code, 200);
    client.close();
    await server.close();
  } finally {
    await rm(dir, { recursive: true });
  }
});

test.run();
