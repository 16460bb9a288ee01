// A folder in a cluster: applied in order, taken away in the other, and nothing that is not meant.
import { rename } from 'node:fs/promises';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Device } from '../api/generated.ts';
import { DEVICES, SECRETS, SITES } from '../api/resources.ts';
import { isNotFound } from '../kube/errors.ts';
import type { KubeObject, ObjectName, Resource } from '../kube/resource.ts';
import { PART_OF } from './apply-set.ts';
import { device, image, secret, setOf, site, type World, world } from './fixtures.ts';
import { syncOnce } from './keep.ts';
import { CONFIG_MAPS } from './kinds.ts';

const never = new AbortController().signal;

async function find<T extends KubeObject>(
  { client }: World,
  resource: Resource<T>,
  name: ObjectName,
): Promise<T | undefined> {
  try {
    return await client.get(resource, name);
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}
const annotations = async (w: World) => (await w.client.get(CONFIG_MAPS, setOf('one'))).metadata.annotations ?? {};

test('applied in an order that works, and again without changing anything', async () => {
  await using w = await world();
  // By the order of its files, the other way round.
  await w.write(
    'a.yaml',
    device('r1') + secret('in-team', 'hunter2').replace('{name: in-team}', '{name: in-team, namespace: team}'),
  );
  await w.write('z/site.yaml', `${site('fra1')}apiVersion: v1\nkind: Namespace\nmetadata: {name: team}\n`);
  const lines: string[] = [];
  assert.is(await syncOnce(w.keep(lines), never), true);
  assert.equal(lines, [
    'Namespace/team created',
    'Secret/team/in-team created',
    'Site/fra1 created',
    'Device/r1 created',
    '4 objects: 4 created, 0 changed, 0 unchanged, 0 deleted',
  ]);
  assert.is(
    (await annotations(w))['applyset.kubernetes.io/contains-group-kinds'],
    'Device.bmp.dev,Namespace,Secret,Site.bmp.dev',
  );
  assert.is((await annotations(w))['applyset.kubernetes.io/additional-namespaces'], 'team');
  const stored = await w.client.get(SECRETS, { name: 'in-team', namespace: 'team' });
  assert.is(stored.data?.['password'], Buffer.from('hunter2').toString('base64'));
  const versions = async () =>
    Promise.all([
      w.client.get(DEVICES, { name: 'r1' }),
      w.client.get(SITES, { name: 'fra1' }),
      w.client.get(SECRETS, { name: 'in-team', namespace: 'team' }),
      w.client.get(CONFIG_MAPS, setOf('one')),
    ]).then((all) => all.map(({ metadata }) => metadata.resourceVersion));
  const before = await versions();
  const again: string[] = [];
  assert.is(await syncOnce(w.keep(again), never), true);
  assert.equal(again, ['4 objects: 0 created, 0 changed, 4 unchanged, 0 deleted']);
  assert.equal(await versions(), before);
});

test('nothing is applied while anything is wrong, and it is said once', async () => {
  await using w = await world();
  await w.write('a.yaml', site('fra1'));
  await w.write('b.yaml', image('debian', 'iso'));
  const lines: string[] = [];
  assert.is(await syncOnce(w.keep(lines), never), false);
  assert.equal(lines, [
    'b.yaml:4 Image/debian spec.format: expected one of raw, qcow2, tar, was "iso"',
    'nothing is applied: 1 problem',
  ]);
  assert.is(await find(w, SITES, { name: 'fra1' }), undefined);
});

test('a field that somebody changes is put back and told; what others write is left alone', async () => {
  await using w = await world();
  await w.write('a.yaml', site('fra1'));
  const lines: string[] = [];
  const keep = w.keep(lines);
  await syncOnce(keep, never);
  const body = { metadata: { labels: { mine: 'yes' } }, spec: { region: 'us' } };
  await w.client.patch(SITES, { name: 'fra1' }, { type: 'merge', body }, { fieldManager: 'kubectl-edit' });
  lines.length = 0;
  await syncOnce(keep, never);
  assert.is(lines[0], 'Site/fra1 drifted, put back: spec.region "us" → "eu"');
  const { metadata, spec } = await w.client.get(SITES, { name: 'fra1' });
  assert.is(spec.region, 'eu');
  assert.is(metadata.labels?.['mine'], 'yes');
  // A claim is the scheduler's, though it stands in spec.
  await w.write('a.yaml', site('fra1') + device('r1'));
  await syncOnce(keep, never);
  const claimRef = { namespace: 'default', name: 'web-1', uid: 'u' };
  await w.client.patch(DEVICES, { name: 'r1' }, { type: 'merge', body: { spec: { claimRef } } });
  lines.length = 0;
  await syncOnce(keep, never);
  assert.equal(lines, ['2 objects: 0 created, 0 changed, 2 unchanged, 0 deleted']);
  assert.equal((await w.client.get(DEVICES, { name: 'r1' })).spec.claimRef, claimRef);
});

test('a field that leaves its file leaves the object', async () => {
  await using w = await world();
  await w.write('a.yaml', device('r1', ', pool: gpu, taints: [{key: a, effect: NoSchedule}]'));
  const keep = w.keep([]);
  await syncOnce(keep, never);
  await w.write('a.yaml', device('r1'));
  await syncOnce(keep, never);
  const { spec } = await w.client.get(DEVICES, { name: 'r1' });
  assert.is(spec.pool, 'default');
  assert.is(spec.taints, undefined);
});

test('what leaves the folder goes, the last wave first, each waiting for the one behind it; namespaces stay', async () => {
  await using w = await world();
  const kept = site('kept');
  await w.write(
    'a.yaml',
    `${kept}${site('fra1')}${secret('bmc', 'x')}${device('r1')}apiVersion: v1\nkind: Namespace\nmetadata: {name: team}\n`,
  );
  const lines: string[] = [];
  const keep = w.keep(lines);
  await syncOnce(keep, never);
  // Its finalizer holds the device, as the operator's does until the machine is off.
  const finalizers = ['bmp.dev/device'];
  await w.client.patch(DEVICES, { name: 'r1' }, { type: 'merge', body: { metadata: { finalizers } } });
  await w.write('a.yaml', kept);
  lines.length = 0;
  const first = await keep.sync.pass(
    [
      {
        apiVersion: 'bmp.dev/v1alpha1',
        kind: 'Site',
        metadata: { name: 'kept' },
        spec: { region: 'eu' },
      } as KubeObject,
    ],
    never,
  );
  assert.equal([first.pruned, first.leaving], [1, 3]);
  assert.ok(
    (await find(w, SITES, { name: 'fra1' })) && (await find(w, SECRETS, { name: 'bmc', namespace: 'default' })),
  );
  await w.client.patch(DEVICES, { name: 'r1' }, { type: 'merge', body: { metadata: { finalizers: null } } });
  assert.is(await syncOnce(keep, never), true);
  assert.equal(
    lines.filter((line) => line.includes('left')),
    [
      "Namespace/team left the folder and stays, as others' objects may be in it: delete it yourself",
      'Device/r1 deleted, as it left the folder',
      'Site/fra1 deleted, as it left the folder',
      'Secret/default/bmc deleted, as it left the folder',
    ],
  );
  assert.is(await find(w, SITES, { name: 'fra1' }), undefined);
  assert.ok(await find(w, SITES, { name: 'kept' }));
});

test('a folder that is gone, unreadable or empty prunes nothing; nor does one with a problem in it', async () => {
  await using w = await world();
  await w.write('a.yaml', site('fra1'));
  const lines: string[] = [];
  const keep = w.keep(lines);
  await syncOnce(keep, never);
  lines.length = 0;
  await rename(w.path, `${w.path}.away`);
  assert.is(await syncOnce(keep, never), false);
  assert.match(lines.join(), /cannot be read as a whole: .*: nothing is applied, nothing is pruned/);
  await rename(`${w.path}.away`, w.path);
  await rename(`${w.path}/a.yaml`, `${w.path}/a.txt`);
  lines.length = 0;
  assert.is(await syncOnce(keep, never), false);
  assert.match(lines.join(), 'the folder holds no object, and 1 in the cluster came from it: nothing is pruned');
  await w.write('b.yaml', 'kind: [');
  assert.is(await syncOnce(keep, never), false);
  assert.ok(await find(w, SITES, { name: 'fra1' }));
});

test('nothing is pruned while something is refused by the server', async () => {
  await using w = await world();
  await w.write('a.yaml', `${site('fra1')}${device('r1')}`);
  const lines: string[] = [];
  const keep = w.keep(lines);
  await syncOnce(keep, never);
  await w.write('a.yaml', device('r1').replace('fra1', 'ams1'));
  lines.length = 0;
  assert.is(await syncOnce(keep, never), false);
  assert.match(lines.join('\n'), /Device\/r1 failed: .*spec\.site/);
  assert.match(lines.join('\n'), '1 that left the folder stay until all of it can be applied');
  assert.ok(await find(w, SITES, { name: 'fra1' }));
});

test('an object is gone from the folder for a while before it goes from the cluster', async () => {
  await using w = await world();
  let now = 0;
  await w.write('a.yaml', `${site('kept')}${site('fra1')}`);
  const lines: string[] = [];
  const keep = w.keep(lines, { pruneAfterMs: 5000, now: () => now });
  await syncOnce(keep, never);
  const kept = { apiVersion: 'bmp.dev/v1alpha1', kind: 'Site', metadata: { name: 'kept' }, spec: { region: 'eu' } };
  const moved = { ...kept, metadata: { name: 'fra1' } };
  const pass = async (...objects: KubeObject[]) => (await keep.sync.pass(objects, never)).pruned;
  assert.is(await pass(kept), 0);
  now = 4000;
  assert.is(await pass(kept, moved), 0);
  now = 6000;
  assert.is(await pass(kept), 0, 'it came back meanwhile: the time runs anew');
  now = 11_000;
  assert.is(await pass(kept), 1);
});

test('two folders with one object: the first keeps it, the second is told, and neither takes it away', async () => {
  await using w = await world();
  await w.write('one/a.yaml', site('fra1'));
  await w.write('two/a.yaml', `${site('fra1')}${site('ams1')}`);
  const lines: string[] = [];
  const one = w.keep([], { folder: `${w.path}/one` });
  const two = w.keep(lines, { folder: `${w.path}/two`, set: setOf('two') });
  await syncOnce(one, never);
  assert.is(await syncOnce(two, never), false);
  assert.match(lines.join('\n'), `Site/fra1 failed: belongs to another set, ${setOf('one').id}`);
  assert.is((await find(w, SITES, { name: 'fra1' }))?.metadata.labels?.[PART_OF], setOf('one').id);
  await w.write('two/a.yaml', site('ams1'));
  assert.is(await syncOnce(two, never), true);
  assert.ok(await find(w, SITES, { name: 'fra1' }));
});

test('a dry run says what would be done, and does nothing', async () => {
  await using w = await world();
  await w.write('a.yaml', `${site('fra1')}${site('old')}${secret('bmc', 'first')}`);
  await syncOnce(w.keep([]), never);
  const inTeam = secret('other', 'third').replace('{name: other}', '{name: other, namespace: team}');
  await w.write(
    'a.yaml',
    `${site('fra1', 'us')}${secret('bmc', 'hunter2')}${inTeam}apiVersion: v1\nkind: Namespace\nmetadata: {name: team}\n`,
  );
  const before = (await w.client.get(CONFIG_MAPS, setOf('one'))).metadata.resourceVersion;
  const lines: string[] = [];
  assert.is(await syncOnce(w.keep(lines, { dryRun: true }), never), true);
  assert.equal(lines, [
    'Namespace/team would be created',
    'Secret/default/bmc would be changed: data.password',
    'Secret/team/other would be created',
    'Site/fra1 would be changed: spec.region "eu" → "us"',
    'Site/old would be deleted',
    '4 objects: 2 created, 2 changed, 0 unchanged, 1 deleted (dry run: nothing was done)',
  ]);
  assert.is((await w.client.get(SITES, { name: 'fra1' })).spec.region, 'eu');
  assert.ok(await find(w, SITES, { name: 'old' }));
  assert.is((await w.client.get(CONFIG_MAPS, setOf('one'))).metadata.resourceVersion, before);
  assert.is(await find(w, SECRETS, { name: 'other', namespace: 'team' }), undefined);
});

test('--prune=false leaves what left the folder, and a later sync still finds it', async () => {
  await using w = await world();
  await w.write('a.yaml', site('kept') + device('r1'));
  await syncOnce(w.keep([]), never);
  await w.write('a.yaml', site('kept'));
  await syncOnce(w.keep([], { prune: false }), never);
  assert.ok(await find(w, DEVICES, { name: 'r1' }));
  await syncOnce(w.keep([]), never);
  assert.is((await find(w, DEVICES, { name: 'r1' })) as Device | undefined, undefined);
  assert.is((await annotations(w))['applyset.kubernetes.io/contains-group-kinds'], 'Site.bmp.dev');
});

test("a ConfigMap that is somebody else's is not taken for the set's", async () => {
  await using w = await world();
  await w.write('a.yaml', site('fra1'));
  await w.client.create(CONFIG_MAPS, {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'one', namespace: 'default' },
  });
  const lines: string[] = [];
  assert.is(await syncOnce(w.keep(lines), never), false);
  assert.match(lines.join(), "is none of bmp sync's");
});

test.run();
