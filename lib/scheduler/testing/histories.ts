// Holds the scheduler against the reference for as many decisions as one likes; ends with 1 at the first difference.
//
//   node lib/scheduler/testing/histories.ts [--decisions 1000000] [--seed 1000] [--jobs N]
//
// Histories have nothing to do with each other, so they run on all cores.
import { once } from 'node:events';
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { compareHistory } from './compare.ts';

/** Decisions of one history. */
const EACH = 200;

/** Every `step`th seed from `first` to below `end`. */
interface Share {
  readonly first: number;
  readonly end: number;
  readonly step: number;
}

function compareAll({ first, end, step }: Share): void {
  for (let seed = first; seed < end; seed += step) {
    compareHistory({ seed, decisions: EACH, mostNodes: 4 + (seed % 9), kinds: 4 + (seed % 23) });
    parentPort?.postMessage(EACH);
  }
}

async function share(decisions: number, first: number, jobs: number): Promise<void> {
  const end = first + Math.ceil(decisions / EACH);
  let done = 0;
  const count = (more: number) => {
    done += more;
    if (done % 50_000 === 0) console.log(`${done} decisions, all the same`);
  };
  const workers = Array.from({ length: jobs }, (_, index) => {
    const worker = new Worker(import.meta.filename, { workerData: { first: first + index, end, step: jobs } });
    return once(worker.on('message', count), 'exit');
  });
  await Promise.all(workers);
  console.log(`${done} decisions, all the same`);
}

if (isMainThread) {
  const { values } = parseArgs({
    options: {
      decisions: { type: 'string', default: '1000000' },
      seed: { type: 'string', default: '1000' },
      jobs: { type: 'string', default: String(availableParallelism()) },
    },
  });
  await share(Number(values.decisions), Number(values.seed), Number(values.jobs));
} else {
  compareAll(workerData as Share);
}
