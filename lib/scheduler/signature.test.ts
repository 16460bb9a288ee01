import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Signature } from './plugin.ts';
import { flatten, hashOf, type Part, SignatureMap } from './signature.ts';

function partsOf(...signatures: (Signature | undefined)[]): Part[] {
  const parts: Part[] = [];
  for (const signature of signatures) flatten(signature, parts);
  return parts;
}

test('different signatures are different lists, however they are cut', () => {
  const lists = [
    partsOf(undefined, 'a'),
    partsOf('a', undefined),
    partsOf('ab'),
    partsOf('a', 'b'),
    partsOf(['a', 'b']),
    partsOf(['a'], ['b']),
    partsOf([['a'], 'b']),
    partsOf([]),
    partsOf({ a: 'b' }),
    partsOf('{"a":"b"}'),
    partsOf(1),
    partsOf('1'),
    partsOf(true),
    partsOf(false),
    partsOf(2 ** 40),
    partsOf(2 ** 41),
  ];
  const map = new SignatureMap<number>();
  lists.forEach((parts, index) => {
    map.add(hashOf(parts), parts, index);
  });
  lists.forEach((parts, index) => {
    assert.is(map.get(hashOf(parts), [...parts]), index);
  });
});

test('lists with the same hash are told apart, and leave one by one', () => {
  const map = new SignatureMap<string>();
  map.add(7, ['a'], 'first');
  map.add(7, ['b'], 'second');
  assert.equal([map.get(7, ['a']), map.get(7, ['b']), map.get(7, ['c'])], ['first', 'second', undefined]);
  map.delete(7, 'first');
  assert.equal([map.get(7, ['a']), map.get(7, ['b']), map.size], [undefined, 'second', 1]);
  map.delete(7, 'second');
  assert.equal([[...map.values()], map.size], [[], 0]);
});

test('the list that was added may be filled anew', () => {
  const map = new SignatureMap<number>();
  const parts: Part[] = ['a', 1];
  map.add(1, parts, 1);
  parts.length = 0;
  assert.is(map.get(1, ['a', 1]), 1);
});

test.run();
