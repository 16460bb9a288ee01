// Whom the agent talks to, and to whom it says nothing.
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { certificateFingerprint, createCertificate } from '../provision/api/certificate.ts';
import { ApiClient, WrongCertificate } from './client.ts';

const never = new AbortController().signal;

async function peer(run: (url: string, fingerprint: string, seen: string[]) => Promise<void>): Promise<void> {
  const tls = await createCertificate(['127.0.0.1'], new Date());
  const seen: string[] = [];
  let connections = 0;
  const server = createServer(tls, (request, response) => {
    seen.push(`${request.headers.authorization} on ${connections}`);
    request.resume();
    response.writeHead(200).end('{}');
  });
  server.on('secureConnection', () => connections++);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  try {
    const { port } = server.address() as AddressInfo;
    await run(`https://127.0.0.1:${port}`, certificateFingerprint(tls.cert), seen);
  } finally {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
}

test('the operator is known by its certificate, and asked again on the same connection', () =>
  peer(async (url, fingerprint, seen) => {
    const client = new ApiClient({ url, fingerprint });
    await client.post('/', {}, never, 'one');
    await client.post('/', {}, never, 'two');
    client.close();
    assert.equal(seen, ['Bearer one on 1', 'Bearer two on 1']);
  }));

test('somebody else at the operator’s address is told nothing', () =>
  peer(async (url, _fingerprint, seen) => {
    for (const fingerprint of ['0'.repeat(64), '']) {
      const client = new ApiClient({ url, fingerprint });
      const error = await client.post('/', {}, never, 'secret').then(
        () => assert.unreachable('it was answered'),
        (failure: unknown) => failure,
      );
      assert.instance(error, WrongCertificate);
      client.close();
    }
    assert.equal(seen, []);
  }));

test('a peer that is not there is an error, and so is one that speaks no TLS', async () => {
  const client = new ApiClient({ url: 'https://127.0.0.1:1', fingerprint: '0'.repeat(64) });
  const error = await client.post('/', {}, never).catch((failure: unknown) => failure);
  assert.is((error as { code?: string }).code, 'ECONNREFUSED');
  client.close();
});

test('an aborted call ends at once, also while it is answered', async () => {
  const tls = await createCertificate(['127.0.0.1'], new Date());
  const asked = new AbortController();
  const server = createServer(tls, (_request, response) => {
    response.writeHead(200).write('{', () => asked.abort());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const client = new ApiClient({ url: `https://127.0.0.1:${port}`, fingerprint: certificateFingerprint(tls.cert) });
  try {
    for (const signal of [asked.signal, AbortSignal.abort()]) {
      const error = await client.post('/', {}, signal).catch((failure: unknown) => failure);
      assert.is((error as Error).name, 'AbortError');
    }
  } finally {
    client.close();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
});

test.run();
