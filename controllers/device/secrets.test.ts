// test-deadline: 300
// Everything that a whole run writes, searched for the passwords that were in it: output, logs, statuses, events, the embedded
// server's files, a diagnostic report, and what the process list shows.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { OPERATOR_NAMESPACE } from '../../lib/api/names.ts';
import { DEVICE_INVENTORIES, DEVICES, INSTANCES, SECRETS, SITES } from '../../lib/api/resources.ts';
import { createClient, type KubeClient } from '../../lib/kube/client.ts';
import { events } from '../../lib/kube/events.ts';
import type { Resource } from '../../lib/kube/resource.ts';
import { eventually } from '../../lib/testing/eventually.ts';
import { tempDir } from '../../lib/testing/temp-dir.ts';

const MAIN = new URL('../main.ts', import.meta.url).pathname;
const WRONG = 'hunter2-Hunter2-9';
const RESTING: readonly unknown[] = ['Available', 'InUse'];
const PATIENCE = { deadlineMs: 120_000, everyMs: 200 };

const base64 = (text: string) => Buffer.from(text).toString('base64');

/** As it is, and as it would look in a Secret, a hex dump, or UTF-16. */
const formsOf = (secret: string): Buffer[] => [
  Buffer.from(secret),
  Buffer.from(base64(secret).replace(/=+$/, '')),
  Buffer.from(Buffer.from(secret).toString('hex')),
  Buffer.from(secret, 'utf16le'),
];

const shows = (bytes: Buffer, secrets: readonly string[]): boolean =>
  secrets.some((secret) => formsOf(secret).some((form) => bytes.includes(form)));

function assertClean(what: string, bytes: Buffer, secrets: readonly string[]): void {
  assert.not(shows(bytes, secrets), `${what} shows a password`);
}

async function passwordOf(client: KubeClient, device: string): Promise<string> {
  const secret = await client.get(SECRETS, { namespace: OPERATOR_NAMESPACE, name: `${device}-bmc` });
  return Buffer.from(secret.data!.password!, 'base64').toString();
}

const setPassword = (client: KubeClient, device: string, password: string) =>
  client.patch(
    SECRETS,
    { namespace: OPERATOR_NAMESPACE, name: `${device}-bmc` },
    { type: 'merge', body: { data: { password: base64(password) } } },
  );

/** Gives both BMCs new passwords, then one Secret a wrong one and the right one again. The passwords that were used. */
async function live(client: KubeClient): Promise<string[]> {
  const get = async (name: string) => (await client.get(DEVICES, { name })).status;
  const ready = async () => {
    const { items } = await client.list(DEVICES);
    const rest = items.filter(({ status }) => !status?.operation && RESTING.includes(status?.phase));
    return rest.length === 2 && rest.some(({ status }) => status?.phase === 'InUse') && rest;
  };
  const names = (await eventually(ready, PATIENCE)).map(({ metadata }) => metadata.name);
  for (const name of names) {
    const body = { spec: { requests: { rotatePassword: 'once' } } };
    await client.patch(DEVICES, { name }, { type: 'merge', body });
    await eventually(async () => (await get(name))?.requests?.rotatePassword?.result === 'Succeeded', PATIENCE);
  }
  const passwords = await Promise.all(names.map((name) => passwordOf(client, name)));
  const [first] = names;
  await setPassword(client, first!, WRONG);
  await eventually(async () => (await get(first!))?.error?.code === 'BadCredentials', PATIENCE);
  await setPassword(client, first!, passwords[0]!);
  await eventually(async () => (await get(first!))?.error === undefined, PATIENCE);
  return [...passwords, WRONG];
}

async function objects(client: KubeClient): Promise<string> {
  const kinds = [DEVICES, DEVICE_INVENTORIES, INSTANCES, SITES, events] as Resource[];
  const lists = await Promise.all(kinds.map((resource) => client.list(resource)));
  assert.ok(lists[0]!.items.length === 2 && lists[4]!.items.length > 0);
  return JSON.stringify(lists);
}

test('no password is in anything that a run writes', async () => {
  await using folder = await tempDir('secrets-');
  const dir = join(folder.path, 'bmp');
  const reports = join(folder.path, 'reports');
  await mkdir(reports);
  const flags = ['--report-on-signal', '--report-signal=SIGUSR2', `--report-directory=${reports}`];
  const args = [...flags, MAIN, 'start', '--dir', dir, '--fleet', '2', '--bmc-port', '0'];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  const ended = once(child, 'exit');
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (piece) => (output += String(piece)));
  try {
    await eventually(() => output.includes('kubectl --kubeconfig'), PATIENCE);
    const client = createClient({ kubeconfig: join(dir, 'kubeconfig') });
    const secrets = await live(client);
    child.kill('SIGUSR2');
    await eventually(async () => (await readdir(reports)).length > 0, PATIENCE);
    for (const file of ['cmdline', 'environ']) {
      assertClean(file, readFileSync(`/proc/${child.pid}/${file}`), secrets);
    }
    assertClean('the API', Buffer.from(await objects(client)), secrets);
    await client.close();
    child.kill('SIGINT');
    await ended;
    assertClean('the output', Buffer.from(output), secrets);
    const written = await readdir(folder.path, { recursive: true, withFileTypes: true });
    const files = written.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
    assert.ok(files.some((file) => file.endsWith('operator.log')) && files.some((file) => file.includes('report')));
    // The simulated BMCs keep their own passwords, as real ones do: what is searched for would be found.
    const isOfBmcs = (file: string) => file.includes('fleet.db');
    const kept = Buffer.concat(files.filter(isOfBmcs).map((file) => readFileSync(file)));
    assert.ok(shows(kept, secrets.slice(0, 1)));
    for (const file of files.filter((each) => !isOfBmcs(each))) assertClean(file, readFileSync(file), secrets);
  } finally {
    child.kill('SIGKILL');
    await ended;
  }
});

test.run();
