// Which certificates are believed, and that no password goes to those that are not.
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { certificateFingerprint, createCertificate } from '../../provision/api/certificate.ts';
import { LAB_ADMIN, withSimulatedBmc } from '../../sim/bmc/lab.ts';
import type { TlsTrust } from '../driver.ts';
import { BmcError } from '../errors.ts';
import { openDriver } from '../open.ts';

async function powerWith(trust: (cert: string) => TlsTrust | undefined): Promise<unknown> {
  const certificate = await createCertificate(['127.0.0.1'], new Date());
  const tls = trust(certificate.cert);
  let result: unknown;
  await withSimulatedBmc(async ({ bmc }) => {
    const port = await bmc.listenRedfish(0, '127.0.0.1', certificate);
    const address = `redfish://127.0.0.1:${port}`;
    const driver = openDriver({ address, credentials: LAB_ADMIN, ...(tls && { tls }) });
    try {
      result = await driver.power(AbortSignal.timeout(60_000));
    } catch (error) {
      result = error;
      assert.is(bmc.redfishRequests, 0, 'nothing was sent to a service that is not believed');
    } finally {
      await driver.close();
    }
  });
  return result;
}

test('a certificate of an authority that is believed', async () => {
  assert.is(await powerWith((cert) => ({ ca: cert })), 'Off');
});

test('the one with the fingerprint, written either way', async () => {
  assert.is(await powerWith((cert) => ({ fingerprint: certificateFingerprint(cert) })), 'Off');
  const withColons = (cert: string) =>
    certificateFingerprint(cert)
      .toUpperCase()
      .replace(/(..)(?=.)/g, '$1:');
  assert.is(await powerWith((cert) => ({ fingerprint: withColons(cert) })), 'Off');
});

test('any, where the Device says so', async () => {
  assert.is(await powerWith(() => ({ insecure: true })), 'Off');
});

for (const [name, trust] of Object.entries({
  'one that nobody vouches for': undefined,
  'one with another fingerprint': { fingerprint: '00'.repeat(32) },
  'one with another fingerprint, although any would do': { fingerprint: '00'.repeat(32), insecure: true },
})) {
  test(`not ${name}`, async () => {
    const error = await powerWith(() => trust);
    assert.instance(error, BmcError);
    assert.is((error as BmcError).code, 'protocol');
    assert.match((error as BmcError).message, 'certificate');
  });
}

test.run();
