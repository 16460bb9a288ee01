// Certificates that renew themselves: while the server serves, and at a start after a crash between key and certificate.
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect } from 'node:tls';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { eventually } from '../../testing/eventually.ts';
import { Client } from '../conformance/client.ts';
import { type ApiServer, startApiServer } from '../server.ts';
import { Authority } from './authority.ts';
import { readKubeconfig } from './kubeconfig.ts';
import { writePrivate } from './private-file.ts';

const DAY = 86_400_000;

async function inDirectory(run: (dir: string) => Promise<void>): Promise<void> {
  const dir = await mkdtemp(join(tmpdir(), 'certificates-'));
  try {
    await run(dir);
  } finally {
    await rm(dir, { recursive: true });
  }
}

/** The serial number of the certificate that a new connection gets, verified against the authority. */
async function serialOf({ port, caCertificate }: ApiServer): Promise<string> {
  const socket = connect({ host: '127.0.0.1', port, ca: caCertificate });
  await once(socket, 'secureConnect');
  const { serialNumber } = socket.getPeerX509Certificate()!;
  socket.destroy();
  return serialNumber;
}

test('a server whose certificate ends soon serves with a new one, and nobody is disconnected', () =>
  inDirectory(async (dir) => {
    const server = await startApiServer({ dir, certificateLifetime: 5000 });
    const client = new Client(server.kubeconfigPath);
    const watch = await client.watch('/api/v1/configmaps?watch=1&resourceVersion=0');
    const first = await serialOf(server);
    await eventually(async () => (await serialOf(server)) !== first);
    const metadata = { name: 'after' };
    await client.post('/api/v1/namespaces/default/configmaps', { apiVersion: 'v1', kind: 'ConfigMap', metadata });
    for (;;) {
      const event = await watch.next();
      assert.ok(event, 'the watch ended');
      if ((event.object['metadata'] as { name: string }).name === 'after') break;
    }
    watch.close();
    client.close();
    await server.close();
  }));

test('a serving certificate is kept until a sixth of its time is left', () =>
  inDirectory(async (dir) => {
    const now = Date.now();
    const authority = await Authority.open(dir, ['localhost'], now);
    const first = await authority.serving(now);
    assert.is((await authority.serving(first.renewAt - DAY)).key, first.key);
    assert.ok(first.renewAt > now + 300 * DAY && first.renewAt < now + 310 * DAY);
    const second = await authority.serving(first.renewAt + DAY);
    assert.is.not(second.key, first.key);
    assert.ok(second.renewAt > first.renewAt + 300 * DAY);
    const reopened = await Authority.open(dir, ['localhost'], now);
    assert.is(reopened.certificate, authority.certificate);
  }));

test('an authority that ends within two years is renewed, and clients that trust either are served', () =>
  inDirectory(async (dir) => {
    const pki = join(dir, 'pki');
    await mkdir(pki);
    const old = await Authority.open(pki, ['127.0.0.1'], Date.now() - 3000 * DAY);
    const server = await startApiServer({ dir });
    assert.is.not(server.caCertificate, old.certificate);
    const end = Date.parse(new X509Certificate(server.caCertificate).validTo);
    assert.ok(end > Date.now() + 3600 * DAY);
    const access = readKubeconfig(await readFile(server.kubeconfigPath, 'utf8'));
    assert.is(access.certificateAuthority, server.caCertificate);
    assert.is(await serialOf(server), await serialOf({ ...server, caCertificate: old.certificate }));
    await server.close();
    // The next start changes nothing.
    assert.is((await Authority.open(pki, ['127.0.0.1'], Date.now())).certificate, server.caCertificate);
  }));

test('an authority is renewed while it is in use', () =>
  inDirectory(async (dir) => {
    const now = Date.now();
    const authority = await Authority.open(dir, ['localhost'], now);
    const first = authority.certificate;
    const { key } = await authority.serving(now);
    await authority.serving(now + 2900 * DAY);
    assert.is(authority.certificate, first);
    const late = await authority.serving(now + 3600 * DAY);
    assert.is.not(authority.certificate, first);
    assert.is.not(late.key, key);
    assert.ok(late.renewAt > now + 3600 * DAY + 300 * DAY);
    const leaf = new X509Certificate(late.certificate);
    for (const trusted of [first, authority.certificate]) {
      const issuer = new X509Certificate(trusted);
      assert.ok(leaf.checkIssued(issuer) && leaf.verify(issuer.publicKey));
    }
  }));

test('a key and a certificate that do not belong together are replaced', () =>
  inDirectory(async (dir) => {
    const now = Date.now();
    const authority = await Authority.open(dir, ['localhost'], now);
    const { key } = await authority.serving(now);
    // As a crash between the two leaves them: the new key, the old certificate.
    const { key: other } = await (await Authority.open(await mkdtemp(join(dir, 'other-')), ['localhost'], now)).serving(
      now,
    );
    writePrivate(join(dir, 'server.key'), other);
    const fresh = await authority.serving(now);
    assert.not.ok([key, other].includes(fresh.key));
    assert.is(await readFile(join(dir, 'server.key'), 'utf8'), fresh.key);
  }));

test.run();
