// Gangs: all members get a place or none does, whatever happens on the way.
import { setImmediate } from 'node:timers/promises';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { INSTANCES, PLACEMENTS } from '../../lib/api/resources.ts';
import { findCondition } from '../../lib/runtime/conditions.ts';
import { entriesOf } from '../../lib/scheduler/kubernetes/ledger-entries.ts';
import { createFakeClock } from '../../lib/testing/fake-clock.ts';
import type { ModelApi } from '../claim/model/api.ts';
import { aHost, aPlacement } from './model/fixtures.ts';
import { ModelScheduler } from './model/scheduler.ts';
import { runRounds, world } from './model/world.ts';

const inTeam = (name: string) => ({ namespace: 'team-a', name });
const small = (name: string) => aHost(name, { status: { capacity: { cpu: '4', memory: '64Gi' } } });
const member = (name: string, gang: string, size: number, cpu = '4') =>
  aPlacement(name, { spec: { resources: { cpu, memory: '1Gi' }, group: { name: gang, size, gang: true } } });
const bound = (api: ModelApi) =>
  api
    .all(PLACEMENTS)
    .filter(({ status }) => status?.phase === 'Bound')
    .map(({ metadata }) => metadata.name)
    .sort();
const entered = (api: ModelApi) => api.all(INSTANCES).flatMap((host) => entriesOf(host).map(({ name }) => name));
const told = (api: ModelApi, name: string) =>
  findCondition(api.get(PLACEMENTS, inTeam(name)).status?.conditions, 'Scheduled')?.message;

test('all members get their places, or none, and others do not wait for them', async () => {
  const members = ['a', 'b', 'c'].map((name) => member(name, 'db', 3));
  const api = world({
    hosts: [small('web-1'), small('web-2')],
    placements: [...members, aPlacement('small', { spec: { resources: { cpu: '1', memory: '1Gi' } } })],
  });
  await runRounds(api);
  assert.equal(bound(api), ['small']);
  assert.equal(entered(api), ['small']);
  assert.match(told(api, 'a')!, '0/2 nodes fit');
  for (const name of ['web-3', 'web-4']) api.create(INSTANCES, small(name));
  await runRounds(api);
  assert.equal(bound(api), ['a', 'b', 'c', 'small']);
});

test('a gang waits until all are there, and a member that comes back joins those that stayed', async () => {
  const api = world({ hosts: [small('web-1'), small('web-2')], placements: [member('a', 'db', 2)] });
  await runRounds(api);
  assert.equal([bound(api), entered(api)], [[], []]);
  assert.is(told(api, 'a'), '1 of 2 members of gang db are there');
  api.create(PLACEMENTS, member('b', 'db', 2));
  await runRounds(api);
  assert.equal(bound(api), ['a', 'b']);
  api.delete(PLACEMENTS, inTeam('a'));
  await runRounds(api);
  api.create(PLACEMENTS, member('a', 'db', 2));
  await runRounds(api);
  assert.equal(bound(api), ['a', 'b']);
});

test('two gangs for which there is room for one: one has it all', async () => {
  const gangs = ['x', 'y'].flatMap((gang) => [1, 2].map((index) => member(`${gang}${index}`, gang, 2)));
  const api = world({ hosts: [small('web-1'), small('web-2')], placements: gangs });
  await runRounds(api);
  assert.equal(bound(api), ['x1', 'x2']);
  assert.is(entered(api).length, 2);
});

/** One round in which the first write of a ledger is lost; what else happens meanwhile, then rounds as ever. */
async function interrupted(api: ModelApi, meanwhile: () => void): Promise<void> {
  const scheduler = new ModelScheduler(api, createFakeClock(Date.UTC(2026, 0, 2)));
  scheduler.process.settle();
  scheduler.start();
  let isLost = false;
  while (!scheduler.isIdle) {
    for (const call of scheduler.process.calls.splice(0)) {
      const isLedger = call.what.startsWith('update Instance');
      call.happen(isLedger && !isLost ? 'lost' : 'answered');
      isLost ||= isLedger;
    }
    await setImmediate();
  }
  assert.ok(isLost);
  assert.equal(bound(api), [], 'half of a gang is not bound');
  assert.is(entered(api).length, 1, 'half of it is entered');
  meanwhile();
  await runRounds(api);
}

test('what was interrupted half way is completed', async () => {
  const api = world({
    hosts: [small('web-1'), small('web-2')],
    placements: ['a', 'b'].map((name) => member(name, 'db', 2)),
  });
  await interrupted(api, () => undefined);
  assert.equal(bound(api), ['a', 'b']);
});

test('or given up, where the rest finds no place any more', async () => {
  const api = world({
    hosts: [small('web-1'), small('web-2')],
    placements: ['a', 'b'].map((name) => member(name, 'db', 2)),
  });
  await interrupted(api, () => {
    const free = api.all(INSTANCES).find((host) => entriesOf(host).length === 0)!;
    api.delete(INSTANCES, free.metadata);
  });
  assert.equal([bound(api), entered(api)], [[], []]);
});

test('or given up, where the rest is gone', async () => {
  const api = world({
    hosts: [small('web-1'), small('web-2')],
    placements: ['a', 'b'].map((name) => member(name, 'db', 2)),
  });
  await interrupted(api, () => {
    const [name] = entered(api);
    api.delete(PLACEMENTS, inTeam(name === 'a' ? 'b' : 'a'));
  });
  assert.equal([bound(api), entered(api)], [[], []]);
});

test.run();
