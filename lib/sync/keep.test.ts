// test-deadline: 240
// Syncing while files are written, servers go and come back, and processes are killed.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { open, rename, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { SECRETS, SITES } from '../api/resources.ts';
import { eventually } from '../testing/eventually.ts';
import { secret, site, type World, world } from './fixtures.ts';
import { keepSynced, syncOnce } from './keep.ts';

const MAIN = new URL('../../controllers/main.ts', import.meta.url).pathname;
const never = new AbortController().signal;

const sites = async ({ client }: World) => (await client.list(SITES)).items.map(({ metadata }) => metadata.name).sort();
const become = (w: World, ...names: string[]) =>
  eventually(async () => JSON.stringify(await sites(w)) === JSON.stringify(names), { what: `sites ${names.join()}` });

/** Keeps the folder synced while `act` goes on. */
async function during(w: World, lines: string[], act: () => Promise<void>, pruneAfterMs = 0): Promise<void> {
  const stop = new AbortController();
  const keeping = keepSynced(w.keep(lines, { pruneAfterMs }), stop.signal);
  try {
    await act();
  } finally {
    stop.abort();
    await keeping;
  }
}

test('files that come, are truncated, replaced, moved and written piece by piece: in the end the cluster is as they are', async () => {
  await using w = await world();
  const path = (file: string) => join(w.path, file);
  await w.write('a.yaml', site('a'));
  const lines: string[] = [];
  await during(w, lines, async () => {
    await become(w, 'a');
    // An editor's way: a swap file, a backup, a new file under the old name.
    await writeFile(path('.a.yaml.swp'), 'junk: [');
    await writeFile(path('a.yaml~'), site('junk'));
    await writeFile(path('.new'), site('a') + site('b'));
    await rename(path('.new'), path('a.yaml'));
    await become(w, 'a', 'b');
    const file = await open(path('slow.yaml'), 'w');
    const text = site('c') + site('d');
    try {
      for (let at = 0; at < text.length; at += 40) await file.write(text.slice(at, at + 40));
    } finally {
      await file.close();
    }
    await become(w, 'a', 'b', 'c', 'd');
    await truncate(path('slow.yaml'), 0);
    await writeFile(path('slow.yaml'), site('d'));
    await become(w, 'a', 'b', 'd');
    await rename(path('slow.yaml'), path('moved.yaml'));
    await writeFile(path('half.yaml'), site('e').slice(0, 60));
    await eventually(() => lines.some((line) => line.startsWith('half.yaml:')));
    await writeFile(path('half.yaml'), site('e'));
    await become(w, 'a', 'b', 'd', 'e');
    await rm(path('a.yaml'));
    await become(w, 'd', 'e');
  });
  assert.equal(
    lines.filter((line) => line.includes('junk')),
    [],
  );
});

test('a file on its way to another name takes nothing away', async () => {
  await using w = await world();
  await w.write('a.yaml', site('a'));
  await w.write('b.yaml', site('b'));
  const lines: string[] = [];
  const HOUR_MS = 3_600_000;
  await during(
    w,
    lines,
    async () => {
      await become(w, 'a', 'b');
      await rename(join(w.path, 'b.yaml'), join(w.path, '.b'));
      await w.write('a.yaml', site('a') + site('c'));
      await become(w, 'a', 'b', 'c');
      await rename(join(w.path, '.b'), join(w.path, 'd.yaml'));
      await w.write('a.yaml', site('a') + site('c') + site('e'));
      await become(w, 'a', 'b', 'c', 'e');
    },
    HOUR_MS,
  );
  assert.equal(
    lines.filter((line) => line.includes('deleted, as')),
    [],
  );
});

test('what is changed in the cluster is put back, with nobody touching a file', async () => {
  await using w = await world();
  await w.write('a.yaml', site('a') + secret('bmc', 'hunter2'));
  const lines: string[] = [];
  await during(w, lines, async () => {
    await become(w, 'a');
    await w.client.delete(SITES, { name: 'a' });
    await become(w, 'a');
    const name = { name: 'bmc', namespace: 'default' };
    const mine = Buffer.from('hunter2').toString('base64');
    await eventually(() => w.client.get(SECRETS, name));
    await w.client.patch(SECRETS, name, { type: 'merge', body: { data: { password: 'c3dvcmRmaXNo' } } });
    await eventually(async () => (await w.client.get(SECRETS, name)).data?.['password'] === mine);
    await eventually(() => lines.includes('Secret/default/bmc drifted, put back: data.password'));
  });
  assert.not.match(lines.join('\n'), /hunter2|swordfish|c3dvcmRmaXNo|aHVudGVyMg/);
});

test('a folder that vanishes takes nothing away, and goes on when it is back', async () => {
  await using w = await world();
  await w.write('a.yaml', site('a'));
  const lines: string[] = [];
  await during(w, lines, async () => {
    await become(w, 'a');
    await rename(w.path, `${w.path}.away`);
    await eventually(() => lines.some((line) => line.endsWith('nothing is applied, nothing is pruned')));
    assert.equal(await sites(w), ['a']);
    await rename(`${w.path}.away`, w.path);
    await w.write('b.yaml', site('b'));
    await become(w, 'a', 'b');
  });
});

test('a server that is away is waited for, and said once', async () => {
  await using w = await world();
  await w.write('a.yaml', site('a'));
  const lines: string[] = [];
  await during(w, lines, async () => {
    await become(w, 'a');
    await w.restart(async () => {
      await w.write('b.yaml', site('b'));
      await eventually(() => lines.some((line) => line.endsWith('tried again until the server answers')));
    });
    await become(w, 'a', 'b');
  });
});

test('killed between applying and pruning, or anywhere else: the next one finishes it', async () => {
  await using w = await world();
  const args = [
    'sync',
    w.path,
    '--kubeconfig',
    w.kubeconfig,
    '--name',
    'one',
    '--prune-after',
    '3600',
    '--resync',
    '1',
  ];
  await w.write('a.yaml', site('old') + site('kept'));
  const run = () => {
    const child = spawn(process.execPath, [MAIN, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
    let output = '';
    child.stdout.on('data', (chunk) => (output += String(chunk)));
    return { child, said: (text: string) => eventually(() => output.includes(text), { what: text }) };
  };
  const first = run();
  try {
    await first.said('2 objects: 2 created');
    await w.write('a.yaml', site('kept') + site('new'));
    // Applied, and not pruned yet.
    await first.said('Site/new created');
  } finally {
    first.child.kill('SIGKILL');
    await once(first.child, 'exit');
  }
  const lines: string[] = [];
  assert.is(await syncOnce(w.keep(lines), never), true);
  assert.equal(await sites(w), ['kept', 'new']);
});

test.run();
