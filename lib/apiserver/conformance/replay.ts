// Runs groups of cases on a server, several at a time, and compares each with what the real servers answered.
import type { Group } from './case.ts';
import { compareOutcomes } from './compare.ts';
import type { Difference } from './differences.ts';
import { readExpected } from './expected.ts';
import { type Outcome, runCase } from './runner.ts';
import type { Target } from './target.ts';

/** Cases are independent of each other; more at a time only make the machine busier. */
const AT_A_TIME = 8;

/** What became of one case. */
export interface Replayed {
  readonly group: string;
  readonly name: string;
  readonly outcomes: Outcome[];
  /** Nothing when the answers are the expected ones. */
  readonly problems: string[];
  /** How many places differ knowingly. */
  readonly known: number;
}

export async function replay(
  target: Target,
  groups: readonly Group[],
  differences: readonly Difference[],
): Promise<Replayed[]> {
  const queue = groups.flatMap((group) => {
    const expected = readExpected(group.name);
    return group.cases.map((one) => ({ group: group.name, one, expected }));
  });
  const done: Replayed[] = [];
  const work = async () => {
    for (let next = queue.shift(); next; next = queue.shift()) {
      const { group, one, expected } = next;
      const answers = await expected;
      const outcomes = await runCase(target, one);
      const compare = (allowed: readonly Difference[]) =>
        compareOutcomes(`${group}: ${one.name}`, answers[one.name], outcomes, allowed);
      const problems = compare(differences);
      done.push({ group, name: one.name, outcomes, problems, known: compare([]).length - problems.length });
    }
  };
  await Promise.all(Array.from({ length: AT_A_TIME }, work));
  return done;
}
