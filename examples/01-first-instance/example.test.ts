// test-deadline: 300
// The example as people run it: `npm start` from nothing to a Running Instance and a bound Placement, and once more.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadAll } from 'js-yaml';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { startFleet } from '../../lib/sim/fleet.ts';
import { createLogRecorder } from '../../lib/testing/log-recorder.ts';

const MAIN = new URL('../../controllers/main.ts', import.meta.url).pathname;

async function bmp(...args: string[]): Promise<{ code: number | null; output: string }> {
  const child = spawn(process.execPath, [MAIN, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  child.stdout.on('data', (chunk) => (output += chunk));
  child.stderr.on('data', (chunk) => (output += chunk));
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, output };
}

test('npm start brings the example to Running and Bound, and the next one carries on', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'bmp-example-'));
  try {
    const first = await bmp('start', '--dir', dir, '--bmc-port', '0', '--exit-when-ready');
    assert.is(first.code, 0, first.output);
    assert.match(first.output, 'get devices -w');
    assert.match(first.output, /instance\/web-1 +Running/);
    const second = await bmp('start', '--dir', dir, '--bmc-port', '0', '--exit-when-ready');
    assert.is(second.code, 0, second.output);
    assert.not.match(second.output, 'write-image');
  } finally {
    rmSync(dir, { recursive: true });
  }
});

test('fleet.yaml is what the simulated fleet writes of itself', async () => {
  const fleet = await startFleet({ count: 8, basePort: 0, bootUrl: () => undefined, log: createLogRecorder() });
  try {
    // The ports are any free ones here, the usual ones in the file.
    let written = JSON.stringify(fleet.manifests());
    fleet.machines.forEach(({ name }, index) => {
      written = written.replaceAll(fleet.address(name), `ipmi://127.0.0.1:${6231 + index}`);
    });
    written = written.replaceAll(new URL(fleet.imageUrl('debian-12')).origin, 'http://127.0.0.1:6230');
    const file = loadAll(readFileSync(new URL('fleet.yaml', import.meta.url), 'utf8'));
    assert.equal(file, JSON.parse(written));
  } finally {
    await fleet.close();
  }
});

test('what is not understood is explained, with the exit code 2', async () => {
  const unknown = await bmp('start', '--fleet', 'many');
  assert.is(unknown.code, 2);
  assert.match(unknown.output, '--fleet takes a whole number from 1 to 10000, not "many"');
  assert.match(unknown.output, 'Usage: npm start');
  const together = await bmp('start', '--no-example', '--exit-when-ready');
  assert.is(together.code, 2);
});

test.run();
