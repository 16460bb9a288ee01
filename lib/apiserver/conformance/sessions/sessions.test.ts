// test-deadline: 400
// The machine's kubectl prints on the embedded server what it prints on a real cluster.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { findProgram, peerTest } from '../../../testing/peers.ts';
import { startApiServer } from '../../server.ts';
import { prepare } from '../runner.ts';
import { Target } from '../target.ts';
import { COMMANDS } from './commands.ts';
import { compareSessions } from './compare.ts';
import { readSession } from './expected.ts';
import { normaliseText } from './normalise.ts';
import { accessFrom, runSession, versionOf } from './session.ts';

const kubectl = findProgram('kubectl');
const version = kubectl && (await versionOf(kubectl));
const recorded = version ? await readSession(version) : undefined;
if (version && !recorded) {
  const why = `nobody recorded what kubectl ${version} prints`;
  if (process.env['CI'] === 'true') throw new Error(why);
  console.log(`skipped: ${why}`);
}

const define = kubectl && !recorded ? (name: string) => test.skip(name) : peerTest('kubectl', 'kubernetes-client');
define('the machine’s kubectl prints what it prints on a real cluster', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'sessions-'));
  const server = await startApiServer({ dir });
  const target = new Target(server.kubeconfigPath);
  try {
    await prepare(target);
    const spoken = await runSession(kubectl!, await accessFrom(server.kubeconfigPath), target.core, COMMANDS);
    const results = compareSessions(recorded!, spoken);
    assert.equal(
      results.filter(({ problems }) => problems.length > 0),
      [],
    );
  } finally {
    target.close();
    await server.close();
    await rm(dir, { recursive: true });
  }
});

test('what differs from run to run becomes words, and nothing else', () => {
  const places = { namespace: 'ns-1', directory: '/tmp/x', server: 'https://127.0.0.1:6443' };
  const text = [
    'NAME   AGE',
    'one    5m30s',
    'resourceVersion: "17"',
    'uid: 01234567-89ab-cdef-0123-456789abcdef in ns-1',
    'at 2031-01-01T00:00:00Z, then 2001-01-01T00:00:00Z',
    'size: 5 of https://127.0.0.1:6443',
  ].join('\n');
  assert.equal(normaliseText(text, places).split('\n'), [
    'NAME  AGE',
    'one  <age>',
    'resourceVersion: "<version>"',
    'uid: <uid> in <namespace>',
    'at <time>, then 2001-01-01T00:00:00Z',
    'size: 5 of <server>',
  ]);
});

test.run();
