// Compares what a session's commands printed with what they print on a real cluster, save for the known differences.
import { SESSION_DIFFERENCES } from './differences.ts';
import type { Spoken } from './session.ts';

const STREAMS = ['out', 'err'] as const;

/** The lines that differ, with - for expected ones and + for those that came. */
function diff(expected: readonly string[], actual: readonly string[]): string[] {
  const start = expected.findIndex((line, index) => line !== actual[index]);
  const from = start < 0 ? expected.length : start;
  let end = 0;
  while (end < Math.min(expected.length, actual.length) - from && expected.at(-1 - end) === actual.at(-1 - end)) end++;
  return [
    ...expected.slice(from, expected.length - end).map((line) => `- ${line}`),
    ...actual.slice(from, actual.length - end).map((line) => `+ ${line}`),
  ];
}

export interface SessionResult {
  readonly run: string;
  /** Nothing when the command did the same. */
  readonly problems: readonly string[];
  /** Why it may differ, where it does. */
  readonly known?: string;
}

/** Every command's result, in order. */
export function compareSessions(expected: readonly Spoken[], actual: readonly Spoken[]): SessionResult[] {
  return actual.map((one, index) => {
    const wanted = expected[index];
    if (wanted?.run !== one.run) return { run: one.run, problems: ['was not recorded: record the session anew'] };
    const problems = [
      ...(wanted.code === one.code ? [] : [`exit code ${wanted.code}, but was ${one.code}`]),
      ...STREAMS.flatMap((stream) => diff(wanted[stream], one[stream])),
    ];
    if (problems.length === 0) return { run: one.run, problems };
    const known = SESSION_DIFFERENCES.find(({ commands }) => commands.test(one.run));
    return known ? { run: one.run, problems: [], known: known.why } : { run: one.run, problems };
  });
}
