// test-deadline: 300
// The operator with exactly the rights that manifests/ gives it: none is missing, and none is there for nothing. On the
// embedded API server the rules are judged here; on the cluster that E2E_KUBECONFIG names, RBAC judges the ServiceAccount too.
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { get } from 'node:https';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { OPERATOR_NAMESPACE } from '../../lib/api/names.ts';
import {
  CAPACITY_QUOTAS,
  DEVICES,
  DISCOVERIES,
  ENDPOINT_SLICES,
  HOSTS,
  INSTANCES,
  PLACEMENTS,
  SECRETS,
} from '../../lib/api/resources.ts';
import type { KubeClient } from '../../lib/kube/client.ts';
import { found } from '../../lib/kube/errors.ts';
import type { ObjectName, Resource } from '../../lib/kube/resource.ts';
import { eventually } from '../../lib/testing/eventually.ts';
import { ignoreMissing, instanceNamed, startPlatform } from './platform.ts';
import { attributesOf, Rights, readGrants } from './rights.ts';
import { servedGroups } from './service-account.ts';

test('requests are judged by verb, resource, namespace and name', () => {
  const path = '/api/v1/namespaces/bmp-system/secrets/a';
  assert.equal(attributesOf({ method: 'GET', path }), {
    verb: 'get',
    group: '',
    resource: 'secrets',
    namespace: 'bmp-system',
    name: 'a',
  });
  const status = attributesOf({ method: 'PATCH', path: '/apis/bmp.dev/v1alpha1/devices/d/status?fieldManager=x' });
  assert.is(`${status.verb} ${status.group} ${status.resource}`, 'patch bmp.dev devices/status');
  const one = '/apis/bmp.dev/v1alpha1/devices?watch=true&fieldSelector=metadata.name%3Dd';
  assert.is(attributesOf({ method: 'GET', path: one }).name, 'd');
  assert.is(attributesOf({ method: 'GET', path: one }).verb, 'watch');
  assert.is(attributesOf({ method: 'GET', path: '/api/v1/namespaces' }).verb, 'list');
});

test('what no rule allows is refused, in other namespaces and under other names too', () => {
  const grant = { verb: 'get', group: '', resource: 'secrets', namespace: 'bmp-system', names: ['a'] };
  const path = (namespace: string, name: string) => `/api/v1/namespaces/${namespace}/secrets/${name}`;
  const ask = (at: string) => new Rights([grant]).require({ method: 'GET', path: at });
  ask(path('bmp-system', 'a'));
  assert.throws(() => ask(path('bmp-system', 'b')), /no right to get secrets/);
  assert.throws(() => ask(path('default', 'a')), /no right to get secrets in default/);
  assert.throws(() => ask('/api/v1/namespaces/bmp-system/secrets'), /no right to list secrets/);
});

test('an owner that is held up must be one that the operator may hold up', () => {
  const create = {
    verb: 'create',
    group: 'bmp.dev',
    resource: 'deviceinventories',
    namespace: undefined,
    names: undefined,
  };
  const owner = { apiVersion: 'bmp.dev/v1alpha1', kind: 'Device', name: 'd', blockOwnerDeletion: true };
  const body = { metadata: { ownerReferences: [owner] } };
  const exchange = { method: 'POST', path: '/apis/bmp.dev/v1alpha1/deviceinventories', body } as const;
  assert.throws(() => new Rights([create]).require(exchange), /update devices\/finalizers/);
});

test('no rule has a wildcard', () => {
  for (const { group, resource, verb } of readGrants()) assert.not.match(`${group} ${resource} ${verb}`, /\*/);
});

/** Status of GET /metrics with this token; the certificate is the operator's own. */
async function readMetrics(port: number, token: string): Promise<number | undefined> {
  const asked = get({
    port,
    path: '/metrics',
    headers: { authorization: `Bearer ${token}` },
    rejectUnauthorized: false,
    agent: false,
  });
  const [response] = (await once(asked, 'response')) as [IncomingMessage];
  response.resume();
  await once(response, 'end');
  return response.statusCode;
}

/** Deletes an object past its finalizers, as people do who have lost their patience. */
async function deleteByForce(client: KubeClient, resource: Resource, name: ObjectName): Promise<void> {
  await client.delete(resource, name);
  await client.patch(resource, name, { type: 'merge', body: { metadata: { finalizers: null } } }).catch(ignoreMissing);
}

test('a life with lost answers, restarts and force needs every right, and no other', async () => {
  const platform = await startPlatform({
    count: 2,
    losesFirstAnswers: true,
    // Its finalizer is taken off by force.
    excused: (violation) => /Instance default\/web-1 .* is gone, and still has Device/.test(violation),
  });
  const { client, rights } = platform;
  const web = { name: 'web-1', namespace: 'default' };
  const vm = { name: 'vm-1', namespace: 'default' };
  const root = { name: 'root', namespace: 'default' };
  const quota = { name: 'plenty', namespace: 'default' };
  const foreign = { name: 'bm01', namespace: 'default' };
  const groups = await servedGroups(client);
  try {
    await platform.importFleet();
    await client.create(SECRETS, {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: root,
      data: { password: Buffer.from('correct horse').toString('base64') },
    });

    await platform.create(CAPACITY_QUOTAS, { metadata: quota, spec: { hard: { devices: 9, placements: 9 } } });

    // Somebody else's machine, in a pool of its own; it goes while nobody looks.
    await platform.create(HOSTS, { metadata: foreign, spec: { pool: 'lab', resources: { cpu: '4', memory: '8Gi' } } });
    const lab = { name: 'lab-1', namespace: 'default' };
    await platform.create(PLACEMENTS, { metadata: lab, spec: { resources: { cpu: '1', memory: '1Gi' }, pool: 'lab' } });
    await platform.until('the host to be used', () => platform.placement('lab-1')?.status?.phase === 'Bound');
    await client.delete(HOSTS, foreign);
    await platform.until('its loss to be seen', () => platform.placement('lab-1')?.status?.phase === 'Unschedulable');
    await client.delete(PLACEMENTS, lab);

    // Restored from a backup, it says that it had selected a device, as it was then.
    const { metadata, spec } = instanceNamed(web.name, {
      rootPasswordRef: { name: 'root' },
      networks: [{ name: 'lan' }],
      vmHost: { enabled: true },
    });
    const annotations = { 'bmp.dev/selected-device': `${platform.fleet.machines[0]!.name}@1` };
    await platform.create(INSTANCES, { metadata: { ...metadata, annotations }, spec });
    await platform.create(PLACEMENTS, { metadata: vm, spec: { resources: { cpu: '1', memory: '1Gi' } } });
    await platform.until('the placement to be bound', () => platform.placement('vm-1')?.status?.phase === 'Bound');

    // A machine that nobody knows boots from the network, and becomes somebody's.
    const mac = '52:54:00:ff:ff:01';
    await fetch(`${platform.bootUrl()}/discovery/v1/${mac}`);
    const discovery = { name: `mac-${mac.replaceAll(':', '-')}` };
    await eventually(() => found(client.get(DISCOVERIES, discovery)));
    const stranger = { bmc: { address: 'ipmi://127.0.0.1:9' }, bootMACAddress: mac, site: 'sim', adopted: true };
    await platform.create(DEVICES, { metadata: { name: 'stranger' }, spec: stranger });
    await eventually(async () => (await found(client.get(DISCOVERIES, discovery))) === undefined);
    await client.delete(DEVICES, { name: 'stranger' });

    // While nobody looks, the Service is led elsewhere and a bound placement vanishes.
    const slice = { name: 'bmp-provision', namespace: OPERATOR_NAMESPACE };
    await platform.restartOperator(async () => {
      await deleteByForce(client, PLACEMENTS, vm);
      if (!groups.has('discovery.k8s.io')) return;
      const elsewhere = { endpoints: [{ addresses: ['192.0.2.1'] }] };
      await client.patch(ENDPOINT_SLICES, slice, { type: 'merge', body: elsewhere });
    });
    await platform.until(
      'the ledger to be cleared',
      () => (platform.instance('web-1')?.status?.allocated?.placements ?? 0) === 0,
    );
    if (groups.has('discovery.k8s.io')) {
      const addresses = async () => (await client.get(ENDPOINT_SLICES, slice)).endpoints[0]?.addresses;
      await eventually(async () => (await addresses())?.[0] === '127.0.0.1');
    }
    const judged = groups.has('authentication.k8s.io');
    assert.is(await readMetrics(platform.metricsPort(), 'nobody'), judged ? 403 : 503);
    assert.is(await readMetrics(platform.metricsPort(), platform.adminToken), judged ? 200 : 503);

    const machine = platform.instance('web-1')!.status!.deviceName!;
    await platform.restartOperator(() => deleteByForce(client, INSTANCES, web));
    await platform.until('the device to be let go', () => platform.device(machine)?.status?.phase === 'Removed');

    // What is on it was of nobody any more, and its addresses with it, until a person offers it again.
    const left = platform.device(machine)!;
    await platform.patch(DEVICES, left, { putAway: false });
    await platform.until('it to be taken down', () => platform.device(machine)?.status?.takenDown === true);
    // Its agent fails, and again, and its log is kept.
    const disk = platform.fleet.machine(machine).profile.rootDisk.serialNumber;
    platform.fleet.machine(machine).fault({ kind: 'disk', serialNumber: disk, does: 'fails' });
    await platform.patch(DEVICES, left, { putAway: true });
    await platform.until('two tries', () => (platform.device(machine)?.status?.error?.count ?? 0) >= 2);
    platform.fleet.machine(machine).fault(undefined);
    await platform.until('it to be wiped', () => platform.device(machine)?.status?.phase === 'Available');

    const other = platform.view.all().devices.find(({ metadata: { name } }) => name !== machine)!;
    await platform.patch(DEVICES, other, { putAway: false, requests: { collect: 'again' } });
    await platform.until(
      'a device to be collected again',
      () => platform.device(other.metadata.name)?.status?.requests?.collect?.result === 'Succeeded',
    );
    await platform.patch(DEVICES, other, { requests: { rotatePassword: 'now' } });
    await platform.until(
      'the BMC of a device to have another password',
      () => platform.device(other.metadata.name)?.status?.requests?.rotatePassword?.result === 'Succeeded',
    );
    // The event whose answer was lost is written again after a while.
    await eventually(() => !rights.unused(groups).some((right) => right.endsWith(' events')));
    assert.equal(rights.unused(groups), []);
  } finally {
    await client.delete(HOSTS, foreign).catch(ignoreMissing);
    await client.delete(CAPACITY_QUOTAS, quota).catch(ignoreMissing);
    await client.delete(SECRETS, root).catch(ignoreMissing);
    await platform.close();
  }
});

test.run();
