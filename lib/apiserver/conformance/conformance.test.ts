// test-deadline: 300
// The embedded server answers every case as a real kube-apiserver did.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { startApiServer } from '../server.ts';
import { compareOutcomes } from './compare.ts';
import { DIFFERENCES } from './differences.ts';
import { readExpected } from './expected.ts';
import { GROUPS } from './groups.ts';
import { prepare, runCase } from './runner.ts';
import { Target } from './target.ts';

/** Cases are independent of each other; more at a time only make the machine busier. */
const AT_A_TIME = 8;

test('all cases', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'conformance-'));
  const server = await startApiServer({ dir });
  const target = new Target(server.kubeconfigPath);
  try {
    await prepare(target);
    const queue = GROUPS.flatMap((group) => group.cases.map((one) => ({ group: group.name, one })));
    const problems: string[] = [];
    const work = async () => {
      for (let next = queue.shift(); next; next = queue.shift()) {
        const name = `${next.group}: ${next.one.name}`;
        const expected = (await readExpected(next.group))[next.one.name];
        const found = compareOutcomes(name, expected, await runCase(target, next.one), DIFFERENCES);
        problems.push(...found.map((problem) => `${name}\n  ${problem}`));
      }
    };
    await Promise.all(Array.from({ length: AT_A_TIME }, work));
    assert.equal(problems, []);
  } finally {
    target.close();
    await server.close();
    await rm(dir, { recursive: true });
  }
});

test.run();
