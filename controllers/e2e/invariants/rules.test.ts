// A rule that never finds anything proves nothing: for each one a fault is put into a good history, and must be found.
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Device, Instance } from '../../../lib/api/generated.ts';
import type { JournalEntry } from '../../../lib/sim/fleet.ts';
import {
  type AnySight,
  type DeviceSight,
  deviceSight,
  historyOf,
  type InstanceSight,
  instanceSight,
} from './history.ts';
import { type RULES, violations } from './rules.ts';

const IMAGES = new Map([
  ['debian', 'd-sha'],
  ['other', 'o-sha'],
]);

function device(revision: number, more: Partial<DeviceSight> = {}): DeviceSight {
  const phase = 'Available' as const;
  return {
    kind: 'Device',
    revision,
    name: 'm',
    uid: 'dev',
    isGone: false,
    strange: [],
    phase,
    phaseBefore: undefined,
    isDirty: true,
    isPutAside: false,
    claim: undefined,
    operation: undefined,
    ...more,
  };
}
const instance = (revision: number, more: Partial<InstanceSight> = {}): InstanceSight => ({
  kind: 'Instance',
  revision,
  name: 'default/web',
  uid: 'i',
  isGone: false,
  strange: [],
  phase: 'Running',
  isLocked: false,
  deviceName: 'm',
  image: 'debian',
  ...more,
});
const operation = (id: string, kind: 'Create' | 'Clean', instanceUID = 'i') => ({
  id,
  kind,
  instanceUID,
  request: undefined,
  image: kind === 'Create' ? 'd-sha' : undefined,
  boots: 1,
  rounds: 1,
});
const entry = (what: JournalEntry['what'], more: Partial<JournalEntry> = {}): JournalEntry => ({
  machine: 'm',
  at: 0,
  what,
  ...more,
});

const power = (detail: string) => entry('power', { detail });
const wrote = (id: string) =>
  entry('write-image', { disk: 's', sha256: 'd-sha', taskId: `${id}/write-image/1`, detail: 'complete' });
const booted = (sha256 = 'd-sha') => entry('boot', { detail: 'disk', sha256 });
const wiped = (id: string) => entry('wipe', { disk: 's', taskId: `${id}/wipe/1` });

const SIGHTS: readonly AnySight[] = [
  device(1),
  instance(2, { phase: 'Pending', deviceName: undefined, image: undefined }),
  device(3, { claim: 'i' }),
  device(4, { claim: 'i', phase: 'InUse', operation: operation('create-1', 'Create') }),
  instance(5, { phase: 'Creating', image: undefined }),
  device(6, { claim: 'i', phase: 'InUse' }),
  instance(7),
  instance(8, { phase: 'Deleting' }),
  device(9, { claim: 'i', phase: 'Cleaning', operation: operation('clean-1', 'Clean') }),
  device(10, { claim: 'i' }),
  device(11),
  instance(12, { phase: 'Deleting', isGone: true }),
];
const RECORD = [
  power('On'),
  wrote('create-1'),
  power('Off'),
  power('On'),
  booted(),
  power('Off'),
  power('On'),
  wiped('clean-1'),
  power('Off'),
];

const judged = (sights = SIGHTS, record = RECORD) => violations(historyOf(sights, record, IMAGES));
/** With the sights of these revisions instead. */
const instead = (...others: AnySight[]) => [
  ...SIGHTS.filter(({ revision }) => !others.some((other) => other.revision === revision)),
  ...others,
];

/** Faults by the rule that must find them. */
const FAULTS: Record<keyof typeof RULES, readonly { what: string; found: () => string[] }[]> = {
  'one claim per device, one device per instance': [
    { what: 'a device changes hands', found: () => judged([...SIGHTS, device(6.5, { phase: 'InUse', claim: 'j' })]) },
    {
      what: 'an instance has two devices',
      found: () => judged([...SIGHTS, device(6.5, { uid: 'dev-2', name: 'n', claim: 'i' })]),
    },
  ],
  'every claim is released once': [
    { what: 'claimed again', found: () => judged([...SIGHTS, device(11.5, { claim: 'i' })]) },
    { what: 'gone with its claim', found: () => judged(SIGHTS.filter(({ revision }) => revision !== 11)) },
  ],
  "a device's phases go along the arrows": [
    {
      what: 'cleaned, then in use at once',
      found: () => judged(instead(device(9, { claim: 'i', phase: 'Imported' }))),
    },
    {
      what: 'out of maintenance into another phase',
      found: () =>
        judged([
          ...SIGHTS,
          device(6.1, { claim: 'i', phase: 'Maintenance', phaseBefore: 'InUse' }),
          device(6.2, { claim: 'i', phase: 'Available' }),
        ]),
    },
  ],
  "an instance's phases go along the arrows": [
    { what: 'created anew although it ran', found: () => judged([...SIGHTS, instance(7.5, { phase: 'Creating' })]) },
  ],
  'a lock is never lost': [
    {
      what: 'cleaned although locked',
      found: () => judged(instead(instance(8, { phase: 'Deleting', isLocked: true }))),
    },
    {
      what: 'gone although locked',
      found: () => judged(instead(instance(8, { isLocked: true }), instance(12, { isGone: true, isLocked: true }))),
    },
  ],
  'disks are written only under the current operation': [
    {
      what: 'an agent of an earlier operation',
      found: () => judged(SIGHTS, [...RECORD, power('On'), wrote('create-1')]),
    },
    {
      what: 'two operations in one boot',
      found: () => judged(SIGHTS, [power('On'), wrote('create-1'), wiped('clean-1'), power('Off')]),
    },
  ],
  'machines do what was asked for, once': [
    {
      what: 'the same task twice',
      found: () => judged(SIGHTS, [...RECORD.slice(0, 2), wrote('create-1'), ...RECORD.slice(2)]),
    },
  ],
  "an instance never runs another's image": [
    { what: 'another image on the disk', found: () => judged(instead(instance(7, { image: 'other' }))) },
    {
      what: 'never booted',
      found: () =>
        judged(
          SIGHTS,
          RECORD.filter(({ what }) => what !== 'boot'),
        ),
    },
    {
      what: 'written for somebody else',
      found: () =>
        judged(instead(device(4, { claim: 'i', phase: 'InUse', operation: operation('create-1', 'Create', 'j') }))),
    },
  ],
  'conditions and ledgers say what they may': [
    {
      what: 'whatever a projection found strange',
      found: () => judged([...SIGHTS, instance(7.5, { strange: ['odd'] })]),
    },
  ],
};

test('a life as it should be breaks no rule', () => {
  assert.equal(judged(), []);
});

test('a device that was put aside and brought back may be claimed again by the Instance that it failed at', () => {
  const life = [
    device(1, { claim: 'i', isPutAside: true, phase: 'Removed' }),
    device(2, { isPutAside: true, phase: 'Removed' }),
    device(3, { phase: 'Cleaning' }),
    device(4, { claim: 'i' }),
  ];
  assert.equal(judged(life, []), []);
});

test('watches that come late change nothing: revisions are the order', () => {
  assert.equal(judged(SIGHTS.toReversed()), []);
});

for (const [rule, faults] of Object.entries(FAULTS)) {
  for (const { what, found } of faults) {
    test(`${rule}: ${what}`, () => {
      assert.ok(
        found().some((fault) => fault.startsWith(`${rule}: `)),
        `found only ${JSON.stringify(found())}`,
      );
    });
  }
}

test('a reason that is not in the table is strange, and so is a ledger that gave away too much', () => {
  const condition = { type: 'Ready', status: 'True', reason: 'Lucky', message: '', lastTransitionTime: '' } as const;
  const metadata = { name: 'x', uid: 'u', resourceVersion: '1' };
  const odd = { apiVersion: '', kind: 'Device', metadata, spec: {}, status: { conditions: [condition] } };
  assert.match(deviceSight(odd as unknown as Device).strange.join(), 'Ready=Lucky');
  const claims = [{ name: 'a' }, { name: 'a' }];
  const status = { capacity: { cpu: '2', memory: '1' }, allocated: { cpu: '3', claims } };
  const host = instanceSight({ apiVersion: '', kind: 'Instance', metadata, spec: {}, status } as unknown as Instance);
  assert.match(host.strange.join('; '), /gave away 3 of 2 CPUs; has a placement twice: a,a/);
});

test.run();
