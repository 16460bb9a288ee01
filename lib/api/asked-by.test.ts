import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { ASKED_BY, askedBy, askedByText } from './asked-by.ts';

const object = (generation: number, annotation?: string) => ({
  apiVersion: 'bmp.dev/v1alpha1',
  kind: 'Instance',
  metadata: { name: 'web-1', generation, ...(annotation !== undefined && { annotations: { [ASKED_BY]: annotation } }) },
});

test('a change names its user, and the next one of somebody else does not go by that name', () => {
  const text = askedByText(object(7), 'system:admin bob');
  assert.is(text, '8 system:admin bob');
  assert.is(askedBy(object(8, text)), 'system:admin bob');
  assert.is(askedBy(object(9, text)), undefined);
  assert.is(askedBy(object(7, text)), undefined, 'nor an earlier one');
});

test('what anybody may have written there is taken for what it is', () => {
  for (const annotation of ['', 'alice', '8', '8 ', ' 8 alice', '-1 alice'])
    assert.is(askedBy(object(8, annotation)), undefined);
  assert.is(askedBy(object(8)), undefined);
  assert.is(askedBy(object(8, `8 ${'x'.repeat(5000)}`))?.length, 200);
});

test.run();
