// What a folder holds is read at rest, and only as a whole.
import { mkdir, open, rename, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { tempDir } from '../testing/temp-dir.ts';
import { readFolder, UnreadableFolder } from './folder.ts';

const secret = (name: string) => `apiVersion: v1\nkind: Secret\nmetadata: {name: ${name}}\n`;
const atOnce = async () => {};

async function names(folder: string): Promise<string[]> {
  const { manifests } = await readFolder(folder, undefined, atOnce);
  return manifests.map(({ object, place }) => `${place.file} ${object.metadata.name}`);
}

async function refused(reading: Promise<unknown>): Promise<string> {
  try {
    await reading;
  } catch (error) {
    if (error instanceof UnreadableFolder) return error.message;
    throw error;
  }
  return assert.unreachable('was read') as never;
}

test('YAML and JSON, in folders below too; nothing hidden, nothing of editors, no other files', async () => {
  await using dir = await tempDir();
  for (const folder of ['sub', '.git']) await mkdir(join(dir.path, folder));
  for (const file of [
    'b.yml',
    'a.yaml',
    'sub/c.yaml',
    '.a.yaml.swp',
    '.git/d.yaml',
    'a.yaml~',
    '4913',
    '#a.yaml#',
    'README.md',
  ])
    await writeFile(join(dir.path, file), secret('x'));
  await writeFile(join(dir.path, 'c.json'), '{"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "j"}}');
  await symlink(join(dir.path, 'a.yaml'), join(dir.path, 'd.yaml'));
  assert.equal(await names(dir.path), ['a.yaml x', 'b.yml x', 'c.json j', 'd.yaml x', 'sub/c.yaml x']);
});

test("kustomize's own file is a problem: what it would make of the others is not known", async () => {
  await using dir = await tempDir();
  await writeFile(join(dir.path, 'kustomization.yaml'), 'resources: []\n');
  const { problems } = await readFolder(dir.path, undefined, atOnce);
  assert.match(problems[0]?.message ?? '', 'kubectl kustomize');
});

test('a folder that is gone, a link that leads nowhere, a link to a folder: nothing is known', async () => {
  await using dir = await tempDir();
  const folder = join(dir.path, 'sub');
  assert.match(await refused(readFolder(folder, undefined, atOnce)), 'cannot be read as a whole');
  await mkdir(folder);
  await symlink('/nowhere/a.yaml', join(folder, 'a.yaml'));
  assert.match(await refused(readFolder(folder, undefined, atOnce)), 'cannot be read as a whole');
  await rm(join(folder, 'a.yaml'));
  await symlink(dir.path, join(folder, 'loop'));
  assert.match(await refused(readFolder(folder, undefined, atOnce)), 'a link to a folder');
});

test('a file that is being written is waited for', async () => {
  await using dir = await tempDir();
  const file = await open(join(dir.path, 'a.yaml'), 'w');
  let written = 0;
  const writing = async () => {
    if (written < 8) await file.write(`${written > 0 ? '---\n' : ''}${secret(`s${written++}`)}`);
  };
  try {
    assert.is((await readFolder(dir.path, undefined, writing)).manifests.length, 8);
  } finally {
    await file.close();
  }
});

test('truncated and written anew, or replaced by another file of its name: as it is then', async () => {
  await using dir = await tempDir();
  const path = join(dir.path, 'a.yaml');
  await writeFile(path, secret('old'));
  await truncate(path, 0);
  const steps = [() => writeFile(path, secret('n')), () => writeFile(path, secret('new'))];
  const writing = async () => steps.shift()?.();
  assert.is((await readFolder(dir.path, undefined, writing)).manifests[0]?.object.metadata.name, 'new');
  await writeFile(join(dir.path, '.a.yaml.tmp'), secret('newer'));
  await rename(join(dir.path, '.a.yaml.tmp'), path);
  assert.equal(await names(dir.path), ['a.yaml newer']);
});

test('a folder that never comes to rest is not read', async () => {
  await using dir = await tempDir();
  let count = 0;
  const writing = () => writeFile(join(dir.path, 'a.yaml'), secret(`s${count++}`));
  await writing();
  assert.match(await refused(readFolder(dir.path, undefined, writing)), 'does not come to rest');
});

test.run();
