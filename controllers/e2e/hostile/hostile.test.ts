// test-slow
// test-deadline: 600
// The product's operator on bad days, in short; `npm run soak` is the whole of it.
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { soak } from './soak.ts';

const seed = Number(process.env.SOAK_SEED ?? 1);
const SPEED = 10;

test(`cuts, silence, lost answers, refusals and outages while people change things, seed ${seed}`, async () => {
  const lines: string[] = [];
  const result = await soak({
    kubeconfig: process.env.E2E_KUBECONFIG,
    seed,
    devices: 10,
    instances: 5,
    placements: 4,
    forMs: 6_000,
    everyMs: 60,
    speed: SPEED,
    hostility: {
      calls: 0.1,
      watches: 0.9,
      delayMs: 100,
      outages: { everyMs: 5_000, lastMs: 700 },
    },
    patienceMs: 90_000,
    logLevel: 'info',
    say: (what) => lines.push(what),
  });
  assert.equal(result.faults, [], lines.join('\n'));
  assert.ok(result.changes > 10, lines.join('\n'));
  assert.ok(Object.keys(result.struck).length >= 6, JSON.stringify(result.struck));
});

test.run();
