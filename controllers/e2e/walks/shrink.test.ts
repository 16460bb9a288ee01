import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { shrink } from './shrink.ts';

const numbers = Array.from({ length: 100 }, (_, index) => index);
const has = (part: readonly number[], ...wanted: number[]) => wanted.every((one) => part.includes(one));

test('what is needed is left, in its order', async () => {
  assert.equal(await shrink(numbers, async (part) => has(part, 3, 77), 1000), [3, 77]);
  assert.equal(await shrink(numbers, async (part) => has(part, 99), 1000), [99]);
});

test('it ends when it has tried enough, with what still fails', async () => {
  let tries = 0;
  const part = await shrink(
    numbers,
    async (one) => {
      tries++;
      return has(one, 3, 50, 77);
    },
    10,
  );
  assert.is(tries, 10);
  assert.ok(has(part, 3, 50, 77) && part.length < 100);
});

test('where all is needed, all is left', async () => {
  assert.equal(await shrink([1, 2, 3], async (part) => part.length === 3, 1000), [1, 2, 3]);
});

test.run();
