// npm run walks: a walk by a seed; one that fails is made shorter.
import { parseArgs } from 'node:util';
import { actionsOf } from './actions.ts';
import { shrink } from './shrink.ts';
import { populationOf, walk } from './walk.ts';

const usage = `Usage: npm run walks -- [options]

Hundreds of things that people do, Git takes back, or break, over many machines, in an order that follows from the seed. Then the
faults are taken away, and everything has to become as it was wanted. Exit code 1 when it does not, or when anything was that must
never be: with the seed, and the least part of the walk that still fails.

  --seed N       (default 1)
  --actions M    (default 300)
  --machines N   (default 50)
  --walks N      so many, with the seeds that follow (default 1)
  --every MS     between two actions (default 60)
  --minutes N    how long everything may take to settle (default 5)
  --tries N      the most shorter walks that are tried (default 24)`;

const text = { type: 'string' } as const;
const { values } = parseArgs({
  options: {
    seed: { ...text, default: '1' },
    actions: { ...text, default: '300' },
    machines: { ...text, default: '50' },
    walks: { ...text, default: '1' },
    every: { ...text, default: '60' },
    minutes: { ...text, default: '5' },
    tries: { ...text, default: '24' },
    help: { type: 'boolean', default: false },
  },
});

async function main(): Promise<number> {
  const machines = Number(values.machines);
  const options = { machines, everyMs: Number(values.every), patienceMs: Number(values.minutes) * 60_000 };
  for (let seed = Number(values.seed); seed < Number(values.seed) + Number(values.walks); seed++) {
    const actions = actionsOf(seed, Number(values.actions), populationOf(machines));
    const { faults, operations, deaths } = await walk({ ...options, actions });
    console.log(
      `seed ${seed}: ${actions.length} actions, ${operations} operations, ${deaths} operators killed, ${faults.length} faults`,
    );
    if (faults.length === 0) continue;
    for (const fault of faults.slice(0, 20)) console.log(`FAULT ${fault}`);
    const fails = async (part: typeof actions) => (await walk({ ...options, actions: part })).faults.length > 0;
    const least = await shrink(actions, (part) => fails([...part]), Number(values.tries));
    console.log(`seed ${seed} fails with ${least.length} of ${actions.length} actions:`);
    for (const action of least) console.log(JSON.stringify(action));
    return 1;
  }
  return 0;
}

if (values.help) console.log(usage);
else process.exitCode = await main();
