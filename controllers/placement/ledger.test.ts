// Ledgers and statuses as pure functions: properties over random ones.
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { millicores } from '../../lib/api/quantity.ts';
import { amountsOf, type Entry, entriesOf, placementOf } from '../../lib/scheduler/kubernetes/ledger-entries.ts';
import { createChoices } from '../claim/model/choices.ts';
import { claimOf, entryFor, withEntries } from './ledger.ts';
import { aHost, aPlacement } from './model/fixtures.ts';
import { bound, pending, unschedulable, waitingSince } from './status.ts';

const NOW = '2026-01-01T12:00:00Z';

const entry = (uid: string, cpu = '1'): Entry => ({ uid, name: `name-of-${uid}`, cpu, memory: '1Gi' });
const hostWith = (claims: Entry[]) => aHost('web-1', { status: { allocated: { claims } } });
const uidsOf = (entries: readonly Entry[] = []) => entries.map(({ uid }) => uid);

test('sums are those of the entries, whatever left and came', () => {
  for (let seed = 1; seed <= 200; seed++) {
    const random = createChoices(seed);
    const some = () =>
      Array.from({ length: random.below(6) }, () =>
        entry(`uid-${random.below(9)}`, random.pick(['1', '500m', '0.25', '4'])),
      );
    const before = [...new Map(some().map((one) => [one.uid, one])).values()];
    const added = [...new Map(some().map((one) => [one.uid, one])).values()];
    const removed = new Set(uidsOf(some()));
    const { allocated = {} } = withEntries(hostWith(before), removed, added);
    const { claims = [] } = allocated;
    const expected = new Set([...uidsOf(before).filter((uid) => !removed.has(uid)), ...uidsOf(added)]);
    assert.equal(new Set(uidsOf(claims)), expected, `seed ${seed}`);
    assert.is(claims.length, expected.size, `seed ${seed}`);
    assert.is(allocated.placements, claims.length);
    const cpu = claims.reduce((sum, one) => sum + amountsOf(one).cpu!, 0);
    assert.is(millicores(allocated.cpu ?? ''), cpu, `seed ${seed}`);
  }
});

test('adding the same entry twice, or taking out what is not there, changes nothing', () => {
  const host = hostWith([entry('uid-1'), entry('uid-2')]);
  const once = withEntries(host, new Set(), [entry('uid-3')]);
  assert.equal(withEntries({ ...host, status: once }, new Set(), [entry('uid-3')]), once);
  assert.equal(withEntries({ ...host, status: once }, new Set(['uid-9']), []), once);
});

test('the rest of the status, which others write, stays as it is', () => {
  const host = hostWith([]);
  const { allocated: _old, ...rest } = host.status!;
  const { allocated: _new, ...after } = withEntries(host, new Set(), [entry('uid-1')]);
  assert.equal(after, rest);
});

test('an entry names its Placement, and the stay that it is for', () => {
  const placement = aPlacement('vm-1', {
    metadata: { uid: 'uid-1' },
    spec: { resources: { cpu: 0.5, memory: '1024Mi' } },
  });
  assert.equal(entryFor(placement), { uid: 'uid-1', name: 'vm-1', cpu: '500m', memory: '1Gi' });
  const waiting = { ...placement, status: unschedulable(placement, '0/0 nodes fit', NOW) };
  assert.is(claimOf(waiting), `uid-1@${NOW}`);
  assert.is(placementOf(entryFor(waiting)), 'uid-1');
  assert.is(
    claimOf({ ...waiting, status: unschedulable(waiting, '0/1 nodes fit', '2026-01-01T13:00:00Z') }),
    `uid-1@${NOW}`,
  );
});

test('no two stays share a time, whoever writes and however far behind the clock is', () => {
  for (let seed = 1; seed <= 100; seed++) {
    const random = createChoices(seed);
    const times: string[] = [];
    let placement = aPlacement('vm-1');
    for (let step = 0; step < 12; step++) {
      const now = `2026-01-01T12:00:0${random.below(5)}Z`;
      const next = random.pick([
        () => bound(placement, aHost('web-1'), now),
        () => pending(placement, 'HostGone', 'host web-1 is gone', now),
        () => unschedulable(placement, '0/1 nodes fit', now),
      ]);
      const before = placement.status?.conditions?.[0];
      placement = { ...placement, status: next() };
      const after = placement.status?.conditions?.[0];
      if (before?.status !== after?.status) times.push(waitingSince(placement)!);
      else assert.is(after?.lastTransitionTime, before?.lastTransitionTime);
    }
    assert.equal(times, [...new Set(times)].sort(), `seed ${seed}`);
  }
});

test('the score stays with the host, and goes with it', () => {
  const placement = aPlacement('vm-1');
  const first = { ...placement, status: bound(placement, aHost('web-1'), NOW, 42) };
  assert.is(bound(first, aHost('web-1'), NOW).score, 42);
  assert.is(pending(first, 'HostGone', '', NOW).score, undefined);
  assert.is(entriesOf(aHost('web-1')).length, 0);
});

test.run();
