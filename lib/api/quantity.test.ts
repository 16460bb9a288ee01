import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { bytes, formatBytes, formatMillicores, millicores, QuantityError } from './quantity.ts';

test('quantities are exact integers, rounded up', () => {
  assert.is(millicores('4'), 4000);
  assert.is(millicores(4), 4000);
  assert.is(millicores('500m'), 500);
  assert.is(millicores('0.1'), 100);
  assert.is(millicores('1.0005'), 1001);
  assert.is(bytes('8Gi'), 8 * 2 ** 30);
  assert.is(bytes('1.5Ki'), 1536);
  assert.is(bytes('960G'), 960e9);
  assert.is(bytes('100m'), 1);
});

test('what is not a quantity is refused by name', () => {
  for (const bad of ['-1', '', '4 Gi', '1e3', 'Gi', '0x10', 'NaN', '99999Pi']) {
    assert.throws(
      () => bytes(bad),
      (error: unknown) => error instanceof QuantityError && error.message.includes(`"${bad}"`),
    );
  }
});

test('formatting gives back the same quantity', () => {
  for (const value of [0, 1, 1000, 1024, 2 ** 30, 3 * 2 ** 40, 960e9, 2 ** 30 + 1])
    assert.is(bytes(formatBytes(value)), value);
  for (const value of [0, 1, 999, 1000, 64000]) assert.is(millicores(formatMillicores(value)), value);
  assert.is(formatBytes(8 * 2 ** 30), '8Gi');
});

test.run();
