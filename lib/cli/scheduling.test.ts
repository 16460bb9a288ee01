// test-deadline: 120
// What `bmp why` and `bmp simulate` say: on objects alone, and as commands against the embedded API server.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type {
  CapacityQuota,
  Device,
  DeviceInventory,
  DeviceType,
  Image,
  Instance,
  Placement,
} from '../api/generated.ts';
import { API_VERSION, INSTANCES, PLACEMENTS } from '../api/resources.ts';
import { startApiServer } from '../apiserver/server.ts';
import { createClient } from '../kube/client.ts';
import { builtIn } from '../scheduler/profiles.ts';
import { tempDir } from '../testing/temp-dir.ts';
import { defragmentation } from './commands/defragment.ts';
import { simulated, wantedIn } from './commands/simulate.ts';
import { explainInstance } from './device-scheduling.ts';
import { explanationLines } from './explain.ts';
import { installDefinitions } from './manifests.ts';
import { type Snapshot, scheduleOf } from './scheduling.ts';

const MAIN = new URL('../../controllers/main.ts', import.meta.url).pathname;
const SINCE = '2026-01-01T00:00:00Z';

const host = (name: string, cpu: string, claims: { uid: string; name: string; cpu: string; memory: string }[] = []) =>
  ({
    apiVersion: API_VERSION,
    kind: 'Instance',
    metadata: { name, namespace: 'default', uid: `uid-${name}` },
    spec: { image: 'debian-12', deviceType: 'small', vmHost: { enabled: true } },
    status: {
      phase: 'Running',
      conditions: [{ type: 'Ready', status: 'True', reason: 'Running', message: '', lastTransitionTime: SINCE }],
      capacity: { cpu, memory: '64Gi' },
      allocated: { placements: claims.length, claims },
    },
  }) as unknown as Instance;

const vm = (name: string, cpu: string, status?: object) =>
  ({
    apiVersion: API_VERSION,
    kind: 'Placement',
    metadata: { name, namespace: 'default', uid: `uid-${name}` },
    spec: { resources: { cpu, memory: '1Gi' }, pool: 'default' },
    ...(status && { status }),
  }) as unknown as Placement;

const claim = (name: string, cpu: string) => ({ uid: `uid-${name}@${SINCE}`, name, cpu, memory: '1Gi' });
const SNAPSHOT: Snapshot = {
  instances: [host('web-1', '4', [claim('vm-1', '3')]), host('web-2', '8'), host('web-3', '2')],
  placements: [vm('vm-1', '3', { phase: 'Bound', nodeName: 'web-1' }), vm('huge', '100')],
  hosts: [],
  quotas: [],
  devices: [],
  sites: [],
};

test('a placement that has a place is looked at as if it had none, and where it is is shown', () => {
  const { scheduler, request } = scheduleOf(SNAPSHOT);
  const lines = explanationLines(scheduler.explain(request(SNAPSHOT.placements[0]!)), 'web-1');
  assert.is(lines[0], '2 of 3 hosts fit; turned away: 1 too little cpu');
  assert.match(lines[2]!, /^HOST +SCORE .*MostAllocated/);
  assert.match(lines[3]!, /^web-1 \* /);
  assert.match(lines[4]!, /^web-2 /);
  assert.is(lines.at(-1), '* where it is');
});

test('one that fits nowhere is told over all hosts', () => {
  const { scheduler, request } = scheduleOf(SNAPSHOT);
  const lines = explanationLines(scheduler.explain(request(SNAPSHOT.placements[1]!)), undefined);
  assert.equal(lines, ['0 of 3 hosts fit; turned away: 3 too little cpu']);
});

test('one that waits for a reservation is looked at as if it were in its place', () => {
  const [reservation, huge] = SNAPSHOT.placements as [Placement, Placement];
  const held = { ...reservation, spec: { ...reservation.spec, reservation: true }, status: { nodeName: 'web-1' } };
  const lines = (cpu: string, phase: 'Reserved' | 'Pending') => {
    const mine = { ...vm('mine', cpu), spec: { ...vm('mine', cpu).spec, from: 'vm-1' } };
    const placements = [{ ...held, status: { ...held.status, phase } }, huge, mine];
    const { scheduler, request } = scheduleOf({ ...SNAPSHOT, placements });
    return explanationLines(scheduler.explain(request(mine)), undefined)[0];
  };
  assert.is(lines('4', 'Reserved'), '1 of 3 hosts fit; turned away: 2 other node');
  assert.is(lines('5', 'Reserved'), '0 of 3 hosts fit; turned away: 2 other node, 1 too little cpu');
  assert.is(lines('5', 'Pending'), '1 of 3 hosts fit; turned away: 2 too little cpu');
  assert.throws(
    () => wantedIn(JSON.stringify({ ...huge, spec: { ...huge.spec, from: 'vm-1' } }), 1, 'default'),
    /held/,
  );
});

test('a thousand are simulated one after the other, and nothing is left of it', () => {
  const schedule = scheduleOf(SNAPSHOT);
  const { uid: _, ...metadata } = vm('x', '1').metadata as { uid: string };
  const file = JSON.stringify({ ...vm('x', '1'), metadata });
  const wanted = wantedIn(file, 1000, 'default');
  assert.is(new Set(wanted.map(({ metadata: { name } }) => name)).size, 1000);
  const decisions = simulated(schedule, wanted);
  // One core is left on web-1, eight on web-2, two on web-3.
  assert.is(decisions.filter(({ node }) => node !== undefined).length, 11);
  assert.match(decisions.at(-1)?.unschedulable?.message ?? '', '0/3 nodes fit: 3 too little cpu');
  assert.equal(simulated(schedule, wanted), decisions);
});

test('what a quota leaves is a part of the answer', () => {
  const quota = {
    metadata: { name: 'small', namespace: 'default' },
    spec: { hard: { cpu: 5 } },
    status: { claims: [{ uid: 'uid-vm-1', kind: 'Placement', name: 'vm-1', amounts: { placements: '1', cpu: '3' } }] },
  } as unknown as CapacityQuota;
  const wanted = wantedIn(JSON.stringify(vm('x', '1')), 3, 'default');
  const decisions = simulated(scheduleOf(SNAPSHOT), wanted, [quota]);
  assert.equal(
    decisions.map(({ node, unschedulable }) => node ?? unschedulable?.message),
    ['web-1', 'web-3', 'exceeded quota: small, requested: cpu=1, used: cpu=5, limited: cpu=5'],
  );
});

test('a plan names who moves where, and leaves alone whom nobody knows', () => {
  const placed = (name: string, cpu: string, nodeName: string) => vm(name, cpu, { phase: 'Bound', nodeName });
  const snapshot: Snapshot = {
    ...SNAPSHOT,
    instances: [
      host('web-1', '8', [claim('vm-1', '5')]),
      host('web-2', '8', [claim('vm-2', '1')]),
      host('web-3', '8', [claim('stranger', '1')]),
    ],
    placements: [placed('vm-1', '5', 'web-1'), placed('vm-2', '1', 'web-2')],
  };
  const plan = defragmentation(snapshot, 10);
  assert.equal(plan.moves, [{ placement: 'vm-2', from: 'web-2', to: 'web-1' }]);
  assert.equal([plan.emptied, plan.before, plan.after], [['web-2'], 3, 2]);
});

test('an instance is told of devices as a placement is of hosts: what turned them away, and what the best ones got', () => {
  const device = (name: string, spec: object = {}) =>
    ({
      apiVersion: API_VERSION,
      kind: 'Device',
      metadata: { name },
      spec: { site: 'fra1', pool: 'default', deviceType: 'small', location: { rack: 'r1' }, ...spec },
      status: { phase: 'Available', conditions: [{ type: 'Ready', status: 'True' }] },
    }) as unknown as Device;
  const cores = (name: string, count: number) =>
    ({ metadata: { name }, spec: { cpu: { cores: count } } }) as unknown as DeviceInventory;
  const instance = { ...host('web-1', '4'), spec: { image: 'debian-12', deviceType: 'small', pool: 'default' } };
  const claimRef = { namespace: 'default', name: 'web-1', uid: instance.metadata.uid };
  const machines = {
    devices: [device('d1', { claimRef }), device('d2'), device('d3'), device('other', { deviceType: 'large' })],
    inventories: [cores('d1', 8), cores('d2', 16), cores('d3', 32)],
    types: [{ metadata: { name: 'small' }, spec: { hardware: {} } } as unknown as DeviceType],
    sites: [],
    images: [
      { metadata: { name: 'debian-12' }, spec: { architecture: 'x86_64', bootModes: ['UEFI'] } } as unknown as Image,
    ],
  };
  const explanation = explainInstance(instance as unknown as Instance, machines, builtIn(), 4)!;
  const lines = explanationLines(explanation, 'd1', 'device');
  assert.is(lines[0], '3 of 4 devices fit; turned away: 1 other type');
  assert.match(lines[2]!, /^DEVICE +SCORE .*SmallestSufficient/);
  assert.equal(
    explanation.nodes.map(({ node }) => node),
    ['d1', 'd2', 'd3'],
  );
  assert.match(lines[3]!, /^d1 \* /);
  assert.is(explainInstance(instance as unknown as Instance, { ...machines, images: [] }, builtIn(), 4), undefined);
});

test('only Placements are simulated', () => {
  for (const file of [
    '',
    '---',
    'kind: Pod',
    'just text',
    JSON.stringify({ apiVersion: API_VERSION, kind: 'Placement' }),
  ]) {
    assert.throws(() => wantedIn(file, 1, 'default'), /Placement/, file);
  }
  const list = JSON.stringify({ kind: 'List', items: [vm('a', '1'), vm('b', '1')] });
  assert.equal(
    wantedIn(list, 1, 'x').map(({ metadata: { name, namespace } }) => `${namespace}/${name}`),
    ['x/a', 'x/b'],
  );
});

test('as commands, in words and in JSON, and nothing in the cluster changes', async () => {
  await using stack = new AsyncDisposableStack();
  const dir = stack.use(await tempDir('bmp-why-'));
  const api = stack.adopt(await startApiServer({ dir: dir.path }), (server) => server.close());
  const client = stack.adopt(createClient({ kubeconfig: api.kubeconfigPath }), (each) => each.close());
  await installDefinitions(client, AbortSignal.timeout(60_000));
  for (const { status, ...object } of [host('web-1', '4')]) {
    await client.create(INSTANCES, object);
    await client.patchStatus(INSTANCES, object.metadata, { type: 'merge', body: { status } });
  }
  await client.create(PLACEMENTS, vm('vm-1', '3'));
  const before = await client.list(PLACEMENTS);
  const bmp = async (...args: string[]) => {
    const child = spawn(process.execPath, [MAIN, ...args, '--kubeconfig', api.kubeconfigPath]);
    const [out, err, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'exit')]);
    return { out, err, code: code as number };
  };
  const file = join(dir.path, 'vm.yaml');
  await writeFile(file, JSON.stringify(vm('new', '2')));
  const [words, json, simulation, wrong, ofInstance] = await Promise.all([
    bmp('why', 'placement/vm-1'),
    bmp('why', 'vm-1', '-o', 'json'),
    bmp('simulate', '-f', file, '--count', '3', '-o', 'json'),
    bmp('simulate', '-f', file, '-o', 'xml'),
    bmp('why', 'instance/web-1', '-o', 'json'),
  ]);
  assert.match(words.out, '1 of 1 hosts fit');
  assert.is((JSON.parse(ofInstance.out) as { instance: string }).instance, 'web-1');
  assert.is((JSON.parse(json.out) as { feasible: number }).feasible, 1);
  const { asked, placed } = JSON.parse(simulation.out) as { asked: number; placed: number };
  assert.equal([asked, placed, simulation.code], [3, 2, 1]);
  assert.equal([wrong.code, /--output takes text or json/.test(wrong.err)], [2, true]);
  assert.is((await client.list(PLACEMENTS)).metadata.resourceVersion, before.metadata.resourceVersion);
});

test.run();
