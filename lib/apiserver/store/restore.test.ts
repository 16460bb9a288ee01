// Backups of a store in use, and what becomes of revisions and watches when one is restored.
import { copyFile, readFile } from 'node:fs/promises';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Change } from './entry.ts';
import { inDirectory, object, withStore } from './fixture.ts';
import { restore } from './restore.ts';
import type { Store } from './store.ts';

const now = () => Date.now();
const open = (path: string) => ({ path, now, sealed: ['secrets'] });
const valuesOf = (store: Store) =>
  Object.fromEntries(Array.from(store.list('things', { prefix: '' }), ({ key, object: { value } }) => [key, value]));

test('a backup made under writers is the state of one moment', () =>
  inDirectory((path) =>
    withStore(open(path), async (store) => {
      const large = (index: number) => store.put('things', `k${index}`, object('x', 'y'.repeat(5000)));
      await Promise.all(Array.from({ length: 300 }, (_, index) => large(index)));
      const copy = `${path}.backup`;
      let running = true;
      let last = 0;
      const write = async (name: string) => {
        for (let count = 1; running; count++) last = (await store.put('counters', name, object(name, count))).revision;
      };
      const writers = ['a', 'b', 'c'].map(write);
      const before = last;
      await store.backup(copy);
      running = false;
      await Promise.all(writers);
      await withStore({ ...open(copy), keyFile: `${path}.key` }, (saved) => {
        assert.ok(saved.revision >= before && saved.revision <= last);
        assert.is(saved.count('things'), 300);
        // Every version up to its last, none beyond: the past of both is the same.
        const until = saved.revision;
        const past = store.since('counters', 0)!.filter(({ revision }) => revision <= until);
        const seen = saved.since('counters', 0)!;
        assert.equal(
          seen.map(({ revision, next }) => [revision, next?.text]),
          past.map(({ revision, next }) => [revision, next?.text]),
        );
        return Promise.resolve();
      });
    }),
  ));

test('restored on the server that made it: its watchers see what changes, and revisions go on', () =>
  inDirectory((path) =>
    withStore(open(path), async (store) => {
      for (const name of ['kept', 'changed', 'lost']) await store.put('things', name, object(name, 1));
      await store.put('secrets', 'default/bmc', object('bmc', 'password'));
      await store.backup(`${path}.backup`);
      assert.not.ok((await readFile(`${path}.backup`)).includes('password'));
      await store.put('things', 'changed', object('changed', 2));
      await store.delete('things', 'lost');
      await store.put('things', 'new', object('new', 1));
      const from = store.revision;
      const seen: Change[] = [];
      store.watch('things', (change) => seen.push(change));
      await withStore({ ...open(`${path}.backup`), keyFile: `${path}.key` }, async (saved) => {
        assert.equal(await restore(store, saved), { created: 1, updated: 1, deleted: 1, unchanged: 2 });
      });
      assert.equal(valuesOf(store), { changed: 1, kept: 1, lost: 1 });
      const shape = seen.map(({ key, revision, next }) => [key, revision, next !== undefined]);
      assert.equal(shape, [
        ['changed', from + 1, true],
        ['lost', from + 2, true],
        ['new', from + 3, false],
      ]);
      assert.is(store.get('things', 'lost')?.object.metadata.resourceVersion, String(from + 2));
      assert.equal(store.since('things', from), seen);
    }),
  ));

test('restored on a new server: versions of the lost one are told from new ones', () =>
  inDirectory(async (path) => {
    const copy = `${path}.backup`;
    let lost = 0;
    await withStore(open(path), async (store) => {
      await store.put('things', 'a', object('a', 1));
      await store.backup(copy);
      // Written after the backup: clients know these versions.
      for (let count = 2; count < 50; count++) await store.put('things', 'a', object('a', count));
      lost = store.revision;
    });
    const fresh = `${path}.fresh`;
    let restored = 0;
    await withStore(open(fresh), async (store) => {
      await store.put('things', 'own', object('own'));
      await withStore({ ...open(copy), keyFile: `${path}.key` }, async (saved) => {
        assert.equal(await restore(store, saved), { created: 1, updated: 0, deleted: 1, unchanged: 0 });
      });
      restored = store.revision;
      assert.ok(restored > lost + 1000);
      assert.equal(valuesOf(store), { a: 1 });
      assert.is(store.since('things', lost), undefined, 'a version of the lost server can be watched from');
    });
    await withStore(open(fresh), (store) => {
      assert.is(store.revision, restored);
      assert.is(store.since('things', lost), undefined);
      assert.equal(valuesOf(store), { a: 1 });
      return Promise.resolve();
    });
  }));

test('a restore that cannot be written changes nothing', () =>
  inDirectory(async (path) => {
    await withStore(open(path), async (store) => {
      for (let index = 0; index < 100; index++) await store.put('things', `k${index}`, object('x', 'y'.repeat(5000)));
    });
    const small = `${path}.small`;
    await copyFile(`${path}.key`, `${small}.key`);
    await withStore({ ...open(small), maxBytes: 200_000 }, async (store) => {
      await store.put('things', 'own', object('own', 7));
      await withStore(open(path), async (saved) => {
        try {
          await restore(store, saved);
          assert.unreachable('it was written');
        } catch (error) {
          assert.match((error as Error).message, /the disk is full/);
        }
      });
      assert.equal(valuesOf(store), { own: 7 });
      await store.put('things', 'own', object('own', 8));
    });
    await withStore(open(small), (store) => {
      assert.equal(valuesOf(store), { own: 8 });
      return Promise.resolve();
    });
  }));

test.run();
