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

/** Entries of managedFields stand in the order of their times, to the second: a case that meets the turn of one has another. */
function withSortedManagers(key: string, value: Json): Json {
  if (key !== 'managedFields' || !Array.isArray(value)) return value;
  const rank = (entry: Json) =>
    isObject(entry) ? JSON.stringify([entry['operation'], entry['manager'], entry['subresource']]) : '';
  return [...value].sort((a, b) => (rank(a) < rank(b) ? -1 : rank(a) > rank(b) ? 1 : 0));
}

/**
 * Outcomes with their placeholders numbered by first appearance in what is compared: answers that were only waited for, and
 * are told of nowhere, count too while a case runs, as often as it had to ask.
 */
function renumbered(outcomes: readonly Outcome[]): Outcome[] {
  const numbers = new Map<string, string>();
  const counts = new Map<string, number>();
  const text = JSON.stringify(outcomes, withSortedManagers).replace(
    /<(uid|version) \d+>/g,
    (placeholder, kind: string) => {
      const known = numbers.get(placeholder);
      if (known) return known;
      const count = (counts.get(kind) ?? 0) + 1;
      counts.set(kind, count);
      numbers.set(placeholder, `<${kind} ${count}>`);
      return `<${kind} ${count}>`;
    },
  );
  return JSON.parse(text) as Outcome[];
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
  const seen = renumbered(actual);
  return renumbered(expected).flatMap((step, index) => {
    const found = diff(step as Json, seen[index] as Json | undefined, `${index + 1} ${step.step}`);
    return found.filter(({ path }) => !known.some((difference) => difference.path.test(path))).map(({ text }) => text);
  });
}
