// A Secret that something else keeps as it wants it: told from real kubectl, server-side apply and owners, and not rotated.
// test-deadline: 240
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Device } from '../../lib/api/generated.ts';
import { SECRETS, type Secret } from '../../lib/api/resources.ts';
import { BmcPool } from '../../lib/bmc/pool.ts';
import { isConflict } from '../../lib/kube/errors.ts';
import { startCluster, type TestCluster } from '../../lib/testing/cluster.ts';
import { createFakeClock } from '../../lib/testing/fake-clock.ts';
import { peerTest } from '../../lib/testing/peers.ts';
import { passwordOwner } from './rotation-owner.ts';
import { rotateIfAsked } from './rotation-request.ts';

const run = promisify(execFile);
const base64 = (text: string) => Buffer.from(text).toString('base64');

const secretNamed = (namespace: string, name: string): Secret => ({
  apiVersion: 'v1',
  kind: 'Secret',
  metadata: { name, namespace },
  data: { username: base64('admin'), password: base64('a-secret') },
});

/** A rotation without a BMC to reach, of the Secret as the cache has it: what the pass answers. */
async function asked({ client, namespace }: TestCluster, secret: Secret) {
  const { name } = secret.metadata;
  const device: Device = {
    apiVersion: 'bmp.dev/v1alpha1',
    kind: 'Device',
    metadata: { name },
    spec: {
      bmc: { address: 'ipmi://192.0.2.1', credentialsRef: { name } },
      bootMACAddress: '52:54:00:00:00:01',
      site: 'lab',
      requests: { rotatePassword: 'once' },
    },
  };
  const deps = {
    client,
    bmcs: new BmcPool(() => assert.unreachable('the BMC is not touched') as never),
    clock: createFakeClock(),
    namespace,
    loginDigest: () => 'digest',
    stores: { devices: new Map([[name, device]]), sites: new Map<string, never>() },
    events: { event: () => undefined },
  };
  const status = { credentials: { good: { name, digest: 'digest' } } };
  const { managedFields: _, ...cached } = secret.metadata; // as caches have it
  const around = { secret: { ...secret, metadata: cached }, secretName: name };
  const rotating = { deps, device, status, around, login: 'digest', atRest: true };
  const after = await rotateIfAsked(rotating, AbortSignal.timeout(60_000));
  return after?.requests?.rotatePassword;
}

test('ironcore 255: a Secret that is applied is not rotated, and the refusal says by whom it is and what to do', async () => {
  await using cluster = await startCluster();
  const { client, namespace } = cluster;
  for (const manager of ['argocd-controller', 'kustomize-controller', 'bmp-sync', 'somebody']) {
    const object = secretNamed(namespace, manager);
    await client.patch(SECRETS, object.metadata, { type: 'apply', object, fieldManager: manager });
    const answer = await asked(cluster, await client.get(SECRETS, object.metadata));
    const told = `${manager} keeps data.password of the Secret ${namespace}/${manager} `;
    assert.is(answer?.result, 'Refused', manager);
    assert.match(answer?.message ?? '', told);
    assert.match(answer?.message ?? '', 'kubectl create');
    assert.equal((await client.get(SECRETS, object.metadata)).data, object.data);
  }
});

test('ironcore 255: a password that somebody has changed is not overwritten by a rotation that began from the old one', async () => {
  await using cluster = await startCluster();
  const { client, namespace } = cluster;
  const before = await client.create(SECRETS, secretNamed(namespace, 'a'));
  const theirs = { username: base64('admin'), password: base64('theirs') };
  await client.patch(SECRETS, before.metadata, { type: 'merge', body: { data: theirs } });
  const error: unknown = await asked(cluster, before).catch((refusal: unknown) => refusal);
  assert.ok(isConflict(error), String(error));
  assert.equal((await client.get(SECRETS, before.metadata)).data, theirs);
});

test('whoever applies other fields only, or applied the password before somebody else changed it, does not count', async () => {
  await using cluster = await startCluster();
  const { client, namespace } = cluster;
  const object = secretNamed(namespace, 'a');
  await client.create(SECRETS, object);
  const { data: _, ...labelled } = { ...object, metadata: { ...object.metadata, labels: { rack: 'r1' } } };
  await client.patch(SECRETS, object.metadata, { type: 'apply', object: labelled, fieldManager: 'argocd-controller' });
  assert.is(passwordOwner(await client.get(SECRETS, object.metadata)), undefined);
  const changed = { ...object, data: { ...object.data, password: base64('another') } };
  await client.patch(SECRETS, object.metadata, { type: 'apply', object: changed, fieldManager: 'flux', force: true });
  assert.is(passwordOwner(await client.get(SECRETS, object.metadata)), 'flux');
  const body = { data: { password: base64('rotated') } };
  await client.patch(SECRETS, object.metadata, { type: 'merge', body });
  assert.is(passwordOwner(await client.get(SECRETS, object.metadata)), undefined);
});

test('bmp import applies by no force, and so does not count', async () => {
  await using cluster = await startCluster();
  const object = secretNamed(cluster.namespace, 'a');
  await cluster.client.patch(SECRETS, object.metadata, { type: 'apply', object, fieldManager: 'bmp-import' });
  assert.is(passwordOwner(await cluster.client.get(SECRETS, object.metadata)), undefined);
});

test('a Secret that is made from another object is told by that', () => {
  const secret = secretNamed('ns', 'a');
  const owner = { apiVersion: 'bitnami.com/v1alpha1', kind: 'SealedSecret', name: 'a', uid: 'u', controller: true };
  assert.is(passwordOwner({ ...secret, metadata: { ...secret.metadata, ownerReferences: [owner] } }), 'SealedSecret a');
});

peerTest('kubectl', 'kubernetes-client')('kubectl apply counts, of either kind; kubectl create does not', async () => {
  await using cluster = await startCluster();
  const owners: Record<string, string | undefined> = {};
  for (const [name, ...command] of [
    ['created', 'create'],
    ['applied', 'apply'],
    ['applied-by-server', 'apply', '--server-side'],
  ] as const) {
    const flags = ['--kubeconfig', cluster.kubeconfig, ...command, '-f', '-'];
    const kubectl = run('kubectl', flags);
    kubectl.child.stdin!.end(JSON.stringify(secretNamed(cluster.namespace, name)));
    await kubectl;
    owners[name] = passwordOwner(await cluster.client.get(SECRETS, { namespace: cluster.namespace, name }));
  }
  assert.equal(owners, { created: undefined, applied: 'kubectl-client-side-apply', 'applied-by-server': 'kubectl' });
});

test.run();
