import { load } from 'js-yaml';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { UsageError } from './command.ts';
import { formOf, inForm } from './form.ts';

test('a table where nothing is said, and no other form than the three', () => {
  assert.is(formOf({}), 'table');
  assert.is(formOf({ output: 'yaml' }), 'yaml');
  assert.throws(
    () => formOf({ output: 'xml' }),
    (error: Error) => error instanceof UsageError,
  );
});

test('programs read back what there was, people see lines', () => {
  const value = [{ id: 'restart-1', at: '2026-01-01T00:00:00Z' }];
  const never = () => assert.unreachable();
  assert.equal(JSON.parse(inForm('json', value, never as never)), value);
  assert.equal(load(inForm('yaml', value, never as never)), value);
  assert.is(
    inForm('table', value, () => ['A  B', 'c  d', '']),
    'A  B\nc  d',
  );
});

test('objects are shown as people read them, in whatever order the server gives them', () => {
  const object = {
    status: { kind: 'x', a: 1 },
    spec: { b: 2 },
    metadata: { name: 'n' },
    kind: 'Device',
    apiVersion: 'v1',
  };
  const shown = load(inForm('yaml', { items: [object] }, () => [])) as { items: [typeof object] };
  assert.equal(Object.keys(shown.items[0]), ['apiVersion', 'kind', 'metadata', 'spec', 'status']);
  assert.equal(shown.items[0], object);
});

test.run();
