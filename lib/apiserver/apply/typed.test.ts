// How two objects differ, held against what must be true of any two: seeded random ones with maps, lists by key, sets and leaves.
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { createRandom } from '../../testing/random.ts';
import { equal, isObject, type Json, type JsonObject } from '../json.ts';
import type { Schema } from '../schema/schema.ts';
import type { FieldSet } from './field-set.ts';
import { compare, removeItems } from './typed.ts';

const ROUNDS = 2000;

const leaf: Schema = { type: 'string' };
const schema: Schema = {
  type: 'object',
  properties: {
    map: { type: 'object', additionalProperties: leaf },
    atomic: { type: 'object', 'x-kubernetes-map-type': 'atomic', additionalProperties: leaf },
    keyed: {
      type: 'array',
      'x-kubernetes-list-type': 'map',
      'x-kubernetes-list-map-keys': ['name'],
      items: {
        type: 'object',
        properties: { name: leaf, value: leaf, deep: { type: 'object', properties: { a: leaf } } },
      },
    },
    set: { type: 'array', 'x-kubernetes-list-type': 'set', items: leaf },
    list: { type: 'array', items: leaf },
    text: leaf,
  },
};

/** Any object of the schema, with what may be missing, empty or null. */
function anyObject(random: () => number): JsonObject {
  const chance = (share: number) => random() < share;
  const text = () => 'abc'[Math.floor(random() * 3)]!;
  const some = (make: (name: string) => Json) => ['x', 'y', 'z'].filter(() => chance(0.5)).map(make);
  const map = () =>
    Object.fromEntries(some((name) => name).map((name) => [name as string, chance(0.1) ? null : text()]));
  const item = (name: string): Json => ({
    name,
    ...(chance(0.6) && { value: text() }),
    ...(chance(0.4) && { deep: chance(0.3) ? {} : { a: text() } }),
  });
  const makers: Record<string, () => Json> = {
    map,
    atomic: map,
    keyed: () => some(item),
    set: () => some((name) => name),
    list: () => some((name) => name),
    text,
  };
  return Object.fromEntries(
    Object.entries(makers)
      .filter(() => chance(0.7))
      .map(([name, make]) => [name, chance(0.1) ? null : make()]),
  );
}

function forTwo(check: (left: JsonObject, right: JsonObject, told: string) => void): void {
  for (let seed = 1; seed <= ROUNDS; seed++) {
    const random = createRandom(seed);
    const [left, right] = [anyObject(random), anyObject(random)];
    check(left, right, `seed ${seed}: ${JSON.stringify(left)} and ${JSON.stringify(right)}`);
  }
}

const same = (a: FieldSet, b: FieldSet, told: string) => assert.equal(a.paths(), b.paths(), told);

test('what one way was added is removed the other way', () => {
  forTwo((left, right, told) => {
    const [there, back] = [compare(left, right, schema), compare(shuffled(right), left, schema)];
    same(there.added, back.removed, told);
    same(there.removed, back.added, told);
    same(there.modified, back.modified, told);
  });
});

test('nothing differs from itself, and nothing is left out', () => {
  forTwo((left, right, told) => {
    const own = compare(left, structuredClone(left), schema);
    assert.ok(own.added.isEmpty && own.modified.isEmpty && own.removed.isEmpty, told);
    const { added, modified, removed } = compare(left, right, schema);
    const isSame = added.isEmpty && modified.isEmpty && removed.isEmpty;
    assert.is(isSame, equal(left, right), told);
  });
});

test('a field is told in one way only, and those that differ alone explain the difference', () => {
  forTwo((left, right, told) => {
    const { added, modified, removed } = compare(left, right, schema);
    for (const [one, other] of [
      [added, modified],
      [modified, removed],
      [removed, added],
    ] as const)
      assert.equal(one.intersection(other).paths(), [], told);
    // Without all that differs, both are the same, but for containers that were emptied by it; null is one without anything in it.
    const all = added.union(modified).union(removed);
    const rest = (object: JsonObject) => withoutEmpty(removeItems(object, all, schema));
    assert.equal(rest(left), rest(right), told);
  });
});

/** Order of keys says nothing. */
function shuffled(object: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(object).toReversed());
}

function withoutEmpty(value: Json): Json {
  if (Array.isArray(value)) return value.map(withoutEmpty);
  if (!isObject(value)) return value;
  const kept = Object.entries(value)
    .map(([key, inner]) => [key, withoutEmpty(inner!)] as const)
    .filter(([, inner]) => !(typeof inner === 'object' && Object.keys(inner ?? {}).length === 0));
  return Object.fromEntries(kept);
}

test.run();
