// Disks that are full or read-only, real ones: in a mount namespace of the server's own, which ends with it. Needs the right to make one.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Client } from '../conformance/client.ts';
import { asText, at, type JsonObject } from '../json.ts';

const SCRIPT = fileURLToPath(new URL('../main.ts', import.meta.url));
const MAPS = '/api/v1/namespaces/default/configmaps';
const FULL = 'mount -t tmpfs -o size=4m tmpfs "$1" && head -c 2500000 /dev/zero >"$1/ballast"';
const READ_ONLY = 'mount --bind "$1" "$1" && mount -o remount,bind,ro "$1"';

const possible = spawnSync('unshare', ['-m', 'mount', '-t', 'tmpfs', 'tmpfs', '/mnt']).status === 0;
if (!possible && process.env['CI'] === 'true') throw new Error('mount namespaces are not allowed here: run it as root');
const onDisk = (name: string, run: () => Promise<void>) => (possible ? test(name, run) : test.skip(name, run));

/** The server on a directory whose disk is prepared by a shell command; the process sees it, others through /proc. */
function serve(dir: string, prepare: string): ChildProcess {
  const command = `${prepare} && exec "$2" "$3" "$1"`;
  return spawn('unshare', ['-m', 'sh', '-c', command, 'sh', dir, process.execPath, SCRIPT], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

async function end(child: ChildProcess): Promise<number> {
  const ended = once(child, 'exit');
  child.kill('SIGTERM');
  return ((await ended) as [number])[0];
}

async function inDirectory(run: (dir: string) => Promise<void>): Promise<void> {
  const dir = await mkdtemp(join(tmpdir(), 'apiserver-disk-'));
  try {
    await run(dir);
  } finally {
    await rm(dir, { recursive: true });
  }
}

const map = (name: string) => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name },
  data: { text: 'x'.repeat(50_000) },
});
const namesIn = (list: JsonObject) =>
  (list['items'] as JsonObject[]).map((item) => asText(at(item, ['metadata', 'name'])));
const sorted = (names: string[]) => names.filter((name) => /^m\d/.test(name)).sort((a, b) => a.localeCompare(b));

onDisk('on a full disk writes fail and say why, reads go on, and with room again so do writes', () =>
  inDirectory(async (dir) => {
    const child = serve(dir, FULL);
    let complaints = '';
    child.stderr!.on('data', (chunk: Buffer) => {
      complaints += chunk.toString();
    });
    await once(child.stdout!, 'data');
    const inside = `/proc/${child.pid}/root${dir}`;
    const client = new Client(join(inside, 'kubeconfig'));
    const answered: string[] = [];
    let refused: JsonObject | undefined;
    for (let index = 0; index < 200 && !refused; index++) {
      const reply = await client.post(MAPS, map(`m${index}`));
      if (reply.code === 201) answered.push(`m${index}`);
      else refused = reply.body;
    }
    assert.is(refused?.['code'], 500);
    assert.match(asText(refused?.['message']), /state\.db: the disk is full/);
    assert.match(complaints, /the disk is full/);
    const kept = async () => sorted(namesIn((await client.get(MAPS)).body));
    assert.equal(await kept(), sorted(answered));
    await rm(join(inside, 'ballast'));
    assert.is((await client.post(MAPS, map('m999'))).code, 201);
    assert.equal(await kept(), sorted([...answered, 'm999']));
    client.close();
    assert.is(await end(child), 0);
  }),
);

onDisk('on a read-only disk it does not start, and says why', () =>
  inDirectory(async (dir) => {
    const first = serve(dir, 'true');
    await once(first.stdout!, 'data');
    const client = new Client(join(dir, 'kubeconfig'));
    assert.is((await client.post(MAPS, map('m1'))).code, 201);
    client.close();
    assert.is(await end(first), 0);
    const second = serve(dir, READ_ONLY);
    const [complaint, [code]] = await Promise.all([text(second.stderr!), once(second, 'exit')]);
    assert.is(code, 1);
    assert.match(complaint, /^cannot write .*state\.db: it is read-only\n$/);
    const third = serve(dir, 'true');
    await once(third.stdout!, 'data');
    const again = new Client(join(dir, 'kubeconfig'));
    assert.equal(sorted(namesIn((await again.get(MAPS)).body)), ['m1']);
    again.close();
    assert.is(await end(third), 0);
  }),
);

test.run();
