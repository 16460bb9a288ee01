import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { KubeObject, Resource } from '../kube/resource.ts';
import { createStore } from '../kube/store.ts';
import { createFakeClock } from '../testing/fake-clock.ts';
import { createExpectations } from './expectations.ts';

const widgets: Resource = { group: '', version: 'v1', plural: 'widgets', kind: 'Widget', namespaced: false };
const at = (version: string): KubeObject => ({
  apiVersion: 'v1',
  kind: 'Widget',
  metadata: { name: 'a', uid: 'u', resourceVersion: version },
});

function setUp() {
  const clock = createFakeClock();
  const { store, writer } = createStore(widgets);
  writer.replace(new Map([['a', at('v1')]]));
  return { clock, writer, expectations: createExpectations(store, clock) };
}

test('a written object settles when the cache shows that very version', async () => {
  const { writer, expectations } = setUp();
  await expectations.during('a', async () => at('v3'));
  const settling = expectations.settling('a');
  assert.ok(settling);
  writer.upsert(at('v2'));
  assert.ok(expectations.settling('a'), 'someone else wrote v2');
  writer.upsert(at('v3'));
  assert.is(expectations.settling('a'), undefined);
  await settling;
});

test('the cache may be faster than the answer', async () => {
  const { writer, expectations } = setUp();
  await expectations.during('a', async () => {
    writer.upsert(at('v2'));
    writer.upsert(at('v3'));
    return at('v2');
  });
  assert.is(expectations.settling('a'), undefined);
});

test('a write that changed nothing has been seen already', async () => {
  const { expectations } = setUp();
  await expectations.during('a', async () => at('v1'));
  assert.is(expectations.settling('a'), undefined);
});

test('of several writes the last one counts: who shows it shows all', async () => {
  const { writer, expectations } = setUp();
  for (const version of ['v2', 'v3', 'v4']) await expectations.during('a', async () => at(version));
  writer.upsert(at('v3'));
  assert.ok(expectations.settling('a'));
  writer.upsert(at('v4'));
  assert.is(expectations.settling('a'), undefined);
});

test('a write that failed is not expected', async () => {
  const { expectations } = setUp();
  const failing = expectations.during('a', async () => {
    throw new Error('no');
  });
  assert.ok(expectations.settling('a'), 'nobody looks while the write is under way');
  await failing.then(
    () => assert.unreachable(),
    (error: Error) => assert.is(error.message, 'no'),
  );
  assert.is(expectations.settling('a'), undefined);
});

test('a deleted object settles', async () => {
  const { writer, expectations } = setUp();
  await expectations.during('a', async () => at('v2'));
  writer.remove('a');
  assert.is(expectations.settling('a'), undefined);
});

test('a cache that never shows it is not waited for longer than 10 s', async () => {
  const { clock, expectations } = setUp();
  await expectations.during('a', async () => at('v2'));
  await clock.advance(9_999);
  assert.ok(expectations.settling('a'));
  await clock.advance(1);
  assert.is(expectations.settling('a'), undefined);
  assert.is(clock.pending(), 0);
});

test('a store with a selector is waited for only about what it holds', async () => {
  const clock = createFakeClock();
  const { store, writer } = createStore(widgets);
  const expectations = createExpectations(store, clock, { selective: true });
  await expectations.during('a', async () => at('v1'));
  assert.is(expectations.settling('a'), undefined);
  writer.upsert(at('v1'));
  await expectations.during('a', async () => at('v2'));
  assert.ok(expectations.settling('a'));
  writer.remove('a');
  assert.is(expectations.settling('a'), undefined, 'it no longer matches the selector');
});

test('where versions are numbers, a later one will do: the written one may never come by', async () => {
  const { writer, expectations } = setUp();
  await expectations.during('a', async () => at('100'));
  writer.upsert(at('99'));
  assert.ok(expectations.settling('a'));
  writer.upsert(at('101'));
  assert.is(expectations.settling('a'), undefined);
});

test('a deletion settles when the object is gone', async () => {
  const { writer, expectations } = setUp();
  await expectations.during('a', async () => undefined);
  assert.ok(expectations.settling('a'));
  writer.upsert(at('v2'));
  assert.ok(expectations.settling('a'), 'somebody wrote before it');
  writer.remove('a');
  assert.is(expectations.settling('a'), undefined);
});

test('a deletion settles when the object is marked as leaving', async () => {
  const { writer, expectations } = setUp();
  await expectations.during('a', async () => undefined);
  const leaving = at('v2');
  leaving.metadata.deletionTimestamp = '2026-01-01T00:00:00Z';
  writer.upsert(leaving);
  assert.is(expectations.settling('a'), undefined);
});

test('a deletion settles when another object has taken the name', async () => {
  const { writer, expectations } = setUp();
  await expectations.during('a', async () => undefined);
  const other = at('v3');
  other.metadata.uid = 'another';
  writer.upsert(other);
  assert.is(expectations.settling('a'), undefined);
});

test('a deletion that the cache showed before the answer is not waited for, nor one of what was not there', async () => {
  const { writer, expectations } = setUp();
  await expectations.during('a', async () => {
    writer.remove('a');
    return undefined;
  });
  assert.is(expectations.settling('a'), undefined);
  await expectations.during('b', async () => undefined);
  assert.is(expectations.settling('b'), undefined);
});

test('a write that ended the object, which the cache showed before the answer, is not waited for', async () => {
  const { writer, expectations } = setUp();
  await expectations.during('a', async () => {
    writer.remove('a');
    return at('v2');
  });
  assert.is(expectations.settling('a'), undefined);
});

test('a creation is waited for although its predecessor ended meanwhile', async () => {
  const { writer, expectations } = setUp();
  const created = at('v9');
  created.metadata.uid = 'another';
  await expectations.during('a', async () => {
    writer.remove('a');
    return created;
  });
  assert.ok(expectations.settling('a'));
  writer.upsert(created);
  assert.is(expectations.settling('a'), undefined);
});

test('other objects are not held up', async () => {
  const { expectations } = setUp();
  await expectations.during('a', async () => at('v2'));
  assert.is(expectations.settling('b'), undefined);
});

test.run();
