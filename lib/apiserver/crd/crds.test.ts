// The product's own definitions come into force here as on a cluster.
import { readFileSync } from 'node:fs';
import { glob, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { load } from 'js-yaml';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Client } from '../conformance/client.ts';
import type { JsonObject } from '../json.ts';
import { startApiServer } from '../server.ts';

test('every definition in crds/ is established without a warning', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'apiserver-'));
  const server = await startApiServer({ dir });
  const client = new Client(server.kubeconfigPath);
  try {
    const definitions = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';
    const watch = await client.watch(`${definitions}?watch=1`);
    const files: string[] = [];
    for await (const file of glob('crds/*.yaml')) files.push(file);
    assert.ok(files.length > 0);
    const waiting = new Set<unknown>();
    for (const file of files) {
      const definition = load(readFileSync(file, 'utf8')) as JsonObject;
      const reply = await client.post(`${definitions}?fieldValidation=Strict`, definition);
      assert.is(reply.code, 201, `${file}: ${reply.text}`);
      assert.is(reply.headers['warning'], undefined, file);
      waiting.add((definition['metadata'] as JsonObject)['name']);
    }
    while (waiting.size > 0) {
      const event = await watch.next();
      assert.ok(event);
      const established = JSON.stringify(event.object['status']).includes('"reason":"InitialNamesAccepted"');
      if (established) waiting.delete((event.object['metadata'] as JsonObject)['name']);
    }
    watch.close();
  } finally {
    client.close();
    await server.close();
    await rm(dir, { recursive: true });
  }
});

test.run();
