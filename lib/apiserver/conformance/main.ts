// npm run conformance: runs the cases on a server and compares with what real kube-apiservers answered.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { startApiServer } from '../server.ts';
import type { Group } from './case.ts';
import { DIFFERENCES } from './differences.ts';
import { readExpected, writeExpected } from './expected.ts';
import { GROUPS } from './groups.ts';
import { type Replayed, replay } from './replay.ts';
import { prepare } from './runner.ts';
import { replaySessions } from './sessions/replay.ts';
import { Target } from './target.ts';

const usage = `Usage: npm run conformance -- [options] [part of a case's name ...]

  --target embedded          the embedded server, started for this run (the default)
  --kubeconfig FILE          a server that runs already
  --custom-kubeconfig FILE   where that one serves custom resources, if elsewhere
  --model core|custom        only cases with this model
  --kubectl PATH             instead of the cases, a session with this kubectl; may be given several times
  --record                   write the answers down as the expected ones`;

/** Custom resources are compared with today's servers; what older ones than this answer is no model. */
const CUSTOM_SINCE = 36;

/** The groups that a target can show, with those of their cases that are asked for. */
function chosen(parts: readonly string[], models: readonly string[], isOne: boolean): Group[] {
  return GROUPS.filter((group) => isOne || !group.together)
    .map((group) => ({
      name: group.name,
      cases: group.cases.filter(
        ({ name, model }) =>
          models.includes(model) &&
          (parts.length === 0 || parts.some((part) => `${group.name}: ${name}`.includes(part))),
      ),
    }))
    .filter(({ cases }) => cases.length > 0);
}

async function record(groups: readonly Group[], done: readonly Replayed[]): Promise<void> {
  for (const { name: group } of groups) {
    const expected = await readExpected(group);
    for (const one of done.filter((replayed) => replayed.group === group)) expected[one.name] = one.outcomes;
    const all = GROUPS.find(({ name }) => name === group)!;
    const known = all.cases.flatMap(({ name }) => (expected[name] ? [[name, expected[name]] as const] : []));
    await writeExpected(group, Object.fromEntries(known));
  }
}

/** Prints what differs and a line per group. @returns how many cases differ */
function report(groups: readonly Group[], done: readonly Replayed[]): number {
  const failed = done.filter(({ problems }) => problems.length > 0);
  for (const { group, name, problems } of failed) console.log([`FAIL ${group}: ${name}`, ...problems].join('\n     '));
  for (const { name } of groups) {
    const all = done.filter(({ group }) => group === name);
    const differ = all.filter(({ problems }) => problems.length > 0).length;
    const knowingly = all.filter(({ problems, known }) => problems.length === 0 && known > 0).length;
    console.log(`${name}: ${all.length} cases, ${differ} differ, ${knowingly} knowingly`);
  }
  return failed.length;
}

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      target: { type: 'string', default: 'embedded' },
      kubeconfig: { type: 'string' },
      'custom-kubeconfig': { type: 'string' },
      model: { type: 'string' },
      kubectl: { type: 'string', multiple: true, default: [] },
      record: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help || values.target !== 'embedded') {
    console.log(usage);
    return values.help ? 0 : 2;
  }
  const dir = values.kubeconfig ? undefined : await mkdtemp(join(tmpdir(), 'conformance-'));
  const server = dir ? await startApiServer({ dir, log: (line) => console.error(line) }) : undefined;
  const kubeconfig = values.kubeconfig ?? server!.kubeconfigPath;
  const customKubeconfig = values['custom-kubeconfig'];
  const target = new Target(kubeconfig, customKubeconfig);
  try {
    if (values.kubectl.length > 0) {
      await prepare(target);
      const options = { kubectls: values.kubectl, kubeconfig, customKubeconfig, record: values.record };
      return (await replaySessions(target, options)) > 0 ? 1 : 0;
    }
    const minor = await target.customMinor();
    const current = server !== undefined || minor >= CUSTOM_SINCE;
    if (!current)
      console.log(`custom resources are those of 1.${minor}: cases whose model is 1.${CUSTOM_SINCE} left out`);
    const groups = chosen(
      positionals,
      values.model ? [values.model] : current ? ['core', 'custom'] : ['core'],
      !customKubeconfig,
    );
    if (current) await prepare(target);
    if (customKubeconfig)
      console.log('custom resources are served elsewhere: cases that need both in one place left out');
    const done = await replay(target, groups, server ? DIFFERENCES : []);
    if (values.record) {
      await record(groups, done);
      console.log(`${done.length} cases recorded`);
      return 0;
    }
    const failed = report(groups, done);
    console.log(`${done.length} cases, ${done.length - failed} passed, ${failed} failed`);
    return failed > 0 ? 1 : 0;
  } finally {
    target.close();
    await server?.close();
    if (dir) await rm(dir, { recursive: true });
  }
}

if (import.meta.main) process.exitCode = await main();
