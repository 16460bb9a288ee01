// test-slow
// test-deadline: 3600
// Two replicas of the product's operator while people change things: the leader is killed, or paused for 60 s and let go on.
// TAKEOVER_ROUNDS and TAKEOVER_SPEED set how often, and how many times as fast the operators' time runs. A real server has to
// keep all kinds in one etcd: writes are put in order by revision.
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { spanOf } from '../../../lib/testing/replicas.ts';
import { takeover } from './takeover.ts';

const rounds = Number(process.env.TAKEOVER_ROUNDS ?? 2);
const speed = Number(process.env.TAKEOVER_SPEED ?? 4);
const seed = Number(process.env.TAKEOVER_SEED ?? 1);

test(`the leader is killed and paused, ${rounds} times each: no write of its takes hold in another one's term`, async () => {
  const lines: string[] = [];
  const result = await takeover({
    kubeconfig: process.env.E2E_KUBECONFIG,
    seed,
    devices: 10,
    instances: 5,
    placements: 4,
    everyMs: 200,
    rounds,
    speed,
    patienceMs: 120_000,
    say: (what) => lines.push(what),
  });
  assert.equal(result.faults, [], lines.join('\n'));
  assert.ok(result.changes > rounds, lines.join('\n'));
  const { changes, writes, followedMs } = result;
  const followed = `${spanOf(followedMs.killed)} (killed), ${spanOf(followedMs.paused)} (paused)`;
  console.log(`${changes} changes, ${writes} writes, none in another one's term; followed after ${followed}`);
});

test.run();
