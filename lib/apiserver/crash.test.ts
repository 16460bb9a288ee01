// test-deadline: 300
// The server is killed with SIGKILL while many write: every answered write is there, revisions never go back, and watches that
// resume see each change once.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Client } from './conformance/client.ts';
import { at, type JsonObject } from './json.ts';

/** APISERVER_CRASHES=50 for the long run. */
const CRASHES = Number(process.env['APISERVER_CRASHES'] ?? 3);
const WRITERS = 48;
const MAPS = '/api/v1/namespaces/default/configmaps';
/** The namespace has objects of its own. */
const OURS = `${MAPS}?labelSelector=ledger%3Dyes`;

async function start(dir: string): Promise<ChildProcess> {
  const script = fileURLToPath(new URL('./main.ts', import.meta.url));
  const child = spawn(process.execPath, [script, dir], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [line] = (await once(child.stdout, 'data')) as [Buffer];
  assert.match(line.toString(), /^serving /);
  return child;
}

const versionOf = (object: JsonObject) => Number(at(object, ['metadata', 'resourceVersion']));
const keyOf = (object: JsonObject) => at(object, ['metadata', 'name']) as string;
const countOf = (object: JsonObject) => Number(at(object, ['data', 'count']));

/** What a writer was told: per object the last answered count and version. An unanswered write may or may not be there. */
type Ledger = Map<string, { count: number; version: number; unanswered: number | undefined }>;

/** Creates and updates its own object until the server is gone. */
async function write(client: Client, name: string, ledger: Ledger): Promise<void> {
  const known = ledger.get(name) ?? { count: 0, version: 0, unanswered: undefined };
  ledger.set(name, known);
  for (;;) {
    const count = known.count + 1;
    known.unanswered = count;
    const body = {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name, labels: { ledger: 'yes' } },
      data: { count: String(count) },
    };
    try {
      const first = known.count === 0;
      const reply = first ? await client.post(MAPS, body) : await client.put(`${MAPS}/${name}`, body);
      assert.ok(reply.code === 200 || reply.code === 201, reply.text);
      assert.ok(versionOf(reply.body) > known.version, 'a resourceVersion went back');
      Object.assign(known, { count, version: versionOf(reply.body), unanswered: undefined });
    } catch (error) {
      // The connection broke: the server was killed.
      if (typeof (error as NodeJS.ErrnoException).code === 'string' && (error as Error).name !== 'Assertion') return;
      throw error;
    }
  }
}

function check(list: JsonObject, ledger: Ledger): void {
  const items = list['items'] as JsonObject[];
  const found = new Map(items.map((item) => [keyOf(item), item]));
  for (const [name, known] of ledger) {
    const item = found.get(name);
    const actual = item ? countOf(item) : 0;
    const { count, unanswered } = known;
    assert.ok(actual === count || actual === unanswered, `${name}: ${count} was answered, ${actual} is there`);
    // Now it is known whether the unanswered write happened.
    Object.assign(known, { count: actual, unanswered: undefined });
  }
  const highest = Math.max(...[...ledger.values()].map(({ version }) => version));
  assert.ok(versionOf(list) >= highest, 'the list is older than an answered write');
}

/** Replays a watch from the last version seen on a copy of the state; each change once, in order, up to the list's version. */
async function resume(client: Client, state: Map<string, number>, from: number, list: JsonObject): Promise<number> {
  const items = list['items'] as JsonObject[];
  const last = Math.max(from, ...items.map(versionOf));
  const watch = await client.watch(`${OURS}&watch=1&resourceVersion=${from}`);
  let seen = from;
  while (seen < last) {
    const event = await watch.next();
    assert.ok(event, 'the watch ended early');
    const version = versionOf(event.object);
    assert.ok(version > seen, 'an event came twice or out of order');
    assert.is(event.type, state.has(keyOf(event.object)) ? 'MODIFIED' : 'ADDED');
    state.set(keyOf(event.object), countOf(event.object));
    seen = version;
  }
  watch.close();
  for (const item of items) assert.is(state.get(keyOf(item)), countOf(item), 'the watch missed a change');
  return seen;
}

test(`killed ${CRASHES} times under ${WRITERS} writers`, async () => {
  const dir = await mkdtemp(join(tmpdir(), 'apiserver-crash-'));
  const ledger: Ledger = new Map();
  const state = new Map<string, number>();
  let child = await start(dir);
  let client = new Client(join(dir, 'kubeconfig'));
  let from = versionOf((await client.get(OURS)).body);
  try {
    for (let crash = 0; crash < CRASHES; crash++) {
      const writers = Array.from({ length: WRITERS }, (_, index) => write(client, `w${index}`, ledger));
      // Until enough was answered that the kill hits writers at work, not at their start.
      const wanted = 200 * (crash + 1) + Math.floor(Math.random() * 300);
      const answered = () => [...ledger.values()].reduce((sum, { count }) => sum + count, 0);
      while (answered() < wanted) await new Promise((resolve) => setImmediate(resolve));
      const ended = once(child, 'exit');
      child.kill('SIGKILL');
      await Promise.all([...writers, ended]);
      client.close();
      child = await start(dir);
      client = new Client(join(dir, 'kubeconfig'));
      const { body } = await client.get(OURS);
      check(body, ledger);
      from = await resume(client, state, from, body);
    }
  } finally {
    client.close();
    const ended = once(child, 'exit');
    child.kill('SIGTERM');
    await ended;
    await rm(dir, { recursive: true });
  }
});

test.run();
