// node controllers/e2e/matrix/main.ts: the whole matrix, or what is named.
import { parseArgs } from 'node:util';
import { allCells, cellName, sample } from './cells.ts';
import { faultsIn, report } from './report.ts';
import { runMatrix } from './run.ts';

const usage = `Usage: npm run matrix -- [options] [part of a cell's name ...]

Every step of every operation with every fault that can befall it: converges, or stops with the right reason and goes on once the
fault is gone; nothing destroyed without proof, nothing done twice. Exit code 1 when anything is wrong.

  --count N      so many cells by the seed (default: all)
  --seed N       which ones (default 1)
  --shard I/N    the I-th of N parts, for N processes beside each other: waiting takes most of the time
  --at-once N    machines at a time (default 32)
  --minutes N    until it is given up (default 20)
  --list         only names the cells`;

const text = { type: 'string' } as const;
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    count: text,
    seed: { ...text, default: '1' },
    shard: { ...text, default: '1/1' },
    'at-once': { ...text, default: '32' },
    minutes: { ...text, default: '20' },
    list: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});
const named = allCells().filter(
  (cell) => positionals.length === 0 || positionals.some((part) => cellName(cell).includes(part)),
);
const [shard = 0, shards = 0] = values.shard.split('/').map(Number);
const isShard = Number.isInteger(shard) && Number.isInteger(shards) && shard >= 1 && shard <= shards;
const picked = values.count === undefined ? named : sample(named, Number(values.count), Number(values.seed));
const cells = picked.filter((_, index) => index % shards === shard - 1);

if (values.help) console.log(usage);
else if (values.list && isShard) console.log(cells.map(cellName).join('\n'));
else if (!isShard) {
  console.error(`--shard takes I/N, I from 1 to N, not "${values.shard}"`);
  process.exitCode = 2;
} else if (cells.length === 0) {
  console.error(`no cell's name has ${positionals.join(' or ')} in it: --list tells them`);
  process.exitCode = 2;
} else {
  const result = await runMatrix({
    cells,
    atOnce: Number(values['at-once']),
    patienceMs: Number(values.minutes) * 60_000,
    say: (what) => console.log(what),
  });
  console.log(report(result).join('\n'));
  process.exitCode = faultsIn(result).length > 0 ? 1 : 0;
}
