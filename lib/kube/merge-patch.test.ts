import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { createRandom } from '../testing/random.ts';
import { equal, mergePatch } from './merge-patch.ts';

/** RFC 7386, section 2, as it stands there. */
function apply(target: unknown, patch: unknown): unknown {
  if (typeof patch !== 'object' || patch === null || Array.isArray(patch)) return patch;
  const result: Record<string, unknown> =
    typeof target === 'object' && target !== null && !Array.isArray(target) ? { ...target } : {};
  for (const [name, value] of Object.entries(patch)) {
    if (value === null) delete result[name];
    else result[name] = apply(result[name], value);
  }
  return result;
}

test('equal objects need no patch, whatever the order of their fields', () => {
  assert.is(mergePatch({ a: 1, b: { c: [1, { d: 2 }] } }, { b: { c: [1, { d: 2 }] }, a: 1 }), undefined);
});

test('only what differs is in the patch', () => {
  assert.equal(mergePatch({ a: 1, b: { c: 1, d: 2 } }, { a: 1, b: { c: 1, d: 3 } }), { b: { d: 3 } });
});

test('what is gone is removed with null, and lists are replaced whole', () => {
  assert.equal(mergePatch({ a: 1, list: [1, 2], deep: { x: 1 } }, { list: [2], deep: {} }), {
    a: null,
    list: [2],
    deep: { x: null },
  });
});

test('an undefined field is an absent one, at every depth', () => {
  assert.is(mergePatch({ a: 1 }, { a: 1, b: undefined, c: undefined }), undefined);
  assert.equal(mergePatch({ a: 1 }, { a: undefined }), { a: null });
  assert.equal(mergePatch({}, { a: { b: undefined, c: 1 } }), { a: { c: 1 } });
  assert.ok(equal({ a: [{ b: undefined }] }, { a: [{}] }));
});

test('a new empty object, or one that takes the place of something else, is there afterwards', () => {
  assert.equal(mergePatch({}, { a: {} }), { a: {} });
  assert.equal(apply({ a: 1 }, mergePatch({ a: 1 }, { a: {} })), { a: {} });
  assert.equal(apply({ a: [1] }, mergePatch({ a: [1] }, { a: { b: { c: 1 } } })), { a: { b: { c: 1 } } });
});

test('the patch between any two values without nulls turns one into the other', () => {
  for (let seed = 1; seed <= 2_000; seed++) {
    const random = createRandom(seed);
    const pick = (count: number) => Math.floor(random() * count);
    const value = (depth: number): unknown => {
      const sort = pick(depth > 0 ? 6 : 3);
      if (sort === 0) return pick(3);
      if (sort === 1) return ['', 'x', 'y'][pick(3)];
      if (sort === 2) return pick(2) === 0;
      if (sort === 3) return Array.from({ length: pick(3) }, () => value(depth - 1));
      return object(depth - 1);
    };
    const object = (depth: number): object =>
      Object.fromEntries(['a', 'b', 'c'].filter(() => pick(3) > 0).map((key) => [key, value(depth)]));
    const [from, to] = [object(3), object(3)];
    const patch = mergePatch(from, to);
    assert.equal(apply(from, patch ?? {}), to, `seed ${seed}`);
    assert.is(patch === undefined, equal(from, to), `seed ${seed}`);
  }
});

test.run();
