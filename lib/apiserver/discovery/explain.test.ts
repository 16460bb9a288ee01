// test-deadline: 300
// kubectl explain knows every field of every kind: built-in ones and those of crds/.
import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { load } from 'js-yaml';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { peerTest } from '../../testing/peers.ts';
import { BUILTIN } from '../builtin/builtin.ts';
import { Client } from '../conformance/client.ts';
import { resourceOf } from '../crd/definition.ts';
import type { KubeObject } from '../json.ts';
import { apiVersionOf, type Resource } from '../resources/resource.ts';
import type { Schema } from '../schema/schema.ts';
import { startApiServer } from '../server.ts';

const CRDS = new URL('../../../crds/', import.meta.url);
const DEFINITIONS = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';
const DEADLINE = 30_000;
const run = promisify(execFile);

/** Paths of all fields below, without those that every kind has. */
function fieldsOf(schema: Schema, path = ''): string[] {
  const inner =
    schema.items ?? (typeof schema.additionalProperties === 'object' ? schema.additionalProperties : undefined);
  if (inner) return fieldsOf(inner, path);
  return Object.entries(schema.properties ?? {})
    .filter(([name]) => path !== '' || !['apiVersion', 'kind', 'metadata'].includes(name))
    .flatMap(([name, property]) => [`${path}.${name}`, ...fieldsOf(property, `${path}.${name}`)]);
}

/** The same from what kubectl prints: two spaces more on each level. */
function explained(text: string): string[] {
  const lines = text.slice(text.indexOf('FIELDS:')).split('\n').slice(1);
  const path: string[] = [];
  const fields: string[] = [];
  for (const line of lines) {
    const match = /^( +)([^\s<]+)\s+</.exec(line);
    if (!match) continue;
    path.length = match[1]!.length / 2 - 1;
    path.push(match[2]!);
    if (!['apiVersion', 'kind', 'metadata'].includes(path[0]!)) fields.push(`.${path.join('.')}`);
  }
  return fields;
}

async function definitions(): Promise<KubeObject[]> {
  const files = (await readdir(CRDS)).filter((name) => name.endsWith('.yaml'));
  return Promise.all(files.map(async (name) => load(await readFile(new URL(name, CRDS), 'utf8')) as KubeObject));
}

async function established(client: Client, definition: KubeObject): Promise<void> {
  const created = await client.post(DEFINITIONS, definition as Parameters<Client['post']>[1]);
  assert.is(created.code, 201, created.text);
  const deadline = Date.now() + DEADLINE;
  const { group, plural, storage } = resourceOf(definition);
  while ((await client.get(`/apis/${group}/${storage.name}/${plural}`)).code !== 200) {
    assert.ok(Date.now() < deadline, `${plural} is not served`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

peerTest('kubectl', 'kubernetes-client')('kubectl explain --recursive shows every field of every kind', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'explain-'));
  const server = await startApiServer({ dir });
  const client = new Client(server.kubeconfigPath);
  const options = { env: { ...process.env, HOME: dir, KUBECONFIG: server.kubeconfigPath }, maxBuffer: 2 ** 24 };
  try {
    const own = await definitions();
    for (const definition of own) await established(client, definition);
    const kinds: Resource[] = [...BUILTIN.filter(({ review }) => !review), ...own.map((one) => resourceOf(one))];
    for (const { group, plural, storage } of kinds) {
      const version = apiVersionOf(group, storage.name);
      const { stdout } = await run('kubectl', ['explain', plural, '--api-version', version, '--recursive'], options);
      assert.equal(explained(stdout).sort(), fieldsOf(storage.schema).sort(), `${version} ${plural}`);
    }
  } finally {
    client.close();
    await server.close();
    await rm(dir, { recursive: true });
  }
});

test.run();
