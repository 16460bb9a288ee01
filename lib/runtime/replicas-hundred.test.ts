// test-deadline: 2400
// test-slow
// Two replicas with the product's own lease, a hundred times over: the leader is killed, and the other one acts within 15 s;
// the leader is paused for 60 s, and not one write of its takes hold that contradicts those of the one that followed it.
//
// Rounds are mostly waiting, so many pairs play at a time: each round starts a process, and a machine that has no time for
// them keeps no promise. REPLICA_ROUNDS, REPLICA_PAIRS and REPLICA_SEED set how many and when the blows fall; the server is the embedded one, or the real one that KUBECONFIG_REAL or E2E_KUBECONFIG names.
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { startCluster } from '../testing/cluster.ts';
import { createRandom } from '../testing/random.ts';
import { type Pair, spanOf, startPair } from '../testing/replicas.ts';

const ROUNDS = Number(process.env.REPLICA_ROUNDS ?? 100);
const PAIRS = Number(process.env.REPLICA_PAIRS ?? 10);
const SEED = Number(process.env.REPLICA_SEED ?? 1);
/** What the lease promises: see lib/kube/lease.ts. */
const FOLLOWED_WITHIN_MS = 15_000;
const PAUSE_MS = 60_000;
/** Blows fall at any moment between two renewals, and those of different pairs apart from each other. */
const SPREAD_MS = 10_000;

/** Plays all rounds, and gives how long each took until another one wrote. */
async function play(
  what: string,
  pairs: number,
  round: (pair: Pair, afterMs: number) => Promise<number>,
): Promise<readonly number[]> {
  await using cluster = await startCluster(process.env.KUBECONFIG_REAL ?? process.env.E2E_KUBECONFIG);
  const random = createRandom(SEED);
  const moments = Array.from({ length: ROUNDS }, () => random() * SPREAD_MS);
  const took: number[] = [];
  let writes = 0;
  const lane = async (index: number) => {
    await using pair = await startPair(cluster, { group: `${what}-${index}`, objects: 4, everyMs: 1_000 });
    for (let moment = moments.pop(); moment !== undefined; moment = moments.pop()) {
      took.push(await round(pair, moment));
      assert.equal(pair.violations, []);
      if (took.length % 10 === 0)
        console.log(`${what}: ${took.length} of ${ROUNDS} rounds, followed after ${spanOf(took)}`);
    }
    writes += pair.writes;
  };
  // All of them end before the cluster does; what went wrong is told at once.
  const lanes = Array.from({ length: Math.min(pairs, ROUNDS) }, async (_, index) => {
    try {
      await lane(index);
    } catch (error) {
      moments.length = 0;
      console.log(`${what}: pair ${index} failed: ${String(error)}`);
      throw error;
    }
  });
  const failed = (await Promise.allSettled(lanes)).find((ended) => ended.status === 'rejected');
  if (failed) throw failed.reason;
  console.log(
    `${what}: ${ROUNDS} rounds, followed after ${spanOf(took)}; ${writes} writes seen, none contradicts another`,
  );
  return took;
}

test(`the leader is killed ${ROUNDS} times: the other one acts within 15 s`, async () => {
  const took = await play('killed', PAIRS, (pair, afterMs) => pair.kill(afterMs));
  assert.is(took.length, ROUNDS);
  assert.equal(
    took.filter((ms) => ms > FOLLOWED_WITHIN_MS),
    [],
  );
});

test(`the leader is paused for 60 s, ${ROUNDS} times: nothing that it still writes takes hold`, async () => {
  const took = await play('paused', 2 * PAIRS, (pair, afterMs) => pair.pause(afterMs, PAUSE_MS));
  assert.is(took.length, ROUNDS);
});

test.run();
