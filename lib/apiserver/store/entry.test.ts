import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Entry } from './entry.ts';

const entry = (name: string) =>
  new Entry(name, 1, JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name } }));

test('an object is there however many others were looked at since, and however often it was given back', () => {
  const own = entry('own');
  for (let others = 0; others < 5000; others++) {
    assert.is(own.object?.metadata.name, 'own', `after ${others} others`);
    own.release();
    assert.is(entry(`other-${others}`).object.metadata.name, `other-${others}`);
  }
  // As many as there is room for, and one more or less: its own place comes round.
  for (const count of [4094, 4095, 4096, 4097]) {
    assert.is(own.object?.metadata.name, 'own');
    own.release();
    for (let others = 0; others < count; others++) assert.ok(entry('other').object);
    assert.is(own.object?.metadata.name, 'own', `after ${count} others`);
    own.release();
  }
});

test.run();
