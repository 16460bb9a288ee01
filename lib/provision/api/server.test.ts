// The API on the wire: what it refuses, with which status, and what a token is good for.
import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type ApiAnswer, ApiClient } from '../../agent/client.ts';
import type { Log } from '../../observe/log.ts';
import type { ProvisionBackend } from './backend.ts';
import { type Certificate, certificateFingerprint, createCertificate } from './certificate.ts';
import { type ImageShelf, imageAnswer } from './image-files.ts';
import { type ProvisionApi, type ProvisionApiOptions, startProvisionApi } from './server.ts';
import { bootToken, readSessionToken, sessionToken, systemToken } from './tokens.ts';

const silent = () => undefined;
const log: Log = { debug: silent, info: silent, warn: silent, error: silent };
const key = randomBytes(32);
const boot = { device: 'r1-01', deviceUID: 'd-1', operationId: 'o-1', boot: 1 };
const expiresAt = '2026-01-01T01:00:00Z';
const now = Date.parse('2026-01-01T00:00:00Z');
const session = { ...boot, nonceHash: 'ab'.repeat(32), expiresAt };
const never = new AbortController().signal;

const admitting: ProvisionBackend = {
  boot: () => undefined,
  openSession: async () => ({ expiresAt }),
  report: async () => ({ reportAfterMs: 1000 }),
  systemReport: async () => undefined,
  agentLog: silent,
};

/** On any free ports, for whoever comes. */
const start = (tls: Certificate, more: Partial<ProvisionApiOptions> = {}): Promise<ProvisionApi> =>
  startProvisionApi({ host: '127.0.0.1', port: 0, bootPort: 0, tls, key, log, backend: admitting, ...more });

interface Bench {
  readonly api: ProvisionApi;
  readonly post: (path: string, body: unknown, bearer?: string) => Promise<ApiAnswer>;
}

async function serving(
  backend: Partial<ProvisionBackend>,
  run: (bench: Bench) => Promise<void>,
  patience = { headersMs: 10_000, requestMs: 30_000 },
): Promise<void> {
  const tls = await createCertificate(['127.0.0.1'], new Date());
  const api = await start(tls, { backend: { ...admitting, ...backend }, now: () => now, holdMs: 50, patience });
  const client = new ApiClient(api);
  try {
    assert.is(api.fingerprint, certificateFingerprint(tls.cert));
    await run({ api, post: (path, body, bearer) => client.post(path, body, never, bearer) });
  } finally {
    client.close();
    await api.close();
  }
}

const opening = {
  token: bootToken(key, boot),
  nonce: 'n'.repeat(32),
  agentVersion: '1',
  identity: { serialNumber: 'S1', macAddresses: ['52:54:00:00:00:01'] },
  disks: [],
};
const code = (answer: ApiAnswer) => [answer.status, (JSON.parse(answer.body) as { code: string }).code];

test('a boot token is exchanged for a session that carries its claims', () =>
  serving({}, async ({ post }) => {
    const answer = await post('/agent/v1/session', opening);
    assert.is(answer.status, 201);
    const grant = JSON.parse(answer.body) as { session: string };
    const { nonceHash, ...claims } = readSessionToken(key, grant.session, now)!;
    assert.equal(claims, { ...boot, expiresAt });
    assert.is(nonceHash.length, 64);
    assert.is((await post('/agent/v1/report', {}, grant.session)).status, 200);
  }));

test('whoever has not the right token is refused with 401', () =>
  serving({}, async ({ post }) => {
    const over = sessionToken(key, { ...session, expiresAt: '2025-12-31T23:59:59Z' });
    const system = systemToken(key, { device: 'r1-01', deviceUID: 'd-1', instanceUID: 'i-1' });
    const foreign = bootToken(randomBytes(32), boot);
    const report = { instanceUID: 'i-2', bootID: 'b', hostname: 'h', addresses: [] };
    const refused = [
      await post('/agent/v1/session', { ...opening, token: foreign }),
      await post('/agent/v1/report', {}),
      await post('/agent/v1/report', {}, 'x'),
      await post('/agent/v1/report', {}, over),
      await post('/agent/v1/report', {}, opening.token),
      await post('/agent/v1/log', 'text', system),
      await post('/system/v1/report', report, sessionToken(key, session)),
      await post('/system/v1/report', report, system),
    ];
    assert.equal(
      refused.map(code),
      refused.map(() => [401, 'Unauthorized']),
    );
  }));

test('what the backend says becomes the status that the agent goes by', () =>
  serving(
    {
      openSession: async () => ({ refuse: 'invalid', message: 'serial number S1, not S2' }),
      report: async () => ({ refuse: 'stale', message: 'not wanted' }),
      systemReport: (_claims, _report, signal) =>
        new Promise((resolve) =>
          signal.addEventListener('abort', () => resolve({ refuse: 'later', message: 'not recorded yet' })),
        ),
    },
    async ({ post }) => {
      const refused = await post('/agent/v1/session', opening);
      assert.equal(JSON.parse(refused.body), { code: 'Unauthorized', message: 'serial number S1, not S2' });
      assert.is(refused.status, 401);
      assert.equal(code(await post('/agent/v1/report', {}, sessionToken(key, session))), [409, 'StaleTask']);
      const system = systemToken(key, { device: 'r1-01', deviceUID: 'd-1', instanceUID: 'i-1' });
      const report = { instanceUID: 'i-1', bootID: 'b', hostname: 'h', addresses: [] };
      const late = await post('/system/v1/report', report, system);
      assert.equal([late.status, late.retryAfterMs], [503, 2000]);
    },
  ));

test('a body that is not what it should be is refused before anybody looks at it', () =>
  serving({ report: () => Promise.reject(new Error('the report was let through')) }, async ({ post }) => {
    const token = sessionToken(key, session);
    const task = { id: 'o-1/a/1', kind: 'wipe', state: 'running', percent: 1 };
    const bad = [
      '{',
      [],
      { task: {} },
      { task: { ...task, kind: 'other' } },
      { task: { ...task, percent: 101 } },
      { task: { ...task, state: 'succeeded' } },
      { task: { ...task, state: 'succeeded', result: { diskSerialNumber: 'S' } } },
      { task: { ...task, state: 'failed' } },
      { task: { ...task, id: 'x'.repeat(300) } },
    ];
    for (const body of bad) {
      assert.equal(code(await post('/agent/v1/report', body, token)), [400, 'BadRequest'], JSON.stringify(body));
    }
    assert.equal(code(await post('/agent/v1/session', { ...opening, nonce: 'short' })), [400, 'BadRequest']);
    const mac = { serialNumber: 'S1', macAddresses: ['not a MAC'] };
    assert.equal(code(await post('/agent/v1/session', { ...opening, identity: mac })), [400, 'BadRequest']);
    assert.equal(code(await post('/agent/v1/nowhere', {}, token)), [404, 'NotFound']);
  }));

test('a body beyond the limit is cut off with 413', () =>
  serving({}, async ({ post }) => {
    const token = sessionToken(key, session);
    assert.is((await post('/agent/v1/log', 'x'.repeat(1024 * 1024), token)).status, 204);
    assert.is((await post('/agent/v1/log', 'x'.repeat(1024 * 1024 + 1), token)).status, 413);
  }));

test('a failure of the backend is told to nobody outside', () =>
  serving({ report: () => Promise.reject(new Error('secret detail')) }, async ({ post }) => {
    const answer = await post('/agent/v1/report', {}, sessionToken(key, session));
    assert.is(answer.status, 500);
    assert.not.ok(answer.body.includes('secret'));
  }));

test('a boot script is for the MAC that waits for one, however it is written', () => {
  const urls = { kernelUrl: 'http://192.0.2.1/vmlinuz', initrdUrl: 'http://192.0.2.1/initrd' };
  const backend: Partial<ProvisionBackend> = {
    boot(mac) {
      if (mac === '52:54:00:00:00:01') return { ...boot, ...urls };
      return mac === '52:54:00:00:00:02' ? { refuse: 'later', message: 'not known yet' } : undefined;
    },
  };
  return serving(backend, async ({ api }) => {
    for (const mac of ['52:54:00:00:00:01', '52-54-00-00-00-01']) {
      const answer = await fetch(`${api.bootUrl}/boot/v1/${mac}`);
      const text = await answer.text();
      assert.is(answer.status, 200);
      assert.ok(text.startsWith('#!ipxe\n'));
      assert.ok(text.includes(` bmp.url=${api.url} bmp.fingerprint=${api.fingerprint} bmp.token=${opening.token} `));
    }
    const status = async (path: string, method = 'GET') => {
      const answer = await fetch(`${api.bootUrl}${path}`, { method });
      await answer.text();
      return answer.status;
    };
    const later = await (await fetch(`${api.bootUrl}/boot/v1/52:54:00:00:00:02`)).text();
    assert.ok(later.includes(`chain --autofree --replace ${api.bootUrl}/boot/v1/52:54:00:00:00:02`));
    assert.is(await status('/liveos/vmlinuz'), 404, 'no folder of files was given');
    assert.is(await status('/boot/v1/52:54:00:00:00:03'), 404);
    assert.is(await status('/boot/v1/other'), 404);
    assert.is(await status('/boot/v1/52:54:00:00:00:01', 'POST'), 404);
    assert.is(await status('/agent/v1/report', 'POST'), 404, 'agents are served over HTTPS alone');
  });
});

test('the live OS’s files are served as they are, and no others', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'bmp-files-'));
  const tls = await createCertificate(['127.0.0.1'], new Date());
  const bootFiles = join(dir, 'files');
  await mkdir(join(bootFiles, 'folder'), { recursive: true });
  await writeFile(join(dir, 'secret'), 'secret');
  const kernel = randomBytes(300_000);
  await writeFile(join(bootFiles, 'vmlinuz'), kernel);
  const api = await start(tls, { bootFiles });
  try {
    const answer = await fetch(`${api.bootUrl}/liveos/vmlinuz`);
    assert.is(answer.headers.get('content-length'), '300000');
    assert.ok(Buffer.from(await answer.arrayBuffer()).equals(kernel));
    for (const name of ['initrd', 'folder', '..%2fsecret', '../secret', '.hidden', '']) {
      assert.is((await fetch(`${api.bootUrl}/liveos/${name}`)).status, 404, name);
    }
  } finally {
    await api.close();
    await rm(dir, { recursive: true });
  }
});

/** What the door says to somebody who sends these bytes, and more of the last ones for as long as he is let. */
function answerTo(url: string, first: string, more: string): Promise<string> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve) => {
    const socket = connect(Number(port), hostname);
    let said = '';
    const drip = setInterval(() => socket.write(more), 20);
    socket.on('data', (chunk) => (said += chunk.toString('latin1')));
    // Cut off while he still sends: how does not matter.
    socket.on('error', () => undefined);
    socket.on('close', () => {
      clearInterval(drip);
      resolve(said);
    });
    socket.write(first);
  });
}

test('whoever is slow, or sends too much, is cut off, and nobody else waits for him', () =>
  serving(
    { boot: () => ({ refuse: 'later', message: 'not yet' }) },
    async ({ api }) => {
      const begun = 'GET /boot/v1/52:54:00:00:00:01 HTTP/1.1\r\nHost: boot\r\n';
      const slow = Array.from({ length: 50 }, () => answerTo(api.bootUrl, begun, 'X-Slow: 1\r\n'));
      const script = await fetch(`${api.bootUrl}/boot/v1/52:54:00:00:00:01`);
      assert.is(script.status, 200);
      assert.match(await script.text(), /^#!ipxe/);
      // Too many headers are refused before they are too slow.
      for (const said of await Promise.all(slow)) assert.match(said, /^HTTP\/1\.1 (408|431) /);
      assert.match(
        await answerTo(api.bootUrl, `${begun}X-Large: ${'x'.repeat(64 * 1024)}`, 'x'),
        /^(HTTP\/1\.1 431 |$)/,
      );
      const post = 'POST /agent/v1/session HTTP/1.1\r\nHost: boot\r\nContent-Length: 1000000\r\n\r\n';
      assert.match(await answerTo(api.bootUrl, post, 'x'), /^HTTP\/1\.1 404 /);
    },
    { headersMs: 400, requestMs: 800 },
  ));

test('close ends what is held', async () => {
  let held: () => void = silent;
  const asked = new Promise<void>((resolve) => {
    held = resolve;
  });
  const tls = await createCertificate(['127.0.0.1'], new Date());
  const api = await start(tls, {
    now: () => now,
    backend: {
      ...admitting,
      report(_session, _report, signal) {
        held();
        return new Promise((resolve) =>
          signal.addEventListener('abort', () => resolve({ refuse: 'later', message: '' })),
        );
      },
    },
  });
  const client = new ApiClient(api);
  const broken = client.post('/agent/v1/report', {}, never, sessionToken(key, session)).then(
    () => assert.unreachable('the report was answered'),
    (error: Error) => error,
  );
  await asked;
  await api.close();
  assert.instance(await broken, Error);
  client.close();
});

test('an image is given to whoever an operation lets have it, from any byte on, by GET alone', async () => {
  const sha256 = 'ab'.repeat(32);
  const bytes = Buffer.from('twelve bytes');
  const opened: string[] = [];
  let closed = 0;
  const shelf: ImageShelf = {
    open: async (wanted) => {
      opened.push(wanted.name);
      if (wanted.sha256 !== sha256) return undefined;
      return {
        totalBytes: bytes.length,
        async *read(from) {
          yield bytes.subarray(from);
        },
        close: async () => void closed++,
      };
    },
  };
  const asked = async (path: string, range?: string, headOnly = false) => {
    const never = new AbortController().signal;
    const answer = await imageAnswer(shelf, path, { range, headOnly }, { opening: never, whole: never });
    return [answer.status, answer.stream ? String(Buffer.concat(await answer.stream.toArray())) : undefined];
  };
  assert.equal(await asked(`/images/v1/debian-12/${sha256}`), [200, 'twelve bytes']);
  assert.equal(await asked(`/images/v1/debian-12/${sha256}`, 'bytes=7-'), [206, 'bytes']);
  assert.equal(await asked(`/images/v1/debian-12/${sha256}`, 'bytes=12-'), [416, undefined]);
  assert.equal(await asked(`/images/v1/debian-12/${sha256}`, undefined, true), [200, undefined]);
  assert.is(closed, 2);
  assert.equal(await asked(`/images/v1/debian-12/${'cd'.repeat(32)}`), [404, undefined]);
  opened.length = 0;
  for (const path of ['/images/v1/../secret', '/images/v1/', `/images/v1/${sha256}`, `/images/v1/a/${sha256}/x`])
    assert.equal(await asked(path), [404, undefined]);
  assert.equal(opened, []);
});

test('an image is closed, too, when whoever asked for it is gone before it begins', async () => {
  const tls = await createCertificate(['127.0.0.1'], new Date());
  const [asked, closed] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const gone = Promise.withResolvers<void>();
  let hasBegun = false;
  const images: ImageShelf = {
    async open(_wanted, signal) {
      // As soon as the server knows it.
      signal.addEventListener('abort', () => gone.resolve());
      asked.resolve();
      await gone.promise;
      return {
        totalBytes: 12,
        async *read() {
          hasBegun = true;
          yield Buffer.from('twelve bytes');
        },
        close: async () => closed.resolve(),
      };
    },
  };
  const api = await start(tls, { images });
  try {
    const client = new AbortController();
    const request = fetch(`${api.bootUrl}/images/v1/debian-12/${'ab'.repeat(32)}`, { signal: client.signal });
    await asked.promise;
    client.abort();
    assert.is(await request.catch((error: Error) => error.name), 'AbortError');
    await closed.promise;
    assert.not.ok(hasBegun);
  } finally {
    await api.close();
  }
});

test.run();
