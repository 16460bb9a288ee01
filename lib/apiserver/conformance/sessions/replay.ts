// Runs the session with several kubectls on one cluster, and records or compares what they print.
import type { Target } from '../target.ts';
import { COMMANDS } from './commands.ts';
import { compareSessions } from './compare.ts';
import { describeCustomResources } from './describe.ts';
import { readSession, writeSession } from './expected.ts';
import { startFront } from './front.ts';
import { accessFrom, runSession, versionOf } from './session.ts';

export interface SessionOptions {
  /** Paths of the programs. */
  readonly kubectls: readonly string[];
  /** The cluster's kubeconfig, and that of its server of custom resources where that is another. */
  readonly kubeconfig: string;
  readonly customKubeconfig: string | undefined;
  readonly record: boolean;
}

/** Prints what differs, and a line per kubectl. @returns how many commands differ */
export async function replaySessions(target: Target, options: SessionOptions): Promise<number> {
  const { kubeconfig, customKubeconfig } = options;
  if (customKubeconfig) await describeCustomResources(target.core);
  const front = customKubeconfig ? await startFront(kubeconfig, customKubeconfig) : undefined;
  const access = front ? { server: front.url, token: 'added by the front' } : await accessFrom(kubeconfig);
  let failed = 0;
  try {
    for (const kubectl of options.kubectls) {
      const version = await versionOf(kubectl);
      const spoken = await runSession(kubectl, access, target.core, COMMANDS);
      if (options.record) {
        await writeSession(version, spoken);
        console.log(`kubectl ${version}: ${spoken.length} commands recorded`);
        continue;
      }
      const results = compareSessions((await readSession(version)) ?? [], spoken);
      const differ = results.filter(({ problems }) => problems.length > 0);
      for (const { run, problems } of differ) console.log([`FAIL ${run}`, ...problems].join('\n     '));
      const known = results.filter(({ known: why }) => why !== undefined).length;
      console.log(`kubectl ${version}: ${results.length} commands, ${differ.length} differ, ${known} knowingly`);
      failed += differ.length;
    }
  } finally {
    await front?.close();
  }
  return failed;
}
