// SortedKeys against the plain way: a set, sorted.
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { SortedKeys } from './sorted-keys.ts';

/** A small generator of our own, so that a failure can be repeated from its seed (mulberry32). */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

test('any mixture of additions and deletions lists as a sorted set does', () => {
  for (let seed = 1; seed <= 20; seed++) {
    const next = random(seed);
    const keys = new SortedKeys();
    const model = new Set<string>();
    for (let step = 0; step < 6000; step++) {
      const key = `${'abc'[Math.floor(next() * 3)]}/${Math.floor(next() * 3000)}`;
      if (next() < 0.65) {
        keys.add(key);
        model.add(key);
      } else {
        keys.delete(key);
        model.delete(key);
      }
    }
    const sorted = [...model].sort();
    assert.equal([...keys.range('')], sorted, `seed ${seed}`);
    const prefixed = sorted.filter((key) => key.startsWith('b/'));
    assert.equal([...keys.range('b/')], prefixed, `seed ${seed}`);
    const after = prefixed[Math.floor(prefixed.length / 2)]!;
    assert.equal(
      [...keys.range('b/', after)],
      prefixed.filter((key) => key > after),
      `seed ${seed}`,
    );
    assert.equal(
      [...keys.range('', 'b')],
      sorted.filter((key) => key > 'b'),
      `seed ${seed}`,
    );
  }
});

test('an emptied set lists nothing and takes keys again', () => {
  const keys = new SortedKeys();
  for (let index = 0; index < 3000; index++) keys.add(`k${index}`);
  for (let index = 0; index < 3000; index++) keys.delete(`k${index}`);
  assert.equal([...keys.range('')], []);
  keys.add('b');
  keys.add('a');
  assert.equal([...keys.range('')], ['a', 'b']);
});

test.run();
