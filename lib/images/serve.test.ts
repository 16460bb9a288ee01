// What machines and their iPXE ask of the file server.
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Log } from '../observe/log.ts';
import { tempDir } from '../testing/temp-dir.ts';
import { serveFolder } from './serve.ts';

const silent = () => undefined;
const log: Log = { debug: silent, info: silent, warn: silent, error: silent };

async function serving(body: (get: (path: string, init?: RequestInit) => Promise<Response>) => Promise<void>) {
  await using dir = await tempDir();
  await writeFile(join(dir.path, 'image.raw'), 'twelve bytes');
  const server = await serveFolder(dir.path, '127.0.0.1', 0, log);
  try {
    await body((path, init) => fetch(`http://127.0.0.1:${server.port}${path}`, init));
  } finally {
    await server.close();
  }
}

test('a file comes whole, or from where a download broke off', () =>
  serving(async (get) => {
    const whole = await get('/image.raw');
    assert.equal([whole.status, await whole.text()], [200, 'twelve bytes']);
    const rest = await get('/image.raw', { headers: { range: 'bytes=7-' } });
    assert.equal([rest.status, await rest.text()], [206, 'bytes']);
    assert.is(rest.headers.get('content-range'), 'bytes 7-11/12');
    assert.is((await get('/image.raw', { headers: { range: 'bytes=12-' } })).status, 416);
    const head = await get('/image.raw', { method: 'HEAD' });
    assert.equal([head.headers.get('content-length'), await head.text()], ['12', '']);
  }));

test('nothing outside of the folder, and nothing that is not there', () =>
  serving(async (get) => {
    for (const path of ['/missing', '/..%2fimage.raw', '/folder/image.raw', '/.hidden', '/']) {
      assert.is((await get(path)).status, 404, path);
    }
    assert.is((await get('/image.raw', { method: 'POST' })).status, 404);
  }));

test.run();
