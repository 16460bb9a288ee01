import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Placement } from '../../lib/api/generated.ts';
import { aPlacement } from './model/fixtures.ts';
import { Refusals } from './refusals.ts';

const refused = { refusal: '0/1 nodes fit: 1 other pool', isInvalid: false };
const spread: Placement['spec']['spread'] = [{ topologyKey: 'rack', maxSkew: 1, whenUnsatisfiable: 'DoNotSchedule' }];

test('who was refused is refused still until something grows, or is bound for those who may gain by that', () => {
  const refusals = new Refusals();
  const [one] = [aPlacement('one')];
  const drawn = aPlacement('drawn', { spec: { spread } });
  const early = { growth: 1, binds: 1 };
  refusals.begin();
  for (const placement of [one, drawn]) {
    assert.is(refusals.recall([placement], early), undefined);
    refusals.note([placement], early, refused);
  }
  refusals.begin();
  for (const placement of [one, drawn]) assert.is(refusals.recall([placement], early), refused);
  const afterBind = { growth: 1, binds: 2 };
  assert.is(refusals.recall([one], afterBind), refused);
  assert.is(refusals.recall([drawn], afterBind), undefined);
  assert.is(refusals.recall([one], { growth: 2, binds: 2 }), undefined);
  assert.not.ok(refusals.isBehind);
});

test('an edited Placement, and a gang with other members, are judged anew', () => {
  const refusals = new Refusals();
  const epoch = { growth: 1, binds: 1 };
  const [a, b] = [aPlacement('a'), aPlacement('b')];
  refusals.begin();
  refusals.note([a, b], epoch, refused);
  assert.is(refusals.recall([a, b], epoch), refused);
  assert.is(refusals.recall([a, aPlacement('b')], epoch), undefined);
  assert.is(refusals.recall([a], epoch), undefined);
  assert.is(refusals.recall([{ ...a }, b], epoch), undefined);
});

test('where many are refused again, each round looks at so many, and each is looked at before one is twice', () => {
  const refusals = new Refusals(10);
  const all = Array.from({ length: 25 }, (_, index) => aPlacement(`vm-${index}`));
  const looked = new Map(all.map((placement) => [placement, 0]));
  refusals.begin();
  for (const placement of all) refusals.note([placement], { growth: 0, binds: 0 }, refused);
  for (let round = 1; round <= 15; round++) {
    refusals.begin();
    let judged = 0;
    for (const placement of all) {
      const epoch = { growth: round, binds: 0 };
      if (refusals.recall([placement], epoch)) continue;
      refusals.note([placement], epoch, refused);
      looked.set(placement, looked.get(placement)! + 1);
      judged++;
    }
    assert.ok(judged <= 10);
    assert.ok(refusals.isBehind);
    const times = [...looked.values()];
    assert.ok(Math.max(...times) - Math.min(...times) <= 1);
  }
  // Nothing grows any more: they catch up.
  for (let round = 0; round < 4; round++) {
    refusals.begin();
    for (const placement of all) {
      const epoch = { growth: 15, binds: 0 };
      if (refusals.recall([placement], epoch) === undefined) refusals.note([placement], epoch, refused);
    }
  }
  assert.not.ok(refusals.isBehind);
});

test.run();
