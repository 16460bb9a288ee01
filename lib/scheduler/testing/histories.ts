// Holds the scheduler against the reference for as many decisions as one likes; ends with 1 at the first difference.
//
//   node lib/scheduler/testing/histories.ts [--decisions 1000000] [--seed 1000]
import { parseArgs } from 'node:util';
import { compareHistory } from './compare.ts';

const EACH = 200;

const { values } = parseArgs({
  options: { decisions: { type: 'string', default: '1000000' }, seed: { type: 'string', default: '1000' } },
});
const histories = Math.ceil(Number(values.decisions) / EACH);
const first = Number(values.seed);
for (let done = 0; done < histories; done++) {
  const seed = first + done;
  compareHistory({ seed, decisions: EACH, mostNodes: 4 + (seed % 9), kinds: 4 + (seed % 23) });
  if ((done + 1) % 100 === 0 || done + 1 === histories) console.log(`${(done + 1) * EACH} decisions, all the same`);
}
