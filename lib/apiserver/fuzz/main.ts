// npm run fuzz:apiserver: for so many seconds, from a seed. Exits 1 with what it found, as requests that can be sent again.
import { parseArgs } from 'node:util';
import { fuzz, replay } from './fuzz.ts';
import type { Shot } from './shots.ts';

const usage = `Usage: npm run fuzz:apiserver -- [options]

  --seed N          which requests (default: any; it is printed)
  --seconds S       for how long (default 60)
  --replay REQUEST  only this one, as a finding printed it`;

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      seed: { type: 'string', default: String(Date.now() % 1_000_000) },
      seconds: { type: 'string', default: '60' },
      replay: { type: 'string' },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) {
    console.log(usage);
    return 0;
  }
  const end = performance.now() + Number(values.seconds) * 1000;
  const { shots, codes, findings } = values.replay
    ? await replay(JSON.parse(values.replay) as Shot)
    : await fuzz(Number(values.seed), () => performance.now() > end);
  const counts = [...codes].sort(([a], [b]) => a - b).map(([code, count]) => `${code}: ${count}`);
  console.log(`seed ${values.seed}: ${shots} requests; ${counts.join(', ')}`);
  for (const { why, shot } of findings)
    console.log(`\n${why}\n  --replay '${JSON.stringify(shot).replaceAll("'", "'\\''")}'`);
  return findings.length > 0 ? 1 : 0;
}

process.exitCode = await main();
