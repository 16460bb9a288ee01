// CapacityQuotas as ledgers: who is entered, what is left, and what is written.
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { CapacityQuota } from '../../api/generated.ts';
import {
  Allowance,
  type Claim,
  deviceAmounts,
  holderOf,
  MOST_CLAIMS,
  placementAmounts,
  type QuotaStatus,
} from './allowance.ts';

const NOW = '2026-01-02T00:00:00Z';
const quota = (name: string, hard: CapacityQuota['spec']['hard'], status?: QuotaStatus): CapacityQuota => ({
  apiVersion: 'bmp.dev/v1alpha1',
  kind: 'CapacityQuota',
  metadata: { name, namespace: 'team-a', generation: 3 },
  spec: { hard },
  ...(status && { status }),
});
const vm = (uid: string, cpu: number): Claim => ({
  uid,
  kind: 'Placement',
  name: `vm-${uid}`,
  amounts: placementAmounts({ cpu: cpu * 1000 }),
});
const machine: Claim = { uid: 'i@d1@7', kind: 'Instance', name: 'web-1', amounts: deviceAmounts('gp.large') };
const written = (allowance: Allowance, index = 0) => allowance.changes(NOW)[index]!.status;

test('what is written is read again as the same', () => {
  const first = new Allowance([quota('q', { cpu: '4', devices: 2, 'devices.gp.large': 1 })]);
  for (const claim of [vm('a@1', 1.5), machine]) first.enter(claim);
  const status = written(first);
  assert.equal(status.used, { cpu: '1500m', devices: '1', 'devices.gp.large': '1' });
  assert.is(status.summary, 'cpu: 1500m/4, devices: 1/2, devices.gp.large: 1/1');
  assert.equal([status.observedGeneration, status.conditions?.[0]?.status], [3, 'True']);
  const second = new Allowance([quota('q', { cpu: '4', devices: 2, 'devices.gp.large': 1 }, status)]);
  assert.equal(written(second), status);
  assert.equal(second.claims('Instance').map(holderOf), ['i']);
  assert.is(second.refusal([vm('a@1', 1.5)]), undefined, 'what is entered costs nothing more');
  assert.match(second.refusal([vm('b', 3)])!, 'requested: cpu=3, used: cpu=1500m, limited: cpu=4');
  second.drop('a@1');
  assert.equal(written(second).used, { cpu: '0', devices: '1', 'devices.gp.large': '1' });
});

test('a claim stands in the quotas that it concerns, and what was entered in vain leaves none that it stood in before', () => {
  const before = written(new Allowance([quota('cpus', { cpu: 8 })]));
  const known = {
    ...before,
    claims: [{ uid: 'a@1', kind: 'Placement' as const, name: 'vm-a', amounts: { cpu: '2' } }],
  };
  const allowance = new Allowance([
    quota('cpus', { cpu: 8 }, known),
    quota('few', { placements: 5 }),
    quota('gpus', { gpu: 1 }),
  ]);
  const claim = vm('a@1', 2);
  allowance.enter(claim);
  const holders = () => allowance.changes(NOW).map(({ status }) => status.claims?.length);
  assert.equal(holders(), [1, 1, 0]);
  allowance.undo('a@1');
  assert.equal(holders(), [1, 0, 0]);
});

test('a ledger is bounded: who comes after waits, and facts change nothing of that', () => {
  const allowance = new Allowance([quota('many', { placements: 1_000_000 })]);
  for (let index = 0; index <= MOST_CLAIMS; index++) allowance.enter(vm(`p${index}`, 1));
  assert.is(written(allowance).claims?.length, MOST_CLAIMS);
  assert.match(allowance.refusal([vm('next', 1)])!, `quota many holds ${MOST_CLAIMS} claims, the most that it can`);
});

test('a ledger that was tampered with lets nothing new in', () => {
  const claims = [{ uid: 'a', kind: 'Placement' as const, name: 'a', amounts: { cpu: 'lots' } }];
  const allowance = new Allowance([quota('q', { cpu: 8 }, { claims })]);
  assert.match(allowance.refusal([vm('b', 1)])!, /^quota q cannot be read: "lots" is not a quantity/);
  assert.is(written(allowance).conditions?.find(({ type }) => type === 'Stalled')?.status, 'True');
});

test.run();
