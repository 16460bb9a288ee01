// What is encrypted in the file, under which key, and what happens when that is not there.
import { chmod, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { inDirectory, object, refusal, withStore } from './fixture.ts';

const now = () => Date.now();
const PASSWORD = 'correct-horse-battery-staple';
const open = (path: string) => ({ path, now, sealed: ['secrets'] });
const newKey = () => Buffer.from(crypto.getRandomValues(new Uint8Array(32))).toString('base64');

/** Whether the text is in the database file or its log. */
async function isOnDisk(path: string, text: string): Promise<boolean> {
  const files = [path, `${path}-wal`];
  const contents = await Promise.all(
    files.map((file) =>
      readFile(file).catch((error: NodeJS.ErrnoException) => {
        // There is no log while nobody has the database open.
        if (error.code === 'ENOENT') return Buffer.alloc(0);
        throw error;
      }),
    ),
  );
  return contents.some((content) => content.includes(text));
}

async function put(path: string): Promise<void> {
  await withStore(open(path), async (store) => {
    await store.put('secrets', 'default/bmc', object('bmc', PASSWORD));
  });
}

async function isThere(path: string): Promise<void> {
  await withStore(open(path), (store) => {
    assert.is(store.get('secrets', 'default/bmc')?.object['value'], PASSWORD);
    return Promise.resolve();
  });
}

test('nothing of a sealed object is in the file or its log, and all of it comes back', () =>
  inDirectory(async (path) => {
    await withStore(open(path), async (store) => {
      await store.put('secrets', 'default/bmc', object('bmc', PASSWORD));
      await store.put('secrets', 'default/bmc', object('bmc', `${PASSWORD}2`));
      await store.put('secrets', 'default/bmc', object('bmc', PASSWORD));
      await store.put('things', 'open', object('open', 'everybody may know'));
      assert.ok(await isOnDisk(path, 'everybody may know'));
      assert.not.ok(await isOnDisk(path, PASSWORD));
    });
    assert.not.ok(await isOnDisk(path, PASSWORD));
    assert.is((await stat(`${path}.key`)).mode & 0o777, 0o600);
    await isThere(path);
  }));

test('without its key, or with another, the database is not opened and loses nothing', () =>
  inDirectory(async (path) => {
    await put(path);
    await rename(`${path}.key`, `${path}.away`);
    assert.match(await refusal(open(path)), /state\.db\.key is missing.*encrypted with key [0-9a-f]{16}: put it back/);
    await writeFile(`${path}.key`, `${newKey()}\n`, { mode: 0o600 });
    assert.match(await refusal(open(path)), /encrypted with key [0-9a-f]{16}, which is not in .*state\.db\.key/);
    await writeFile(`${path}.key`, 'not a key\n');
    assert.match(await refusal(open(path)), /must hold keys of 32 bytes/);
    await rm(`${path}.key`);
    await rename(`${path}.away`, `${path}.key`);
    await chmod(`${path}.key`, 0o644);
    assert.match(await refusal(open(path)), /can be read by others \(mode 644\): chmod 600/);
    await chmod(`${path}.key`, 0o600);
    await isThere(path);
  }));

test('a new key on top takes over at the next start, and the old one may go', () =>
  inDirectory(async (path) => {
    await put(path);
    const old = await readFile(`${path}.key`, 'utf8');
    const fresh = newKey();
    await writeFile(`${path}.key`, `${fresh}\n${old}`);
    await isThere(path);
    await writeFile(`${path}.key`, `${fresh}\n`);
    await isThere(path);
    await writeFile(`${path}.key`, old);
    assert.match(await refusal(open(path)), /which is not in/);
  }));

test('a sealed record that was changed or moved is noticed', () =>
  inDirectory(async (path) => {
    await withStore(open(path), async (store) => {
      await store.put('secrets', 'a/mine', object('mine', 'one'));
      await store.put('secrets', 'b/theirs', object('theirs', 'two'));
    });
    const database = new DatabaseSync(path);
    database.exec("UPDATE log SET sealed = (SELECT sealed FROM log WHERE key = 'b/theirs') WHERE key = 'a/mine'");
    database.close();
    assert.match(await refusal(open(path)), /state\.db is damaged .*secrets a\/mine version 1/);
  }));

/** A database as it was before anything was encrypted. */
function writeFormat1(path: string): void {
  const database = new DatabaseSync(path);
  database.exec('PRAGMA auto_vacuum = INCREMENTAL; PRAGMA journal_mode = WAL');
  database.exec(`CREATE TABLE log (revision INTEGER PRIMARY KEY, collection TEXT NOT NULL, key TEXT NOT NULL,
    at INTEGER NOT NULL, text TEXT) STRICT`);
  database.exec('CREATE TABLE meta (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT');
  database.exec("INSERT INTO meta VALUES ('compacted', 0); PRAGMA user_version = 1");
  const insert = database.prepare('INSERT INTO log VALUES (?, ?, ?, ?, ?)');
  const text = (name: string, value: string) => JSON.stringify(object(name, value));
  insert.run(1, 'secrets', 'default/bmc', now(), text('bmc', `${PASSWORD}-before`));
  insert.run(2, 'secrets', 'default/bmc', now(), text('bmc', PASSWORD));
  insert.run(3, 'things', 'open', now(), text('open', 'known'));
  insert.run(4, 'things', 'gone', now(), null);
  database.close();
}

test('a database from before is encrypted at its first start, and nothing stays in clear', () =>
  inDirectory(async (path) => {
    writeFormat1(path);
    assert.ok(await isOnDisk(path, PASSWORD));
    await withStore(open(path), async (store) => {
      assert.is(store.get('secrets', 'default/bmc')?.object['value'], PASSWORD);
      assert.is(store.get('things', 'open')?.object['value'], 'known');
      assert.is(store.revision, 4);
      assert.is(store.since('secrets', 0)?.length, 2);
      assert.not.ok(await isOnDisk(path, PASSWORD));
    });
    assert.not.ok(await isOnDisk(path, PASSWORD));
    await isThere(path);
  }));

test('a first start that was cut short before the old pages were gone is made up for', () =>
  inDirectory(async (path) => {
    writeFormat1(path);
    await isThere(path);
    const database = new DatabaseSync(path);
    database.exec('PRAGMA user_version = 1');
    database.close();
    await isThere(path);
    assert.is(new DatabaseSync(path).prepare('PRAGMA user_version').get()?.['user_version'], 2);
  }));

test.run();
