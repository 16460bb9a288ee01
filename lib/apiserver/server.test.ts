// The server as a whole: what it keeps over a restart, and that nobody else gets in.
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Client } from './conformance/client.ts';
import { at } from './json.ts';
import { startApiServer } from './server.ts';

async function inDirectory(run: (dir: string) => Promise<void>): Promise<void> {
  const dir = await mkdtemp(join(tmpdir(), 'apiserver-'));
  try {
    await run(dir);
  } finally {
    await rm(dir, { recursive: true });
  }
}

const configMap = (name: string) => ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name }, data: { a: 'b' } });
const MAPS = '/api/v1/namespaces/default/configmaps';

test('objects, port and credentials are kept over a restart', () =>
  inDirectory(async (dir) => {
    const first = await startApiServer({ dir });
    const client = new Client(first.kubeconfigPath);
    const created = await client.post(MAPS, configMap('kept'));
    assert.is(created.code, 201);
    await first.close();
    const second = await startApiServer({ dir });
    assert.is(second.url, first.url);
    assert.is(second.caCertificate, first.caCertificate);
    const again = await client.get(`${MAPS}/kept`);
    assert.equal(again.body, created.body);
    client.close();
    await second.close();
  }));

test('a directory has one server at a time', () =>
  inDirectory(async (dir) => {
    const server = await startApiServer({ dir });
    try {
      await startApiServer({ dir });
      assert.unreachable('a second server started');
    } catch (error) {
      assert.match((error as Error).message, /another API server is using/);
    }
    await server.close();
  }));

test('without a valid token only health and version are answered', () =>
  inDirectory(async (dir) => {
    const server = await startApiServer({ dir });
    const client = new Client(server.kubeconfigPath);
    for (const path of ['/healthz', '/livez', '/readyz', '/version']) {
      assert.is((await client.call(path, { token: '' })).code, 200, path);
    }
    for (const token of ['', 'wrong']) {
      for (const path of ['/api', '/apis', '/api/v1/namespaces', '/openapi/v2', '/snapshot', '/nowhere']) {
        const refused = await client.call(path, { token });
        assert.is(refused.code, 401, path);
        assert.is(refused.body['reason'], 'Unauthorized');
      }
    }
    client.close();
    await server.close();
  }));

test('only who may do anything gets a snapshot, or puts one back', () =>
  inDirectory(async (dir) => {
    const server = await startApiServer({ dir });
    const client = new Client(server.kubeconfigPath);
    for (const method of ['GET', 'PUT']) {
      const refused = await client.call('/snapshot', { method, headers: { 'Impersonate-User': 'jane' } });
      assert.is(refused.code, 403, method);
      assert.match(refused.text, /cannot (get|put) path/);
    }
    assert.is((await client.call('/snapshot', { method: 'DELETE' })).code, 405);
    client.close();
    await server.close();
  }));

test('keys, tokens and kubeconfig are for their owner alone', () =>
  inDirectory(async (dir) => {
    const server = await startApiServer({ dir });
    for (const name of [
      'kubeconfig',
      'admin.token',
      'state.db',
      'state.db-wal',
      'state.db.key',
      'pki/ca.key',
      'pki/sa.key',
      'pki/server.key',
    ]) {
      assert.is((await stat(join(dir, name))).mode & 0o777, 0o600, name);
    }
    await server.close();
  }));

test('a watch tells every change in order and resumes where it ended', () =>
  inDirectory(async (dir) => {
    const server = await startApiServer({ dir });
    const client = new Client(server.kubeconfigPath);
    const { body } = await client.get(MAPS);
    const version = at(body, ['metadata', 'resourceVersion']) as string;
    // The namespace's own map, which holds the authority's certificate, may come at any moment.
    const follow = (from: string) =>
      client.watch(`${MAPS}?watch=1&fieldSelector=metadata.name%3Done&resourceVersion=${from}`);
    const watch = await follow(version);
    await client.post(MAPS, configMap('one'));
    await client.patch(`${MAPS}/one`, 'merge', { data: { a: 'c' } });
    await client.delete(`${MAPS}/one`);
    const events = await watch.take(3);
    watch.close();
    const shape = events.map(({ type, object }) => [type, at(object, ['data', 'a'])]);
    assert.equal(shape, [
      ['ADDED', 'b'],
      ['MODIFIED', 'c'],
      ['DELETED', 'c'],
    ]);
    const from = at(events[0]!.object, ['metadata', 'resourceVersion']) as string;
    const resumed = await follow(from);
    assert.equal(await resumed.take(2), events.slice(1));
    resumed.close();
    client.close();
    await server.close();
  }));

test.run();
