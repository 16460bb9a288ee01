import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { InvalidInputError } from './errors.ts';
import { QuotaLedger, quotaMessage } from './quota.ts';
import { GIB } from './testing/fixtures.ts';
import { Random } from './testing/random.ts';

test('what fits may be had, what is beyond any of the quotas may not', () => {
  const ledger = new QuotaLedger();
  ledger.setLimits('team-a', 'small', { cpu: 8000, 'devices/gp.large': 1 });
  ledger.setLimits('team-a', 'memory', { memory: 16 * GIB });
  ledger.charge('x', 'team-a', { cpu: 6000, memory: 8 * GIB });
  assert.equal(ledger.excess('team-a', { cpu: 2000, memory: 8 * GIB, gpu: 100 }), []);
  assert.equal(ledger.excess('team-b', { cpu: 1e9 }), []);
  const excess = ledger.excess('team-a', { cpu: 2500, memory: 9 * GIB, 'devices/gp.large': 2 });
  assert.is(
    quotaMessage(excess),
    'exceeded quota: small, requested: cpu=2500m,devices/gp.large=2, used: cpu=6,devices/gp.large=0, ' +
      'limited: cpu=8,devices/gp.large=1; ' +
      'exceeded quota: memory, requested: memory=9Gi, used: memory=8Gi, limited: memory=16Gi',
  );
});

test('a quota that was lowered below what is used takes nothing away, and asks for nothing are no excess', () => {
  const ledger = new QuotaLedger();
  ledger.charge('x', 'team-a', { cpu: 6000 });
  ledger.setLimits('team-a', 'q', { cpu: 1000 });
  assert.equal(ledger.excess('team-a', { cpu: 0, memory: 5 }), []);
  assert.is(ledger.excess('team-a', { cpu: 1 }).length, 1);
  ledger.setLimits('team-a', 'q', undefined);
  assert.equal(ledger.excess('team-a', { cpu: 1 }), []);
});

test('sums stay right through charges, changes and refunds, and nothing is left behind', () => {
  const ledger = new QuotaLedger();
  const random = new Random(3);
  const charges = new Map<string, { tenant: string; cpu: number }>();
  for (let step = 0; step < 2000; step++) {
    const id = `r${random.below(40)}`;
    if (random.chance(0.4)) {
      assert.is(ledger.refund(id), charges.delete(id));
    } else {
      const charge = { tenant: random.pick(['team-a', 'team-b']), cpu: random.below(1000) };
      charges.set(id, charge);
      ledger.charge(id, charge.tenant, { cpu: charge.cpu });
    }
    for (const tenant of ['team-a', 'team-b']) {
      const sum = [...charges.values()].reduce((total, each) => total + (each.tenant === tenant ? each.cpu : 0), 0);
      assert.is(ledger.used(tenant).cpu ?? 0, sum);
    }
  }
  for (const id of charges.keys()) ledger.refund(id);
  assert.equal(ledger.used('team-a'), {});
});

test('limits and charges that are no amounts are refused', () => {
  const ledger = new QuotaLedger();
  const invalid = (run: () => void) => assert.throws(run, (error: unknown) => error instanceof InvalidInputError);
  invalid(() => ledger.setLimits('team-a', 'q', { cpu: -1 }));
  invalid(() => ledger.charge('x', 'team-a', { cpu: 0.5 }));
  assert.not(ledger.refund('x'));
});

test.run();
