// The image cache, beside an origin that does whatever origins do.
import { spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readdir, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Log } from '../observe/log.ts';
import { eventually } from '../testing/eventually.ts';
import { tempDir } from '../testing/temp-dir.ts';
import { type CachedImage, ImageCache, type ImageCacheOptions, ImageChanged, NoRoom } from './cache.ts';
import { OriginError, readOrigin } from './origin.ts';

const silent = () => undefined;
const log: Log = { debug: silent, info: silent, warn: silent, error: silent };
const soon = () => AbortSignal.timeout(60_000);
const MIB = 1024 * 1024;

interface Origin {
  readonly url: string;
  /** Each as its Range header, or `all`. */
  readonly asked: string[];
  /** Answers this request in a way of its own, and says so. */
  fault: ((request: IncomingMessage, response: ServerResponse) => boolean) | undefined;
  file: Buffer;
  etag: string | undefined;
}

/** An origin as they should be, but for its faults. */
async function withOrigin(body: (origin: Origin, dir: string) => Promise<void>, file = randomBytes(3 * MIB)) {
  await using dir = await tempDir();
  const server = createServer((request, response) => {
    const from = /^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1];
    origin.asked.push(request.headers.range ?? 'all');
    if (origin.etag !== undefined) response.setHeader('etag', origin.etag);
    if (origin.fault?.(request, response)) return;
    const resumes = from !== undefined && request.headers['if-range'] === origin.etag;
    const rest = resumes ? origin.file.subarray(Number(from)) : origin.file;
    response.statusCode = resumes ? 206 : 200;
    response.setHeader('content-length', rest.length);
    if (resumes) response.setHeader('content-range', `bytes ${from}-${origin.file.length - 1}/${origin.file.length}`);
    response.end(rest);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const origin: Origin = {
    url: `http://127.0.0.1:${port}/image.raw?secret`,
    asked: [],
    fault: undefined,
    file,
    etag: '"1"',
  };
  try {
    await body(origin, dir.path);
  } finally {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
}

const digestOf = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex');
const sourceOf = ({ url, file }: Origin) => ({ url, sha256: digestOf(file) });

async function withCache(
  dir: string,
  body: (cache: ImageCache) => Promise<void>,
  more: Partial<ImageCacheOptions> = {},
): Promise<void> {
  const cache = new ImageCache({ dir: join(dir, 'cache'), maxBytes: 100 * MIB, log, retryMs: [1, 1, 1], ...more });
  try {
    await body(cache);
  } finally {
    await cache.close();
  }
}

async function all(image: CachedImage, from = 0): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of image.read(from, soon())) chunks.push(chunk);
  return Buffer.concat(chunks);
}

async function errorOf(work: Promise<unknown>): Promise<unknown> {
  return work.then(
    () => assert.unreachable('it was done'),
    (error: unknown) => error,
  );
}

/** Sends so many bytes of what is asked for, and then breaks the connection. */
const breaksAfter = (bytes: number, origin: Origin) => (request: IncomingMessage, response: ServerResponse) => {
  const from = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0);
  response.statusCode = from > 0 ? 206 : 200;
  if (from > 0) response.setHeader('content-range', `bytes ${from}-${origin.file.length - 1}/${origin.file.length}`);
  response.setHeader('content-length', origin.file.length - from);
  response.write(origin.file.subarray(from, from + bytes), () => response.destroy());
  return true;
};

test('many machines, one download; afterwards none', () =>
  withOrigin(async (origin, dir) => {
    await withCache(dir, async (cache) => {
      const read = async () => all(await cache.open(sourceOf(origin), soon()));
      const got = await Promise.all(Array.from({ length: 20 }, read));
      assert.ok(got.every((bytes) => bytes.equals(origin.file)));
      assert.equal(origin.asked, ['all']);
      const rest = await all(await cache.open(sourceOf(origin), soon()), 2 * MIB);
      assert.ok(rest.equals(origin.file.subarray(2 * MIB)));
    });
    await withCache(dir, async (cache) => {
      assert.ok((await all(await cache.open(sourceOf(origin), soon()))).equals(origin.file));
    });
    assert.equal(origin.asked, ['all']);
    assert.equal(await readdir(join(dir, 'cache')), [sourceOf(origin).sha256]);
  }));

test('a download that breaks goes on where it stopped, a few times without a byte', () =>
  withOrigin(async (origin, dir) => {
    await withCache(dir, async (cache) => {
      origin.fault = breaksAfter(700_000, origin);
      assert.ok((await all(await cache.open(sourceOf(origin), soon()))).equals(origin.file));
      assert.ok(origin.asked.length > 3 && origin.asked.slice(1).every((range) => /^bytes=\d+-$/.test(range)));
    });
    const other = randomBytes(MIB);
    await withCache(dir, async (cache) => {
      origin.file = other;
      origin.fault = (_request, response) => {
        response.destroy();
        return true;
      };
      origin.asked.length = 0;
      const error = await errorOf(cache.open(sourceOf(origin), soon()));
      assert.instance(error, OriginError);
      assert.not.match((error as Error).message, /secret/);
      assert.is(origin.asked.length, 4);
    });
  }));

test('an origin that knows no ranges, or has another file meanwhile, is read from the start; the digest decides', () =>
  withOrigin(async (origin, dir) => {
    await withCache(dir, async (cache) => {
      const wanted = sourceOf(origin);
      let broken = false;
      origin.etag = undefined;
      origin.fault = (request, response) => {
        if (broken) return false;
        broken = true;
        return breaksAfter(700_000, origin)(request, response);
      };
      const image = await cache.open(wanted, soon());
      const read = await all(image).then(
        (bytes) => bytes.equals(origin.file),
        (error: unknown) => error instanceof ImageChanged,
      );
      assert.ok(read, 'whoever read of the first try is told, unless he had not begun');
      assert.ok((await all(await cache.open(wanted, soon()))).equals(origin.file));
      assert.equal(origin.asked, ['all', 'all']);
    });
  }));

test('what has another digest is not kept', () =>
  withOrigin(async (origin, dir) => {
    await withCache(dir, async (cache) => {
      const wrong = { url: origin.url, sha256: '0'.repeat(64) };
      const error = await errorOf(cache.open(wrong, soon()).then((image) => all(image)));
      assert.instance(error, ImageChanged);
      assert.equal(await readdir(join(dir, 'cache')), []);
      assert.instance(await errorOf(cache.open({ url: origin.url, sha256: '../../etc/passwd' }, soon())), RangeError);
    });
  }));

test('an origin that says no, or nothing, is told as what it does', () =>
  withOrigin(async (origin, dir) => {
    const more = { stallMs: 200, retryMs: [1] };
    await withCache(
      dir,
      async (cache) => {
        origin.fault = (_request, response) => {
          response.writeHead(404).end();
          return true;
        };
        const missing = (await errorOf(cache.open(sourceOf(origin), soon()))) as OriginError;
        assert.equal([missing.passing, origin.asked.length], [false, 1]);
        assert.match(missing.message, /answers 404$/);
        origin.fault = () => true;
        const silence = (await errorOf(cache.open(sourceOf(origin), soon()))) as OriginError;
        assert.equal([silence.passing, origin.asked.length], [true, 3]);
        assert.match(silence.message, /nothing came for 0\.2 s/);
      },
      more,
    );
  }));

test('what was used longest ago makes room, and what has none is refused', () =>
  withOrigin(async (origin, dir) => {
    const files = ['a', 'b', 'c'].map((letter) => Buffer.alloc(MIB, letter));
    await withCache(
      dir,
      async (cache) => {
        const fetch = async (file: Buffer) => {
          origin.file = file;
          assert.ok((await all(await cache.open(sourceOf(origin), soon()))).equals(file));
        };
        await fetch(files[0]!);
        await fetch(files[1]!);
        await fetch(files[0]!); // used again, so the other one is older
        await fetch(files[2]!);
        const kept = await readdir(join(dir, 'cache'));
        assert.equal(kept.sort(), [digestOf(files[0]!), digestOf(files[2]!)].sort());
        origin.file = Buffer.alloc(3 * MIB, 'd');
        assert.instance(await errorOf(cache.open(sourceOf(origin), soon())), NoRoom);
        // What is being read stays, and then there is no room.
        const reading = await Promise.all(
          [files[0]!, files[2]!].map((file) => cache.open({ url: origin.url, sha256: digestOf(file) }, soon())),
        );
        origin.file = files[1]!;
        assert.instance(await errorOf(cache.open(sourceOf(origin), soon())), NoRoom);
        for (const image of reading) await image.close();
        await fetch(files[1]!);
      },
      { maxBytes: 2 * MIB + 1000 },
    );
  }));

test('a file is read whole over a connection that breaks, and never put together of two', () =>
  withOrigin(async (origin) => {
    const read = async () => {
      const chunks: Uint8Array[] = [];
      for await (const chunk of readOrigin(origin.url, soon(), [1, 1, 1])) chunks.push(chunk);
      return Buffer.concat(chunks);
    };
    origin.fault = breaksAfter(700_000, origin);
    assert.ok((await read()).equals(origin.file));
    origin.etag = undefined;
    const error = (await errorOf(read())) as OriginError;
    assert.match(error.message, /cannot be gone on with$/);
  }));

/** Fetches an image in a process of its own, and prints a line when it is there. */
const FETCHER = `
import { ImageCache } from ${JSON.stringify(new URL('./cache.ts', import.meta.url).href)};
const [dir, url, sha256] = process.argv.slice(1);
const log = { debug() {}, info() {}, warn() {}, error() {} };
const image = await new ImageCache({ dir, maxBytes: 1e9, log, retryMs: [] }).open({ url, sha256 }, new AbortController().signal);
for await (const chunk of image.read(0, new AbortController().signal)) console.log(chunk.length);
`;

test('killed at any point, the next process goes on there', () =>
  withOrigin(async (origin, dir) => {
    const { url, sha256 } = sourceOf(origin);
    const cache = join(dir, 'cache');
    // The rest does not come before the process is dead.
    origin.fault = (_request, response) => {
      response.writeHead(200, { 'content-length': origin.file.length });
      response.write(origin.file.subarray(0, 2 * MIB));
      return true;
    };
    const args = ['--input-type=module', '-e', FETCHER, cache, url, sha256];
    const fetcher = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    let read = 0;
    fetcher.stdout.on('data', (lines: Buffer) => {
      for (const line of lines.toString().trim().split('\n')) read += Number(line);
    });
    await eventually(() => read === 2 * MIB);
    fetcher.kill('SIGKILL');
    await once(fetcher, 'exit');
    origin.fault = undefined;
    await withCache(dir, async (next) => {
      assert.ok((await all(await next.open({ url, sha256 }, soon()))).equals(origin.file));
    });
    assert.equal(origin.asked, ['all', `bytes=${2 * MIB}-`]);
    // What was damaged on the disk meanwhile is found out by the digest.
    const other = randomBytes(MIB);
    origin.file = other;
    await writeFile(join(cache, `${digestOf(other)}.part`), randomBytes(1000));
    await writeFile(join(cache, `${digestOf(other)}.json`), JSON.stringify({ url, validator: '"1"' }));
    await withCache(dir, async (next) => {
      const wanted = { url, sha256: digestOf(other) };
      assert.instance(await errorOf(next.open(wanted, soon()).then((image) => all(image))), ImageChanged);
      assert.ok((await all(await next.open(wanted, soon()))).equals(other));
    });
  }));

test.run();
