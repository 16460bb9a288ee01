// test-deadline: 240
// Requests that mean harm: each gets a clear refusal and costs the server about what an honest request of its size costs.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect, type TLSSocket } from 'node:tls';
import { fileURLToPath } from 'node:url';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { eventually } from '../../testing/eventually.ts';
import { readKubeconfig } from '../certs/kubeconfig.ts';
import { Client, type Reply } from '../conformance/client.ts';
import { prepare } from '../conformance/runner.ts';
import { Target } from '../conformance/target.ts';
import { asText, at } from '../json.ts';
import { type ApiServer, startApiServer } from '../server.ts';
import { LIMITS } from './in-flight.ts';

const MAPS = '/api/v1/namespaces/default/configmaps';
const CRDS = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';
const WIDGETS = '/apis/conformance.bmp.dev/v1/namespaces/default/widgets';
const YAML = { 'Content-Type': 'application/yaml' };

async function inDirectory(run: (dir: string) => Promise<void>): Promise<void> {
  const dir = await mkdtemp(join(tmpdir(), 'apiserver-'));
  try {
    await run(dir);
  } finally {
    await rm(dir, { recursive: true });
  }
}

/** A server as a process of its own, so that its CPU time is its own. */
async function withProcess(run: (client: Client, child: ChildProcess) => Promise<void>): Promise<void> {
  await inDirectory(async (dir) => {
    const script = fileURLToPath(new URL('../main.ts', import.meta.url));
    const child = spawn(process.execPath, [script, dir], { stdio: ['ignore', 'pipe', 'inherit'] });
    await once(child.stdout, 'data');
    const target = new Target(join(dir, 'kubeconfig'));
    await prepare(target);
    try {
      await run(target.core, child);
    } finally {
      target.close();
      const ended = once(child, 'exit');
      child.kill('SIGTERM');
      await ended;
    }
  });
}

/** Seconds of CPU that a process has used (proc(5), in ticks of 10 ms). */
async function cpuOf({ pid }: ChildProcess): Promise<number> {
  const fields = (await readFile(`/proc/${pid}/stat`, 'utf8')).split(') ')[1]!.split(' ');
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

const map = (data: string) => `{"apiVersion":"v1","kind":"ConfigMap","metadata":{"generateName":"m-"},"data":${data}}`;
const nested = (depth: number) => `${'['.repeat(depth)}${']'.repeat(depth)}`;
const laughs = Array.from({ length: 30 }, (_, index) => `a${index + 1}: &a${index + 1} [${`*a${index},`.repeat(9)}]`);
const manyKeys = Array.from({ length: 200_000 }, (_, index) => `"k${index}":"v"`).join(',');

const post =
  (body: string, headers = {}) =>
  (client: Client) =>
    client.post(MAPS, body, headers);
const get = (query: string) => (client: Client) => client.get(`${MAPS}?${query}`);
const patch = (type: string, body: string) => (client: Client) => client.patch(`${WIDGETS}/victim`, type, body);

interface Attack {
  readonly what: string;
  readonly codes: readonly number[];
  readonly send: (client: Client) => Promise<Reply>;
}

const ATTACKS: readonly Attack[] = [
  { what: 'a body nested a million deep', codes: [400], send: post(nested(1_000_000)) },
  { what: 'an object nested a thousand deep', codes: [400], send: post(map(nested(1000))) },
  { what: 'YAML nested a million deep', codes: [400], send: post(nested(1_000_000), YAML) },
  { what: 'YAML sequences of sequences', codes: [400], send: post('- '.repeat(500_000), YAML) },
  { what: 'aliases of aliases', codes: [400], send: post(`a0: &a0 [x]\n${laughs.join('\n')}\n`, YAML) },
  { what: 'an alias of itself', codes: [400], send: post('a: &a [*a,*a,*a,*a]\n', YAML) },
  { what: 'a JSON text that stops', codes: [400], send: post('{"a":'.repeat(500_000)) },
  { what: 'a JSON text of quotes', codes: [400], send: post('"\\'.repeat(1_400_000)) },
  { what: 'a YAML text of anchors', codes: [400], send: post('&'.repeat(2_900_000), YAML) },
  { what: 'a YAML text of keys', codes: [400], send: post('? '.repeat(1_400_000), YAML) },
  { what: 'a key __proto__', codes: [400], send: post(map('{"__proto__":{"polluted":"yes"}}')) },
  {
    what: 'a key __proto__ in YAML',
    codes: [400],
    send: post('metadata: {name: x}\n__proto__: {polluted: "yes"}\n', YAML),
  },
  { what: 'a merge patch of __proto__', codes: [400], send: patch('merge', '{"__proto__":{"polluted":"yes"}}') },
  {
    what: 'a JSON patch of __proto__',
    codes: [422],
    send: patch('json', '[{"op":"add","path":"/__proto__/polluted","value":"yes"}]'),
  },
  {
    what: 'copies of copies',
    codes: [422],
    send: patch(
      'json',
      JSON.stringify([
        { op: 'add', path: '/spec/free', value: { text: 'x'.repeat(1000) } },
        ...Array.from({ length: 60 }, (_, index) => ({ op: 'copy', from: '/spec/free', path: `/spec/free/c${index}` })),
      ]),
    ),
  },
  {
    what: 'more operations than a patch may have',
    codes: [413],
    send: patch(
      'json',
      JSON.stringify(Array.from({ length: 10_001 }, () => ({ op: 'test', path: '/kind', value: 'Widget' }))),
    ),
  },
  { what: 'a body over 3 MiB', codes: [413], send: post(map(`{"a":"${'x'.repeat(3 * 2 ** 20)}"}`)) },
  { what: 'two hundred thousand fields of no meaning', codes: [400, 422], send: post(`{"data":"x",${manyKeys}}`) },
  { what: 'a selector of five thousand terms', codes: [400], send: get(`labelSelector=${'a!%3Db,'.repeat(2000)}(`) },
  { what: 'a selector of parentheses', codes: [400], send: get(`labelSelector=a+in+${'('.repeat(14_000)}`) },
  { what: 'a field selector of backslashes', codes: [400], send: get(`fieldSelector=${'%5C'.repeat(4500)}`) },
  { what: 'a head over 16 KiB', codes: [431], send: get(`labelSelector=${'a,'.repeat(20_000)}`) },
  { what: 'a forged continue token', codes: [400, 410], send: get(`limit=1&continue=${'A'.repeat(12_000)}`) },
];

test('harmful requests are refused, and cost what honest ones cost', () =>
  withProcess(async (client, child) => {
    const widget = { apiVersion: 'conformance.bmp.dev/v1', kind: 'Widget', metadata: { name: 'victim' }, spec: {} };
    assert.is((await client.post(WIDGETS, widget)).code, 201);
    const honest = map(`{"a":"${'x'.repeat(2_900_000)}"}`);
    for (let warm = 0; warm < 3; warm++) assert.is((await client.post(MAPS, honest)).code, 201);
    const before = await cpuOf(child);
    for (let count = 0; count < 5; count++) await client.post(MAPS, honest);
    const price = Math.max(0.02, ((await cpuOf(child)) - before) / 5);
    for (const { what, codes, send } of ATTACKS) {
      const start = await cpuOf(child);
      const { code, text } = await send(client);
      const cost = (await cpuOf(child)) - start;
      assert.ok(codes.includes(code), `${what}: ${code} ${text.slice(0, 300)}`);
      assert.ok(text.length < 50_000, `${what}: an answer of ${text.length} characters`);
      assert.ok(cost < 20 * price, `${what}: ${cost} s of CPU, an honest request ${price} s`);
    }
    assert.is((await client.get('/readyz')).code, 200);
  }));

test('patterns that others backtrack on match in linear time', () =>
  withProcess(async (client, child) => {
    const bombs = [
      { pattern: '^(a+)+$', value: `${'a'.repeat(50_000)}!` },
      { pattern: '^(a|aa)*b$', value: 'a'.repeat(50_000) },
    ];
    for (const [index, { pattern, value }] of bombs.entries()) {
      const names = { plural: `bombs${index}`, singular: `bomb${index}`, kind: `Bomb${index}` };
      const spec = { type: 'object', properties: { text: { type: 'string', pattern } } };
      const schema = { openAPIV3Schema: { type: 'object', properties: { spec } } };
      const created = await client.post(CRDS, {
        apiVersion: 'apiextensions.k8s.io/v1',
        kind: 'CustomResourceDefinition',
        metadata: { name: `${names.plural}.hostile.bmp.dev` },
        spec: {
          group: 'hostile.bmp.dev',
          scope: 'Cluster',
          names,
          versions: [{ name: 'v1', served: true, storage: true, schema }],
        },
      });
      assert.is(created.code, 201, created.text);
      const path = `/apis/hostile.bmp.dev/v1/${names.plural}`;
      const { body } = await client.get(`${CRDS}/${names.plural}.hostile.bmp.dev`);
      const watch = await client.watch(
        `${CRDS}?watch=1&resourceVersion=${asText(at(body, ['metadata', 'resourceVersion']))}`,
      );
      while ((await client.get(path)).code !== 200) assert.ok(await watch.next());
      watch.close();
      const start = await cpuOf(child);
      const refused = await client.post(path, {
        apiVersion: 'hostile.bmp.dev/v1',
        kind: names.kind,
        metadata: { name: 'x' },
        spec: { text: value },
      });
      assert.is(refused.code, 422, refused.text.slice(0, 300));
      assert.ok((await cpuOf(child)) - start < 1, pattern);
    }
  }));

async function raw(server: ApiServer, text: string): Promise<TLSSocket> {
  const socket = connect({ host: '127.0.0.1', port: server.port, ca: server.caCertificate });
  await once(socket, 'secureConnect');
  socket.write(text, 'latin1');
  return socket;
}

async function answerOf(socket: TLSSocket): Promise<string> {
  let text = '';
  for await (const chunk of socket) text += (chunk as Buffer).toString();
  return text;
}

test('slow senders are cut off with 408, in the head and in the body, and bytes that are no text with 400', () =>
  inDirectory(async (dir) => {
    const limits = { ...LIMITS, headMilliseconds: 400, wholeMilliseconds: 800 };
    const server = await startApiServer({ dir, limits });
    const { token } = readKubeconfig(await readFile(server.kubeconfigPath, 'utf8'));
    const head = `POST ${MAPS} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${token}\r\n`;
    const slow = [`${head}X-More: `, `${head}Content-Type: application/json\r\nContent-Length: 1000\r\n\r\n{"a"`];
    for (const text of slow) assert.match(await answerOf(await raw(server, text)), /^HTTP\/1\.1 408 /);
    assert.match(await answerOf(await raw(server, 'nonsense\r\n\r\n')), /^HTTP\/1\.1 400 /);
    const bytes = `${head}Content-Type: application/json\r\nConnection: close\r\nContent-Length: 3\r\n\r\n"\xff"`;
    assert.match(await answerOf(await raw(server, bytes)), /^HTTP\/1\.1 400 .*not valid UTF-8/s);
    await server.close();
  }));

test('beyond the limits requests get 429 and are told when to come back; watches are counted apart', () =>
  inDirectory(async (dir) => {
    const server = await startApiServer({ dir, limits: { ...LIMITS, short: 2, watches: 1 } });
    const { token } = readKubeconfig(await readFile(server.kubeconfigPath, 'utf8'));
    const client = new Client(server.kubeconfigPath);
    const head = `Host: x\r\nAuthorization: Bearer ${token}\r\nContent-Type: application/json\r\nContent-Length: 10\r\n\r\n`;
    // Counted as soon as their head is there.
    const slow = await Promise.all(
      [1, 2].map(() => raw(server, `POST ${MAPS} HTTP/1.1\r\nExpect: 100-continue\r\n${head}`)),
    );
    await Promise.all(slow.map((socket) => once(socket, 'data')));
    const refused = await client.get(MAPS);
    assert.is(refused.code, 429);
    assert.is(refused.headers['retry-after'], '1');
    assert.is(refused.body['reason'], 'TooManyRequests');
    assert.is((await client.get('/livez')).code, 200);
    const watch = await client.watch(`${MAPS}?watch=1`);
    assert.is(watch.code, 200);
    assert.is((await client.watch(`${MAPS}?watch=1`)).code, 429);
    watch.close();
    for (const socket of slow) socket.destroy();
    await eventually(async () => (await client.get(MAPS)).code === 200);
    client.close();
    await server.close();
  }));

test.run();
