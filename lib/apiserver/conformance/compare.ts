// Compares a run's outcomes with the expected ones, save for the known differences.
import { equal, isObject, type Json } from '../json.ts';
import type { Difference } from './differences.ts';
import type { Outcome } from './runner.ts';

/** Every place where two values differ, as "path: expected … but was …". */
function diff(expected: Json | undefined, actual: Json | undefined, path: string): { path: string; text: string }[] {
  if (equal(expected, actual)) return [];
  const show = (value: Json | undefined) => (value === undefined ? 'nothing' : JSON.stringify(value).slice(0, 600));
  if (isObject(expected) && isObject(actual)) {
    const keys = [...new Set([...Object.keys(expected), ...Object.keys(actual)])];
    return keys.flatMap((key) => diff(expected[key], actual[key], `${path}.${key}`));
  }
  if (Array.isArray(expected) && Array.isArray(actual) && expected.length === actual.length) {
    return expected.flatMap((item, index) => diff(item, actual[index], `${path}[${index}]`));
  }
  return [{ path, text: `${path}:\n       expected ${show(expected)}\n       but was  ${show(actual)}` }];
}

/** What is wrong with a case's outcomes; nothing when they are as expected. */
export function compareOutcomes(
  name: string,
  expected: readonly Outcome[] | undefined,
  actual: readonly Outcome[],
  differences: readonly Difference[],
): string[] {
  if (!expected) return ['there is no expected answer: record it on a real server'];
  const known = differences.filter((difference) => difference.cases.test(name));
  return expected.flatMap((step, index) => {
    const found = diff(step as Json, actual[index] as Json | undefined, `${index + 1} ${step.step}`);
    return found.filter(({ path }) => !known.some((difference) => difference.path.test(path))).map(({ text }) => text);
  });
}
