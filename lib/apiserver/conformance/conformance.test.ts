// test-deadline: 300
// The embedded server answers every case as a real kube-apiserver did.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { startApiServer } from '../server.ts';
import { DIFFERENCES } from './differences.ts';
import { GROUPS } from './groups.ts';
import { replay } from './replay.ts';
import { prepare } from './runner.ts';
import { Target } from './target.ts';

test('all cases', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'conformance-'));
  const server = await startApiServer({ dir });
  const target = new Target(server.kubeconfigPath);
  try {
    await prepare(target);
    const done = await replay(target, GROUPS, DIFFERENCES);
    const problems = done.flatMap(({ group, name, problems: found }) =>
      found.map((problem) => `${group}: ${name}\n  ${problem}`),
    );
    assert.equal(problems, []);
  } finally {
    target.close();
    await server.close();
    await rm(dir, { recursive: true });
  }
});

test.run();
