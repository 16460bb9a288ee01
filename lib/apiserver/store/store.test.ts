// The store: what is visible when, what is kept, what is forgotten, and what a bad file does.
import { chmod, stat, truncate, writeFile } from 'node:fs/promises';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Change } from './entry.ts';
import { inDirectory, object, refusal, withStore } from './fixture.ts';

const names = (entries: Iterable<{ key: string }> | undefined) => Array.from(entries ?? [], ({ key }) => key);
const now = () => Date.now();

test('a write is decided on at once, and seen when it is on disk', () =>
  inDirectory((path) =>
    withStore({ path, now }, async (store) => {
      const seen: Change[] = [];
      store.watch('things', (change) => seen.push(change));
      const writing = store.put('things', 'a', object('a'));
      assert.is(store.latest('things', 'a')?.object.metadata.name, 'a');
      assert.is(store.get('things', 'a'), undefined);
      assert.equal(seen, []);
      const entry = await writing;
      assert.is(store.get('things', 'a'), entry);
      assert.is(seen.length, 1);
      assert.is(store.revision, entry.revision);
      assert.is(entry.object.metadata.resourceVersion, String(entry.revision));
    }),
  ));

test('everything is there again after reopening, and revisions go on', () =>
  inDirectory(async (path) => {
    let last = 0;
    await withStore({ path, now }, async (store) => {
      await Promise.all(['b', 'a', 'c'].map((name) => store.put('things', name, object(name))));
      await store.put('things', 'a', object('a', 2));
      last = await store.delete('things', 'b');
    });
    await withStore({ path, now }, async (store) => {
      assert.is(store.revision, last);
      assert.equal(names(store.list('things', { prefix: '' })), ['a', 'c']);
      assert.is(store.get('things', 'a')?.object['value'], 2);
      assert.equal(
        store.since('things', 0)?.map(({ key, next }) => (next ? key : `-${key}`)),
        ['b', 'a', 'c', 'a', '-b'],
      );
      const entry = await store.put('things', 'd', object('d'));
      assert.is(entry.revision, last + 1);
    });
  }));

test('a list of the past is as it was', () =>
  inDirectory((path) =>
    withStore({ path, now }, async (store) => {
      for (const name of ['a', 'b', 'c']) await store.put('things', name, object(name, 1));
      const then = store.revision;
      await store.delete('things', 'a');
      await store.put('things', 'b', object('b', 2));
      await store.put('things', 'bb', object('bb'));
      const past = [...store.listAt('things', { prefix: '' }, then)!];
      assert.equal(names(past), ['a', 'b', 'c']);
      assert.is(past[1]?.object['value'], 1);
      assert.equal(names(store.listAt('things', { prefix: '', after: 'a' }, then)), ['b', 'c']);
      assert.equal(names(store.listAt('things', { prefix: '' }, store.revision)), ['b', 'bb', 'c']);
    }),
  ));

test('what is too old is forgotten, also over a restart, and the newest state never is', () =>
  inDirectory(async (path) => {
    let time = 1_000_000;
    const options = { path, now: () => time, history: { milliseconds: 1000, bytes: 2 ** 20 } };
    let forgotten = 0;
    await withStore(options, async (store) => {
      await store.put('things', 'old', object('old'));
      await store.put('things', 'gone', object('gone'));
      forgotten = await store.delete('things', 'gone');
      time += 5000;
      await store.put('things', 'new', object('new'));
      await store.put('things', 'new', object('new', 2));
      assert.is(store.since('things', forgotten - 1), undefined);
      assert.is(store.listAt('things', { prefix: '' }, forgotten - 1), undefined);
      assert.is(store.since('things', forgotten)?.length, 2);
    });
    await withStore(options, async (store) => {
      assert.equal(names(store.list('things', { prefix: '' })), ['new', 'old']);
      assert.is(store.compacted, forgotten);
      assert.is(store.since('things', forgotten - 1), undefined);
      assert.is(store.since('things', forgotten)?.length, 2);
    });
  }));

test('the file stays small however much is written', () =>
  inDirectory(async (path) => {
    let time = 1_000_000;
    const options = { path, now: () => time, history: { milliseconds: 1000, bytes: 2 ** 20 } };
    await withStore(options, async (store) => {
      const text = 'x'.repeat(10_000);
      for (let round = 0; round < 300; round++) {
        time += 500;
        await Promise.all(
          Array.from({ length: 20 }, (_, index) => store.put('things', `k${index}`, object(`k${index}`, text))),
        );
      }
      // 60 MB went through it; 200 kB are alive and 1 MB may be remembered.
      const sizes = await Promise.all([path, `${path}-wal`].map(async (file) => (await stat(file)).size));
      assert.ok(sizes[0]! < 4_000_000, `${sizes[0]} bytes`);
      // SQLite takes the log into the file every thousand pages; it is cut back to 16 MiB after something large.
      assert.ok(sizes[1]! < 17_000_000, `${sizes[1]} bytes of log`);
    });
    const { size } = await stat(path);
    assert.ok(size < 4_000_000, `${size} bytes`);
  }));

test('one store at a time', () =>
  inDirectory((path) =>
    withStore({ path, now }, async () => {
      assert.match(await refusal({ path, now }), /^another API server is using /);
    }),
  ));

test('a full disk fails the write, says so, and what was there stays', () =>
  inDirectory(async (path) => {
    const options = { path, now, maxBytes: 400_000 };
    let written = 0;
    await withStore(options, async (store) => {
      let full: Error | undefined;
      for (let index = 0; index < 200 && !full; index++) {
        await store.put('things', `k${index}`, object(`k${index}`, 'x'.repeat(5000))).then(
          () => written++,
          (error: Error) => {
            full = error;
          },
        );
      }
      assert.match(full?.message ?? '', /the disk is full/);
      assert.is(store.count('things'), written);
      assert.is(store.latest('things', `k${written}`), undefined);
      // What frees space still works.
      await store.delete('things', 'k0');
      assert.is(store.count('things'), written - 1);
    });
    await withStore({ path, now }, async (store) => assert.is(store.count('things'), written - 1));
  }));

test('a damaged file is refused with its name', () =>
  inDirectory(async (path) => {
    await writeFile(path, 'this is no database, however long it goes on '.repeat(200));
    assert.match(await refusal({ path, now }), /state\.db is damaged/);
    await truncate(path);
    await withStore({ path, now }, async (store) => assert.is(store.revision, 0));
  }));

test('a byte that has changed in the file is noticed, and the object named', () =>
  inDirectory(async (path) => {
    await withStore({ path, now }, async (store) => {
      await store.put('things', 'good', object('good', 'content'));
      await store.put('things', 'bad', object('bad', 'content'));
    });
    const database = new DatabaseSync(path);
    database.exec("UPDATE log SET text = replace(text, 'content', 'c0ntent') WHERE key = 'bad'");
    database.close();
    assert.match(await refusal({ path, now }), /state\.db is damaged .*things bad version 2.*restore a backup/);
  }));

test('a file that cannot be written is refused with its name', async () => {
  // The superuser may write everything.
  if (process.getuid?.() === 0) return;
  await inDirectory(async (path) => {
    await withStore({ path, now }, async (store) => void (await store.put('things', 'a', object('a'))));
    await chmod(path, 0o400);
    assert.match(await refusal({ path, now }), /state\.db/);
  });
});

test.run();
