// Backups through the command line's parts: of a running server, of a stopped one, and onto a new machine.
import { appendFile, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Client } from '../apiserver/conformance/client.ts';
import { at } from '../apiserver/json.ts';
import { startApiServer } from '../apiserver/server.ts';
import { backup, restore } from './snapshot.ts';

const SECRETS = '/api/v1/namespaces/default/secrets';
const MAPS = '/api/v1/namespaces/default/configmaps';
const secret = {
  apiVersion: 'v1',
  kind: 'Secret',
  metadata: { name: 'bmc' },
  stringData: { password: 'hunter2-hunter2' },
};
const map = (value: string) => ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'map' }, data: { value } });

async function inDirectory(run: (dir: string) => Promise<void>): Promise<void> {
  const dir = await mkdtemp(join(tmpdir(), 'snapshot-'));
  try {
    await run(dir);
  } finally {
    await rm(dir, { recursive: true });
  }
}

async function withServer(dir: string, run: (client: Client) => Promise<void>): Promise<void> {
  const server = await startApiServer({ dir });
  const client = new Client(server.kubeconfigPath);
  try {
    await run(client);
  } finally {
    client.close();
    await server.close();
  }
}

async function refusal(work: Promise<unknown>): Promise<string> {
  return work.then(
    () => '',
    (error: Error) => error.message,
  );
}

const valueIn = async (client: Client) => at((await client.get(`${MAPS}/map`)).body, ['data', 'value']);

test('a running server is backed up and restored under a watch', () =>
  inDirectory(async (dir) => {
    const file = join(dir, 'backup.db');
    await withServer(join(dir, 'state'), async (client) => {
      await client.post(SECRETS, secret);
      const { body } = await client.post(MAPS, map('before'));
      const { keys, revision, objects } = await backup(join(dir, 'state'), file);
      assert.is(keys.length, 1);
      assert.ok(objects > 10);
      assert.ok(revision >= Number(at(body, ['metadata', 'resourceVersion'])));
      assert.is((await stat(file)).mode & 0o777, 0o600);
      const content = await readFile(file);
      assert.not.ok(content.includes(Buffer.from('hunter2-hunter2').toString('base64')));
      const changed = await client.put(`${MAPS}/map`, map('after'));
      await client.delete(`${SECRETS}/bmc`);
      const from = Number(at(changed.body, ['metadata', 'resourceVersion']));
      const watch = await client.watch(`${MAPS}?watch=1&fieldSelector=metadata.name%3Dmap&resourceVersion=${from}`);
      const { created, updated } = await restore(join(dir, 'state'), file);
      assert.is(created, 1);
      assert.ok(updated >= 1);
      const event = await watch.next();
      watch.close();
      assert.is(event?.type, 'MODIFIED');
      assert.is(at(event?.object, ['data', 'value']), 'before');
      assert.ok(Number(at(event?.object, ['metadata', 'resourceVersion'])) > from);
      assert.is(await valueIn(client), 'before');
      const again = await client.get(`${SECRETS}/bmc`);
      assert.is(Buffer.from(at(again.body, ['data', 'password']) as string, 'base64').toString(), 'hunter2-hunter2');
    });
  }));

test('a stopped one too, and a new machine, once it has the key', () =>
  inDirectory(async (dir) => {
    const [old, fresh, file] = [join(dir, 'old'), join(dir, 'fresh'), join(dir, 'backup.db')];
    let version = 0;
    await withServer(old, async (client) => {
      await client.post(SECRETS, secret);
      const { body } = await client.post(MAPS, map('before'));
      version = Number(at(body, ['metadata', 'resourceVersion']));
    });
    await backup(old, file);
    assert.match(
      await refusal(restore(fresh, file)),
      /cannot be restored: .*encrypted with key [0-9a-f]{16}, which is not in/,
    );
    await appendFile(join(fresh, 'state.db.key'), await readFile(join(old, 'state.db.key')));
    await restore(fresh, file);
    await withServer(fresh, async (client) => {
      assert.is(await valueIn(client), 'before');
      const watch = await client.watch(`${MAPS}?watch=1&resourceVersion=${version}`);
      const event = await watch.next();
      watch.close();
      // Versions of the lost server mean nothing here.
      assert.is(event?.object['code'], 410);
      assert.is((await client.get(`${SECRETS}/bmc`)).code, 200);
    });
  }));

test('what is no backup changes nothing, and an old backup outlives a failed one', () =>
  inDirectory(async (dir) => {
    const [state, file] = [join(dir, 'state'), join(dir, 'backup.db')];
    await writeFile(file, 'a shopping list, long enough to be looked at\n'.repeat(100));
    await withServer(state, async (client) => {
      await client.post(MAPS, map('before'));
      assert.match(await refusal(restore(state, file)), /cannot be restored/);
      assert.is(await valueIn(client), 'before');
    });
    assert.match(await refusal(restore(state, join(dir, 'nowhere'))), /there is no/);
    assert.match(await refusal(backup(join(dir, 'nowhere'), file)), /holds no API server's state/);
    assert.match(await readFile(file, 'utf8'), /^a shopping list/);
  }));

test.run();
