// test-deadline: 600
// The command line as people use it: processes of their own, on an embedded platform, judged by what they print and how they exit.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { load } from 'js-yaml';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Device } from '../../lib/api/generated.ts';
import { DEVICES, INSTANCES, NAMESPACES, type Secret, SITES } from '../../lib/api/resources.ts';
import { startApiServer } from '../../lib/apiserver/server.ts';
import { createClient } from '../../lib/kube/client.ts';
import type { KubeObject } from '../../lib/kube/resource.ts';
import { peerTest } from '../../lib/testing/peers.ts';
import { startScriptedServer } from '../../lib/testing/scripted-server.ts';
import { tempDir } from '../../lib/testing/temp-dir.ts';
import { instanceNamed, startPlatform } from './platform.ts';

const MAIN = new URL('../main.ts', import.meta.url).pathname;

interface Ended {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** Runs `bmp` with nobody at the terminal. */
async function bmp(args: readonly string[], kubeconfig?: string): Promise<Ended> {
  const env = { ...process.env, ...(kubeconfig !== undefined && { KUBECONFIG: kubeconfig }) };
  const child = spawn(process.execPath, [MAIN, ...args], { stdio: ['ignore', 'pipe', 'pipe'], env });
  const [out, err, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'exit')]);
  return { code: code as number, out, err };
}

test('every command explains itself, and what it does not understand it says', async () => {
  const { code, out } = await bmp(['help']);
  assert.is(code, 0);
  const commands = [...out.matchAll(/^ {2}([a-z-]+) {2,}\S/gm)].map(([, name]) => name!);
  assert.ok(commands.includes('start') && commands.includes('describe'));
  await Promise.all(
    commands.map(async (name) => {
      const help = await bmp([name, '--help']);
      assert.is(help.code, 0, name);
      assert.match(help.out, /^Usage: /, name);
    }),
  );
  const wrong = await Promise.all(
    [['fly'], ['power', 'sideways', 'web-1'], ['restart'], ['restart', 'device/x'], ['get', '--colour']].map((args) =>
      bmp(args, '/dev/null'),
    ),
  );
  for (const { code: exit, err } of wrong) assert.is(exit, 2, err);
  assert.match(wrong[1]!.err, /takes on or off first, not "sideways"/);
});

test('a reader that went away is no reason for a stack trace', async () => {
  const child = spawn(process.execPath, [MAIN, 'help'], { stdio: ['ignore', 'pipe', 'pipe'] });
  child.stdout.destroy();
  const [err, [code]] = await Promise.all([text(child.stderr), once(child, 'exit')]);
  assert.is(err, '');
  assert.is(code, 141);
});

/** What a shell offers that has read its script, with a `bmp` that knows two devices. */
async function completed(shell: string, source: string, args: (script: string) => readonly string[]): Promise<string> {
  await using dir = await tempDir();
  const fake = join(dir.path, 'bmp');
  await writeFile(fake, '#!/bin/sh\n[ "$*" = "get devices -o name" ] && printf "device/r1-01\\ndevice/r1-02\\n"\n', {
    mode: 0o755,
  });
  const script = join(dir.path, 'completion');
  await writeFile(script, source);
  const env = { ...process.env, PATH: `${dir.path}:${process.env.PATH}` };
  const child = spawn(shell, args(script), { stdio: ['ignore', 'pipe', 'pipe'], env });
  const [out, err] = await Promise.all([text(child.stdout), text(child.stderr)]);
  assert.is(err, '', shell);
  return out;
}

const OFFERED: readonly (readonly [line: string, offered: readonly string[]])[] = [
  ['re', ['reinstall', 'reset-password', 'reset-status', 'rest', 'restart', 'restore']],
  ['maintenance o', ['off', 'on']],
  ['maintenance on r1', ['r1-01', 'r1-02']],
  ['collect r1', ['r1-01', 'r1-02']],
  ['restart --w', ['--wait']],
];

test('bash completes commands, their words, names and options', async () => {
  const { out: source } = await bmp(['completion', 'bash']);
  for (const [line, offered] of OFFERED) {
    const words = ['bmp', ...line.split(' ')];
    const asked = `COMP_WORDS=(${words.join(' ')}); COMP_CWORD=${words.length - 1}; _bmp; printf '%s\\n' "\${COMPREPLY[@]}"`;
    const out = await completed('bash', source, (script) => ['--norc', '-c', `source ${script}; ${asked}`]);
    assert.equal(out.trim().split('\n').toSorted(), offered, line);
  }
});

peerTest('fish', 'fish')('fish completes commands, their words, names and options', async () => {
  const { out: source } = await bmp(['completion', 'fish']);
  for (const [line, offered] of OFFERED) {
    const out = await completed('fish', source, (script) => [
      '--no-config',
      '-c',
      `source ${script}; complete -C 'bmp ${line}'`,
    ]);
    const words = out
      .trim()
      .split('\n')
      .map((word) => word.split('\t')[0]!);
    assert.equal(words.toSorted(), offered, line);
  }
});

peerTest('zsh', 'zsh')('zsh completes commands, their words, names and options', async () => {
  const { out: source } = await bmp(['completion', 'zsh']);
  // Its completion needs a terminal: what it would offer is taken down where it is handed over.
  const capture = `compadd() { shift; print -l -- \${(M)@:#\${PREFIX}*} }
    _describe() { compadd -- \${offered%%:*} }
    compdef() { : }`;
  for (const [line, offered] of OFFERED) {
    const words = ['bmp', ...line.split(' ')];
    const asked = `words=(${words.join(' ')}); CURRENT=${words.length}; PREFIX=${words.at(-1)}; _bmp`;
    const out = await completed('zsh', source, (script) => ['-f', '-c', `${capture}; source ${script}; ${asked}`]);
    assert.equal(out.trim().split('\n').toSorted(), offered, line);
  }
});

test('an instance is stopped, restarted and reinstalled, and the history tells it', async () => {
  const platform = await startPlatform({ count: 1 });
  const run = (...args: readonly string[]) => bmp(args, platform.kubeconfig);
  try {
    await platform.importFleet();
    await platform.create(INSTANCES, instanceNamed('web-1'));
    await platform.until('the instance to run', () => platform.instance('web-1')?.status?.phase === 'Running');
    const device = platform.instance('web-1')!.status!.deviceName!;

    const off = await run('power', 'off', 'web-1', '--wait');
    assert.is(off.code, 0, off.err);
    assert.match(off.out, /instance\/web-1: Stopped\n$/);
    assert.is(platform.instance('web-1')?.status?.phase, 'Stopped');
    const restart = await run('restart', 'web-1', '--wait');
    assert.is(restart.code, 1, 'what is off is not restarted before it is turned on');
    assert.match(restart.out, /waits until it is to be on: bmp power on web-1/);
    assert.is((await run('power', 'on', 'web-1', '--wait')).code, 0);
    await platform.until('that restart to be done', () => {
      const { phase, requests } = platform.instance('web-1')!.status!;
      return phase === 'Running' && requests?.restart?.result === 'Succeeded';
    });
    const cycles = platform.device(device)!.status!.history!.filter(({ kind }) => kind === 'Restart');
    assert.equal(cycles, [], 'its start was the restart');

    const stuck = await run('reset-password', 'instance', 'web-1', '--wait');
    assert.is(stuck.code, 1, stuck.out);
    assert.match(stuck.out, /failed: SecretNotFound: spec\.rootPasswordRef names no Secret/);
    const taken = await run('cancel', 'web-1', '--wait');
    assert.is(taken.code, 0, taken.out + taken.err);
    assert.is(platform.instance('web-1')?.status?.phase, 'Running');

    const unconfirmed = await run('reinstall', 'web-1', '--wait');
    assert.is(unconfirmed.code, 1);
    assert.match(unconfirmed.err, /Everything on the system disk of web-1 is lost.*: say --yes/);
    assert.not(platform.instance('web-1')?.spec.requests?.reinstall);
    const reinstalled = await run('reinstall', 'web-1', '--yes', '--wait');
    assert.is(reinstalled.code, 0, reinstalled.err);
    assert.match(reinstalled.out, /\d+% {2}write-image/);

    const machine = platform.fleet.machine(device);
    const wipes = () => platform.fleet.record().filter(({ what }) => what === 'wipe').length;
    assert.is(wipes(), 0, 'other disks stay as they are');
    const emptied = await run('reinstall', 'web-1', '--disks', 'all', '--yes', '--wait');
    assert.is(emptied.code, 0, emptied.err);
    assert.is(wipes(), machine.disks.length, 'unless told otherwise');

    const told = await run('describe', 'instance/web-1', `device/${device}`);
    for (const part of ['Running for', 'debian-12', 'History:', 'Events:', 'Serial number:', 'Hardware:'])
      assert.ok(told.out.includes(part), `${part}:\n${told.out}`);
    const one = JSON.parse((await run('describe', `device/${device}`, '-o', 'json')).out) as Record<string, KubeObject>;
    assert.equal([one.object?.kind, one.inventory?.kind], ['Device', 'DeviceInventory']);
    const both = load((await run('describe', 'web-1', `device/${device}`, '-o', 'yaml')).out) as (typeof one)[];
    assert.equal(
      both.map(({ object }) => object?.metadata.name),
      ['web-1', device],
    );
    assert.is(both[0]?.device?.metadata.name, device, 'an Instance with its Device');
    const done = await run('history', 'instance/web-1');
    for (const kind of ['Create', 'Stop', 'Start', 'Reinstall', 'ReinstallWiped'])
      assert.match(done.out, new RegExp(`${kind} +default/web-1 +(\\S+ +)?\\S+ +Succeeded`));
    const asJson = JSON.parse((await run('history', 'instance/web-1', '-o', 'json')).out) as { kind: string }[];
    assert.equal(asJson.map(({ kind }) => kind).at(-1), 'Create');
    // Who asked: the user that the server takes the command line for.
    const stop = platform.audited.find(({ kind }) => kind === 'Stop');
    const { instance, result, askedBy } = stop!;
    assert.equal({ instance, result }, { instance: 'default/web-1', result: 'Succeeded' });
    assert.ok(askedBy);
    assert.match(done.out, new RegExp(`Stop +default/web-1 +${askedBy} `));
    const created = platform.audited.find(({ kind }) => kind === 'Create');
    assert.is(created?.askedBy, undefined, 'nobody told who created it');

    const held = await run('collect', device, '--wait');
    assert.is(held.code, 1, held.out);
    assert.match(held.out, /waits until instance default\/web-1 gives the device back/);
    assert.is((await run('maintenance', 'on', device, '--reason', 'fan', '--wait')).code, 0);
    assert.is(platform.device(device)?.status?.phase, 'Maintenance');
    assert.is((await run('maintenance', 'off', device, '--wait')).code, 0);

    assert.match((await run('get', 'dev')).out, new RegExp(device), 'kinds by the names that kubectl knows');
    assert.is((await run('get', 'devices', '-o', 'name')).out, `device/${device}\n`);
    const listed = JSON.parse((await run('get', '-o', 'json')).out) as { items: { kind: string }[] };
    assert.equal(listed.items.map(({ kind }) => kind).sort(), ['Device', 'Instance']);
    const missing = await run('describe', 'web-2');
    assert.is(missing.code, 1);
    assert.match(missing.err, /there is no instance "web-2" in namespace default/);
  } finally {
    await platform.close();
  }
});

test('a backup is taken of a running server, and its objects come back as they were', async () => {
  await using dir = await tempDir();
  const [at, file] = [join(dir.path, 'api'), join(dir.path, 'monday.db')];
  const server = await startApiServer({ dir: at });
  const client = createClient({ kubeconfig: server.kubeconfigPath });
  const namespace = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'kept' } };
  try {
    await client.create(NAMESPACES, namespace);
    const taken = await bmp(['backup', file, '--dir', at]);
    assert.is(taken.code, 0, taken.err);
    await client.delete(NAMESPACES, namespace.metadata);
    const restored = await bmp(['restore', file, '--dir', at]);
    assert.is(restored.code, 0, restored.err);
    assert.match(restored.out, /\d+ objects created/);
    assert.not((await client.get(NAMESPACES, namespace.metadata)).metadata.deletionTimestamp);
  } finally {
    await client.close();
    await server.close();
  }
});

test('a spreadsheet is imported whole or not at all, and importing it again changes nothing', async () => {
  const platform = await startPlatform({ count: 1 });
  await using dir = await tempDir();
  const file = join(dir.path, 'machines.csv');
  const run = (...args: readonly string[]) => bmp(args, platform.kubeconfig);
  const devices = async () => (await platform.client.list(DEVICES)).items;
  try {
    const [machine] = platform.fleet.machines;
    const manifests = platform.fleet.manifests() as unknown as (Device & Secret)[];
    const { bootMACAddress } = manifests.find(({ kind }) => kind === 'Device')!.spec;
    const login = manifests.find(({ kind }) => kind === 'Secret') as { stringData?: Record<string, string> } & Secret;
    const { username, password } = login.stringData as { username: string; password: string };
    const row = ['r1-01', platform.fleet.address(machine!.name), username, password, bootMACAddress, 'lab'];
    const header = 'name,bmc address,bmc username,bmc password,boot mac,site';
    await writeFile(file, `${header}\n${row.join(',')}\n`);

    const refused = await run('import', file);
    assert.is(refused.code, 1);
    assert.match(refused.err, /line 2, site: there is no Site "lab"/);
    assert.equal(await devices(), []);

    await platform.create(SITES, { metadata: { name: 'lab' }, spec: { region: 'here' } });
    const dry = await run('import', file, '--dry-run');
    assert.match(dry.out, /device\/r1-01 created \(dry run\)/);
    assert.equal(await devices(), []);

    const first = await run('import', file);
    assert.is(first.code, 0, first.err);
    assert.match(first.out, /1 machines: 1 created/);
    await platform.until('the machine to be collected', () => platform.device('r1-01')?.status?.phase === 'Imported');
    assert.match((await run('import', file)).out, /1 machines: 1 unchanged/);

    await writeFile(file, `${header}\n${row.join(',').replace('r1-01', 'm-2')}\n`);
    const clash = await run('import', file);
    assert.is(clash.code, 1);
    assert.match(clash.err, /line 2, boot mac: is that of device "r1-01", which is there already/);
    for (const { out, err } of [refused, dry, first, clash]) assert.not.ok((out + err).includes(password));
  } finally {
    await platform.close();
  }
});

test('an import ends when the server is gone, and says what was not tried', async () => {
  await using dir = await tempDir();
  const file = join(dir.path, 'machines.csv');
  const rows = Array.from({ length: 40 }, (_, index) => {
    const number = String(index + 10);
    return `m-${number},ipmi://192.0.2.${number},52:54:00:00:00:${number},lab`;
  });
  await writeFile(file, ['name,bmc address,boot mac,site', ...rows].join('\n'));
  let asked = 0;
  await using server = await startScriptedServer(({ path }, answer) => {
    if (path.endsWith('/sites/lab')) return answer.json({ metadata: { name: 'lab' }, spec: {} });
    if (path.endsWith('/devices'))
      return answer.json({ kind: 'DeviceList', metadata: { resourceVersion: '1' }, items: [] });
    asked++;
    return answer.reset();
  });
  const { code, out, err } = await bmp(['import', file], server.kubeconfig);
  assert.is(code, 1);
  assert.is(asked, 16, err);
  assert.match(err, /the server does not answer any more: import the file again/);
  assert.match(out, /40 machines: 16 failed, 24 not tried\n$/);
});

test.run();
