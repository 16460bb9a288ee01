// Feeds every decoder damaged messages, as many as one likes, and says what they did not stand.
//
//   npm run fuzz:bmc -- [--seed N] [--count N] [--from N] [--subject NAME]
//
// Fails with the line that brings the input back: on a wrong error, on a value that is not plain, on a decoder that does not
// come to an end, and on memory that stays behind.
import { parseArgs } from 'node:util';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { fuzz, SUBJECTS } from './fuzz.ts';

/** Rounds between two signs of life, far below what they are given to come. */
const STRIDE = 10_000;
const HANGS_AFTER_MS = 60_000;
/** What the heap may grow over a subject's rounds: the runtime's own caches, and no more. */
const MOST_GROWTH_BYTES = 8 << 20;

interface Task {
  readonly seed: number;
  readonly from: number;
  readonly to: number;
  readonly subject: string | undefined;
}

/** Where a worker is; the last thing that it says before it hangs. */
interface Progress {
  readonly subject: string;
  readonly round: number;
  readonly failure?: string;
}

function collectGarbage(): void {
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
}

function heapUsed(): number {
  collectGarbage();
  return process.memoryUsage().heapUsed;
}

function work({ seed, from, to, subject: only }: Task, tell: (progress: Progress) => void): void {
  for (const subject of SUBJECTS) {
    if (only !== undefined && subject.name !== only) continue;
    let before: number | undefined;
    for (let round = from; round < to; round += STRIDE) {
      tell({ subject: subject.name, round });
      const finding = fuzz(subject, seed, round, Math.min(round + STRIDE, to));
      if (finding) {
        tell({ subject: subject.name, round: finding.round, failure: `${finding.error}; input ${finding.input}` });
        break;
      }
      before ??= heapUsed(); // after the first stride: compiled, and its caches filled
    }
    const growth = before === undefined ? 0 : heapUsed() - before;
    if (growth > MOST_GROWTH_BYTES) tell({ subject: subject.name, round: to, failure: `keeps ${growth} bytes` });
  }
}

/** Runs in a worker, because a decoder that hangs can only be noticed from outside. Resolves with the failures. */
function supervise(task: Task): Promise<Progress[]> {
  const worker = new Worker(new URL(import.meta.url), { workerData: task });
  const failures: Progress[] = [];
  let last: Progress | undefined;
  return new Promise((resolve, reject) => {
    const hangs = () => {
      failures.push({ ...last!, failure: `does not come to an end, within ${STRIDE} rounds from here` });
      void worker.terminate();
    };
    let timer = setTimeout(hangs, HANGS_AFTER_MS);
    worker.on('message', (progress: Progress) => {
      clearTimeout(timer);
      timer = setTimeout(hangs, HANGS_AFTER_MS);
      if (progress.failure !== undefined) failures.push(progress);
      if (progress.subject !== last?.subject) console.log(progress.subject);
      last = progress;
    });
    worker.on('error', reject);
    worker.on('exit', () => {
      clearTimeout(timer);
      resolve(failures);
    });
  });
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      seed: { type: 'string', default: '1' },
      count: { type: 'string', default: '1000000' },
      from: { type: 'string', default: '0' },
      subject: { type: 'string' },
    },
  });
  const [seed, from, count] = [Number(values.seed), Number(values.from), Number(values.count)];
  if (![seed, from, count].every(Number.isSafeInteger)) throw new RangeError('seed, from and count are whole numbers');
  const failures = await supervise({ seed, from, to: from + count, subject: values.subject });
  for (const { subject, round, failure } of failures) {
    console.error(`${subject}: ${failure}`);
    console.error(`  npm run fuzz:bmc -- --subject '${subject}' --seed ${seed} --from ${round} --count 1`);
  }
  console.log(`${count} messages for each decoder from seed ${seed}: ${failures.length} not stood`);
  if (failures.length > 0) process.exitCode = 1;
}

if (isMainThread) await main();
else work(workerData as Task, (progress) => parentPort!.postMessage(progress));
