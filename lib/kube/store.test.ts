import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { createRandom } from '../testing/random.ts';
import type { KubeObject, Resource } from './resource.ts';
import { createStore, type StoreEvent } from './store.ts';

interface Placed extends KubeObject {
  spec: { hosts: string[] };
}
const placements: Resource<Placed> = {
  group: 'x',
  version: 'v1',
  plural: 'placements',
  kind: 'Placement',
  namespaced: false,
};
const placed = (name: string, version: number, hosts: string[], uid = name): Placed => ({
  apiVersion: 'x/v1',
  kind: 'Placement',
  metadata: { name, uid, resourceVersion: String(version) },
  spec: { hosts },
});
const byHost = (object: Placed) => object.spec.hosts;
const names = (objects: readonly Placed[]) => objects.map(({ metadata }) => metadata.name).sort();

test('an index follows additions, changes and deletions', () => {
  const { store, writer } = createStore(placements, { indexes: { host: byHost } });
  writer.upsert(placed('a', 1, ['h1', 'h2']));
  writer.upsert(placed('b', 2, ['h2']));
  assert.equal(names(store.byIndex('host', 'h2')), ['a', 'b']);
  writer.upsert(placed('a', 3, ['h3']));
  assert.equal(names(store.byIndex('host', 'h2')), ['b']);
  assert.equal(names(store.byIndex('host', 'h3')), ['a']);
  writer.remove('b');
  assert.equal(store.byIndex('host', 'h2'), []);
});

test('an index added later holds what was there before', () => {
  const { store, writer } = createStore(placements);
  writer.upsert(placed('a', 1, ['h1']));
  store.addIndex('host', byHost);
  assert.equal(names(store.byIndex('host', 'h1')), ['a']);
  assert.throws(() => store.addIndex('host', byHost), /already/);
  assert.throws(() => store.byIndex('rack', 'r1'), /no index rack/);
});

test('an index function that throws is told of, and the object is stored', () => {
  const reports: unknown[] = [];
  const fail = () => {
    throw new Error('no host');
  };
  const { store, writer } = createStore(placements, {
    indexes: { fail, host: byHost },
    report: (error) => reports.push(error),
  });
  writer.upsert(placed('a', 1, ['h1']));
  assert.is(store.size, 1);
  assert.equal(names(store.byIndex('host', 'h1')), ['a']);
  assert.is(reports.length, 1);
});

test('the same version again is no change', () => {
  const { store, writer } = createStore(placements);
  const events: string[] = [];
  store.subscribe(({ type }) => events.push(type));
  writer.upsert(placed('a', 1, []));
  writer.upsert(placed('a', 1, []));
  assert.equal(events, ['added']);
});

test('it has synced once it was filled whole, and whoever waits learns it', async () => {
  const { store, writer } = createStore(placements);
  writer.upsert(placed('a', 1, []));
  assert.not.ok(store.hasSynced());
  const waiting = store.synced();
  writer.replace(new Map());
  await waiting;
  assert.ok(store.hasSynced());
  assert.is(store.size, 0);
});

test('a large content is replaced in steps, and synced after the last one', () => {
  const { store, writer } = createStore(placements, { freeze: false });
  const many = new Map(Array.from({ length: 5_000 }, (_, i) => [`p${i}`, placed(`p${i}`, i + 1, [])]));
  let steps = 0;
  for (const _ of writer.replaceInSteps(many)) {
    steps++;
    assert.not.ok(store.hasSynced());
  }
  assert.is(steps, 2);
  assert.ok(store.hasSynced());
  assert.is(store.size, 5_000);
  writer.replace(new Map());
  assert.is(store.size, 0);
});

test('waiting for the sync ends with the signal', async () => {
  const { store } = createStore(placements);
  const reason = new Error('stop');
  const error: unknown = await store.synced(AbortSignal.abort(reason)).then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  assert.is(error, reason);
});

test('handlers that left hear no more', () => {
  const { store, writer } = createStore(placements);
  let heard = 0;
  const leave = store.subscribe(() => heard++);
  writer.upsert(placed('a', 1, []));
  leave();
  writer.upsert(placed('a', 2, []));
  assert.is(heard, 1);
});

test('after any history events, content and indexes agree', () => {
  for (let seed = 1; seed <= 200; seed++) {
    const random = createRandom(seed);
    const pick = (count: number) => Math.floor(random() * count);
    const { store, writer } = createStore(placements, { indexes: { host: byHost }, freeze: false });
    /** What someone knows who only listens. */
    const heard = new Map<string, Placed>();
    store.subscribe((event: StoreEvent<Placed>) => {
      const { name } = event.object.metadata;
      const known = heard.get(name);
      if (event.type === 'added') assert.is(known, undefined);
      else assert.is(known, event.type === 'updated' ? event.old : event.object);
      if (event.type === 'updated') assert.is(event.old.metadata.uid, event.object.metadata.uid);
      if (event.type === 'deleted') heard.delete(name);
      else heard.set(name, event.object);
    });
    let version = 0;
    const some = () =>
      placed(
        `p${pick(5)}`,
        ++version,
        ['h1', 'h2', 'h3'].filter(() => pick(2) > 0),
        `uid${pick(2)}`,
      );
    for (let i = 0; i < 60; i++) {
      const action = pick(5);
      if (action === 0) writer.remove(`p${pick(5)}`);
      else if (action === 1)
        writer.replace(new Map(Array.from({ length: pick(5) }, some).map((object) => [object.metadata.name, object])));
      else writer.upsert(some());
      assert.equal([...heard.keys()].sort(), [...store.keys()].sort(), `seed ${seed}`);
      for (const [key, object] of heard) assert.is(store.get(key), object, `seed ${seed}`);
      for (const host of ['h1', 'h2', 'h3']) {
        const expected = [...store.values()].filter(({ spec }) => spec.hosts.includes(host));
        assert.equal(names(store.byIndex('host', host)), names(expected), `seed ${seed}`);
      }
    }
  }
});

test.run();
