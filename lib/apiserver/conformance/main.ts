// npm run conformance: runs the cases on a server and compares with what a real kube-apiserver answered.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { startApiServer } from '../server.ts';
import { compareOutcomes } from './compare.ts';
import { DIFFERENCES } from './differences.ts';
import { readExpected, writeExpected } from './expected.ts';
import { GROUPS } from './groups.ts';
import { prepare, runCase } from './runner.ts';
import { Target } from './target.ts';

const usage = `Usage: npm run conformance -- [options] [part of a case's name ...]

  --target embedded          the embedded server, started for this run (the default)
  --kubeconfig FILE          a server that runs already
  --custom-kubeconfig FILE   where that one serves custom resources, if elsewhere
  --model core|custom        only cases with this model
  --record                   write the answers down as the expected ones`;

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      target: { type: 'string', default: 'embedded' },
      kubeconfig: { type: 'string' },
      'custom-kubeconfig': { type: 'string' },
      model: { type: 'string' },
      record: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) {
    console.log(usage);
    return 0;
  }
  const dir = values.kubeconfig ? undefined : await mkdtemp(join(tmpdir(), 'conformance-'));
  const server = dir ? await startApiServer({ dir, log: (line) => console.error(line) }) : undefined;
  const target = new Target(values.kubeconfig ?? server!.kubeconfigPath, values['custom-kubeconfig']);
  let failed = 0;
  let passed = 0;
  try {
    await prepare(target);
    for (const group of GROUPS) {
      const expected = await readExpected(group.name);
      for (const one of group.cases) {
        const name = `${group.name}: ${one.name}`;
        if (values.model && one.model !== values.model) continue;
        if (positionals.length > 0 && !positionals.some((part) => name.includes(part))) continue;
        const outcomes = await runCase(target, one);
        if (values.record) {
          expected[one.name] = outcomes;
          continue;
        }
        const problems = compareOutcomes(name, expected[one.name], outcomes, server ? DIFFERENCES : []);
        if (problems.length === 0) passed++;
        else {
          failed++;
          console.log(`FAIL ${name}`);
          for (const problem of problems) console.log(`     ${problem}`);
        }
      }
      if (values.record) {
        const known = Object.fromEntries(
          group.cases.flatMap(({ name }) => (expected[name] ? [[name, expected[name]]] : [])),
        );
        await writeExpected(group.name, known);
      }
    }
  } finally {
    target.close();
    await server?.close();
    if (dir) await rm(dir, { recursive: true });
  }
  console.log(`${passed} passed, ${failed} failed`);
  return failed > 0 ? 1 : 0;
}

if (import.meta.main) process.exitCode = await main();
