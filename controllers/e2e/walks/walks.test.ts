// test-deadline: 900
// A short walk; WALK_SEED and WALK_ACTIONS make it another one.
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { actionsOf } from './actions.ts';
import { populationOf, walk } from './walk.ts';

const SEED = Number(process.env.WALK_SEED ?? 1);
const ACTIONS = Number(process.env.WALK_ACTIONS ?? 40);
const MACHINES = Number(process.env.WALK_MACHINES ?? 8);

test('the same seed gives the same walk', () => {
  const population = populationOf(MACHINES);
  assert.equal(actionsOf(7, 100, population), actionsOf(7, 100, population));
  assert.not.equal(actionsOf(7, 100, population), actionsOf(8, 100, population));
});

test(`seed ${SEED}, ${ACTIONS} actions over ${MACHINES} machines: everything ends as wanted, and nothing was that must never be`, async () => {
  const actions = actionsOf(SEED, ACTIONS, populationOf(MACHINES));
  const { faults } = await walk({ actions, machines: MACHINES, everyMs: 60, patienceMs: 600_000 });
  assert.equal(faults, [], `npm run walks -- --seed ${SEED} --actions ${ACTIONS} --machines ${MACHINES}`);
});

test.run();
