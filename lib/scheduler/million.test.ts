// test-deadline: 5400
// test-slow
// A million decisions on small clusters, each held against the reference. Takes its time: run by name, or with --also-slow.
import { test } from 'uvu';
import { compareHistory } from './testing/compare.ts';

const DECISIONS = 1_000_000;
const EACH = 200;

test('a million decisions are those of the reference', () => {
  for (let seed = 1000; seed < 1000 + DECISIONS / EACH; seed++) {
    compareHistory({ seed, decisions: EACH, mostNodes: 4 + (seed % 9), kinds: 4 + (seed % 23) });
  }
});

test.run();
