import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { InvalidInputError } from './errors.ts';
import { QuotaAccount, quotaMessage, withoutUse } from './quota.ts';
import { GIB } from './testing/fixtures.ts';
import { Random } from './testing/random.ts';

test('what fits may be had, what is beyond any of the quotas may not', () => {
  const small = new QuotaAccount('small', { cpu: 8000, 'devices.gp.large': 1 });
  const memory = new QuotaAccount('memory', { memory: 16 * GIB });
  for (const quota of [small, memory]) quota.charge('x', { cpu: 6000, memory: 8 * GIB });
  const excess = (amounts: Record<string, number>) => [small, memory].flatMap((quota) => quota.excess(amounts));
  assert.equal(excess({ cpu: 2000, memory: 8 * GIB, gpu: 100 }), []);
  const message = quotaMessage(excess({ cpu: 2500, memory: 9 * GIB, 'devices.gp.large': 2 }));
  assert.is(
    message,
    'exceeded quota: small, requested: cpu=2500m,devices.gp.large=2, used: cpu=6,devices.gp.large=0, ' +
      'limited: cpu=8,devices.gp.large=1; ' +
      'exceeded quota: memory, requested: memory=9Gi, used: memory=8Gi, limited: memory=16Gi',
  );
  assert.is(
    withoutUse(message),
    'exceeded quota: small, requested: cpu=2500m,devices.gp.large=2, limited: cpu=8,devices.gp.large=1; ' +
      'exceeded quota: memory, requested: memory=9Gi, limited: memory=16Gi',
  );
});

test('a quota below what is used takes nothing away, and asks for nothing are no excess', () => {
  const quota = new QuotaAccount('q', { cpu: 1000 });
  quota.charge('x', { cpu: 6000 });
  assert.equal(quota.excess({ cpu: 0, memory: 5 }), []);
  assert.is(quota.excess({ cpu: 1 }).length, 1);
  assert.equal(
    [quota.concerns({ memory: 1 }), quota.concerns({ cpu: 0 }), quota.concerns({ cpu: 1 })],
    [false, false, true],
  );
});

test('sums stay right through charges, changes and refunds, and nothing is left behind', () => {
  const quota = new QuotaAccount('q', { cpu: 1 });
  const random = new Random(3);
  const charges = new Map<string, number>();
  for (let step = 0; step < 2000; step++) {
    const id = `r${random.below(40)}`;
    if (random.chance(0.4)) {
      assert.is(quota.refund(id), charges.delete(id));
    } else {
      charges.set(id, random.below(1000));
      quota.charge(id, { cpu: charges.get(id)!, memory: 1 });
    }
    assert.is(quota.has(id), charges.has(id));
    assert.equal(quota.used, { cpu: [...charges.values()].reduce((sum, cpu) => sum + cpu, 0) });
  }
  for (const id of charges.keys()) quota.refund(id);
  assert.equal(quota.used, { cpu: 0 });
});

test('limits and charges that are no amounts are refused', () => {
  const invalid = (run: () => void) => assert.throws(run, (error: unknown) => error instanceof InvalidInputError);
  invalid(() => new QuotaAccount('q', { cpu: -1 }));
  const quota = new QuotaAccount('q', { cpu: 1 });
  invalid(() => quota.charge('x', { cpu: 0.5 }));
  assert.not(quota.refund('x'));
});

test.run();
