// The survey: whatever caches show, every Placement has one place in it and every entry of a ledger one meaning.
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Instance, Placement } from '../../lib/api/generated.ts';
import { type Entry, entriesOf, placementOf } from '../../lib/scheduler/kubernetes/ledger-entries.ts';
import { type Choices, createChoices } from '../claim/model/choices.ts';
import { claimOf } from './ledger.ts';
import { aHost, aPlacement } from './model/fixtures.ts';
import { bound, boundTo, pending, unschedulable } from './status.ts';
import { survey } from './survey.ts';

const times = ['2026-01-01T12:00:00Z', '2026-01-01T12:00:01Z', '2026-01-01T12:00:02Z'];

function randomPlacement(random: Choices, index: number): Placement {
  const leaving = random.chance(0.2) && { deletionTimestamp: times[0]! };
  const placement = aPlacement(`vm-${index}`, { metadata: { uid: `uid-${index}`, ...leaving } });
  const home = aHost(`web-${random.below(4)}`);
  const status = random.pick([
    () => undefined,
    () => bound(placement, home, random.pick(times)),
    () => pending(placement, 'HostGone', '', random.pick(times)),
    () => unschedulable(placement, '', random.pick(times)),
  ])();
  return status ? { ...placement, status } : placement;
}

function randomHost(random: Choices, index: number): Instance {
  const claims = Array.from({ length: random.below(5) }, (): Entry => {
    const uid = `uid-${random.below(6)}`;
    const stay = random.pick(['', ...times.map((time) => `@${time}`)]);
    return { uid: `${uid}${stay}`, name: uid.replace('uid', 'vm'), cpu: '1', memory: '1Gi' };
  });
  return aHost(`web-${index}`, {
    status: { allocated: { claims: [...new Map(claims.map((one) => [one.uid, one])).values()] } },
  });
}

test('every Placement is in one list, or needs nothing', () => {
  for (let seed = 1; seed <= 500; seed++) {
    const random = createChoices(seed);
    const hosts = Array.from({ length: 3 }, (_, index) => randomHost(random, index));
    const placements = Array.from({ length: 5 }, (_, index) => randomPlacement(random, index));
    const found = survey(hosts, placements);
    const lists = [
      found.waiting,
      found.homeless,
      ...[found.unmarked, found.unlisted, found.leaving].map((list) => list.map(({ placement }) => placement)),
    ];
    for (const placement of placements) {
      const count = lists.filter((list) => list.includes(placement)).length;
      const home = hosts.find(({ metadata }) => metadata.name === boundTo(placement));
      const settled = home && entriesOf(home).some((entry) => placementOf(entry) === placement.metadata.uid);
      assert.ok(
        count === 1 || (count === 0 && settled),
        `seed ${seed}: ${placement.metadata.name} is in ${count} lists`,
      );
    }
  }
});

test('no entry that may hold a place is ever a stray, and the same look says the same', () => {
  for (let seed = 1; seed <= 500; seed++) {
    const random = createChoices(seed);
    const hosts = Array.from({ length: 3 }, (_, index) => randomHost(random, index));
    const placements = Array.from({ length: 5 }, (_, index) => randomPlacement(random, index));
    const { strays, waiting } = survey(hosts, placements);
    for (const { host, entry } of strays) {
      const placement = placements.find(({ metadata }) => metadata.uid === placementOf(entry));
      if (!placement) continue;
      const home = boundTo(placement);
      if (home === undefined) assert.is.not(entry.uid, claimOf(placement), `seed ${seed}`);
      const newest = entriesOf(host)
        .filter((one) => placementOf(one) === placementOf(entry))
        .sort((a, b) => (a.uid < b.uid ? 1 : -1))[0];
      if (home === host.metadata.name) assert.is.not(newest, entry, `seed ${seed}`);
    }
    for (const placement of waiting) {
      const uids = hosts.flatMap((host) => entriesOf(host).map(({ uid }) => uid));
      assert.not(uids.includes(claimOf(placement)), `seed ${seed}: ${placement.metadata.name} has an entry and waits`);
    }
    assert.equal(
      survey([...hosts].reverse(), placements).unmarked.map(({ host }) => host.metadata.name),
      survey(hosts, placements).unmarked.map(({ host }) => host.metadata.name),
    );
  }
});

test.run();
