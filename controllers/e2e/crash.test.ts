// test-deadline: 1500
// test-slow
// The whole process is killed with SIGKILL at random moments of a creation, and started again: the Instance ends Running,
// its image on one disk of one device, no second device was touched, none is claimed twice.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Device, Instance } from '../../lib/api/generated.ts';
import { DEVICES, INSTANCES } from '../../lib/api/resources.ts';
import { startApiServer } from '../../lib/apiserver/server.ts';
import { createClient } from '../../lib/kube/client.ts';
import { type JournalEntry, startFleet } from '../../lib/sim/fleet.ts';
import { createRandom } from '../../lib/testing/random.ts';

const ROUNDS = Number(process.env.CRASH_ROUNDS ?? 20);
/** Rounds at a time: most of each is waiting. */
const LANES = 3;
const SEED = Number(process.env.CRASH_SEED ?? 1);
const MAIN = new URL('../main.ts', import.meta.url).pathname;

function start(dir: string): { child: ChildProcess; output: () => string } {
  const child = spawn(
    process.execPath,
    [MAIN, 'start', '--dir', dir, '--fleet', '2', '--bmc-port', '0', '--exit-when-ready'],
    {
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  );
  let output = '';
  child.stdout.on('data', (chunk) => (output += chunk));
  child.stderr.on('data', (chunk) => (output += chunk));
  return { child, output: () => output };
}

interface Aftermath {
  readonly devices: readonly Device[];
  readonly instance: Instance;
  readonly record: readonly JournalEntry[];
}

/** What stands in the API and in the machines' own record once everything has been stopped. */
async function aftermath(dir: string): Promise<Aftermath> {
  const silent = { debug() {}, info() {}, warn() {}, error() {} };
  const server = await startApiServer({ dir });
  const client = createClient({ kubeconfig: server.kubeconfigPath });
  const fleet = await startFleet({ count: 2, dir: join(dir, 'fleet'), bootUrl: () => undefined, log: silent });
  try {
    const devices = (await client.list(DEVICES)).items;
    const instance = await client.get(INSTANCES, { name: 'web-1', namespace: 'default' });
    return { devices, instance, record: fleet.record() };
  } finally {
    await fleet.close();
    await client.close();
    await server.close();
  }
}

/** How long an undisturbed creation takes here and now: the span over which the kills are spread. */
async function undisturbed(): Promise<number> {
  const dir = mkdtempSync(join(tmpdir(), 'bmp-crash-'));
  const begun = performance.now();
  const { child, output } = start(dir);
  const [code] = (await once(child, 'exit')) as [number | null];
  rmSync(dir, { recursive: true });
  assert.is(code, 0, output());
  return performance.now() - begun;
}

function check({ devices, instance, record }: Aftermath, told: string): void {
  assert.is(instance.status?.phase, 'Running', told);
  const claimed = devices.filter(({ spec }) => spec.claimRef);
  assert.is(claimed.length, 1, `${told}: claims on ${claimed.map(({ metadata }) => metadata.name).join(', ')}`);
  const writes = record.filter(({ what }) => what === 'write-image' || what === 'write-seed');
  assert.equal(
    [...new Set(writes.map(({ machine }) => machine))],
    [claimed[0]!.metadata.name],
    `${told}: only the claimed machine was written to`,
  );
  assert.is(new Set(writes.map(({ disk }) => disk)).size, 1, `${told}: one disk`);
  assert.is(writes[0]!.disk, claimed[0]!.status?.installed?.diskSerialNumber, told);
  assert.ok(
    writes.some(({ what, detail }) => what === 'write-image' && detail === 'complete'),
    `${told}: the image was written whole`,
  );
  assert.is(
    record.some(({ what }) => what === 'wipe'),
    false,
    `${told}: nothing was wiped`,
  );
}

async function killed(dir: string, moment: number, told: string): Promise<void> {
  const first = start(dir);
  const timer = setTimeout(() => first.child.kill('SIGKILL'), moment);
  const [firstCode] = (await once(first.child, 'exit')) as [number | null];
  clearTimeout(timer);
  // Done before it could be killed: that is no failure, and is started once more all the same.
  assert.ok(firstCode === null || firstCode === 0, `${told}: ${first.output()}`);
  const second = start(dir);
  const [code] = (await once(second.child, 'exit')) as [number | null];
  assert.is(code, 0, `${told}: ${second.output()}`);
  check(await aftermath(dir), told);
}

test(`killed at a random moment of a creation, ${ROUNDS} times over`, async () => {
  const random = createRandom(SEED);
  const span = await undisturbed();
  let round = 0;
  const lane = async () => {
    while (round < ROUNDS) {
      const told = `seed ${SEED}, round ${++round}`;
      const moment = random() * span * 1.2;
      const dir = mkdtempSync(join(tmpdir(), 'bmp-crash-'));
      await killed(dir, moment, `${told}, killed after ${Math.round(moment)} ms`);
      rmSync(dir, { recursive: true });
    }
  };
  await Promise.all(Array.from({ length: LANES }, lane));
});

test.run();
