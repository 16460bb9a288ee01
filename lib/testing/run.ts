// The test runner: runs every *.test.ts in a process of its own and believes none of them on its exit code alone.
//
// uvu reports success for a file that ran nothing, and for one whose set-up threw. So each file must say how many tests
// it ran or skipped, that number must be above zero, and every one that it ran must have passed.
import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { glob } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';

export type Verdict = { file: string; passed: number; failed: number; skipped: number; seconds: number; why?: string };

const DEADLINE_SECONDS = 120;
const usage = `Usage: npm test -- [options] [name part ...]

Runs the test files whose path contains one of the parts (all without any).

  --jobs N      files at a time (default: one per core)
  --repeat N    run everything N times
  --also-slow   also the files marked "slow" (minutes each; CI runs them)

A file may say, in a comment line of its own among its first ten lines:
  // test-deadline: 300     seconds until it is ended as hanging (default ${DEADLINE_SECONDS})
  // test-slow              run only with --also-slow, or when named`;

/** What a test file asks of the runner in its first lines. */
export function directives(source: string): { deadlineSeconds: number; slow: boolean } {
  const head = source.split('\n', 10).join('\n');
  const deadline = /^\/\/ test-deadline: (\d+)$/m.exec(head)?.[1];
  return { deadlineSeconds: deadline ? Number(deadline) : DEADLINE_SECONDS, slow: /^\/\/ test-slow$/m.test(head) };
}

/** Judges one finished file from what uvu printed (its Total, Passed and Skipped lines) and how the process ended. */
export function judge(file: string, output: string, code: number | null, seconds: number): Verdict {
  const count = (label: string) => {
    const found = [...output.matchAll(new RegExp(`^\\s*${label}:\\s+(\\d+)`, 'gm'))].at(-1)?.[1];
    return found === undefined ? undefined : Number(found);
  };
  const [total, passed, skipped] = [count('Total'), count('Passed'), count('Skipped')];
  const verdict = { file, passed: passed ?? 0, skipped: skipped ?? 0, failed: 0, seconds };
  const fail = (why: string): Verdict => ({
    ...verdict,
    failed: Math.max(1, (total ?? 0) - verdict.passed),
    why,
  });
  if (code === null) return fail('ended by the runner: still running at its deadline (an open handle, or a hang)');
  if (total === undefined) return fail(`ran no test (exit code ${code}): is test.run() missing?`);
  // uvu leaves skipped tests out of its total.
  if (total + verdict.skipped === 0) return fail('ran no test');
  if (verdict.passed !== total) return fail(`${total - verdict.passed} failed`);
  if (code !== 0) return fail(`every test passed, but the process exited with ${code}`);
  return verdict;
}

const running = new Set<ChildProcess>();

function runFile(file: string, deadlineSeconds: number): Promise<{ verdict: Verdict; output: string }> {
  return new Promise((resolve, reject) => {
    const start = performance.now();
    const child = spawn(process.execPath, [file], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, FORCE_COLOR: '0' },
    });
    running.add(child);
    let output = '';
    let late = false;
    child.stdout.on('data', (chunk) => (output += chunk));
    child.stderr.on('data', (chunk) => (output += chunk));
    const timer = setTimeout(() => {
      late = true;
      child.kill('SIGKILL');
    }, deadlineSeconds * 1000);
    child.on('error', reject);
    child.on('close', (code) => {
      clearTimeout(timer);
      running.delete(child);
      const seconds = (performance.now() - start) / 1000;
      resolve({ verdict: judge(file, output, late ? null : (code ?? -1), seconds), output });
    });
  });
}

async function testFiles(parts: string[], alsoSlow: boolean): Promise<string[]> {
  const found: string[] = [];
  for await (const file of glob(['lib/**/*.test.ts', 'controllers/**/*.test.ts', 'examples/**/*.test.ts'])) {
    if (
      parts.length > 0
        ? parts.some((part) => file.includes(part))
        : alsoSlow || !directives(readFileSync(file, 'utf8')).slow
    ) {
      found.push(file);
    }
  }
  // The longest first, so that the last core is not left with one long file: deadlines tell which those are.
  const deadline = new Map(found.map((file) => [file, directives(readFileSync(file, 'utf8')).deadlineSeconds]));
  return found.sort((a, b) => deadline.get(b)! - deadline.get(a)! || a.localeCompare(b));
}

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      jobs: { type: 'string', default: String(Math.max(2, availableParallelism())) },
      repeat: { type: 'string', default: '1' },
      'also-slow': { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) {
    console.log(usage);
    return 0;
  }
  const files = await testFiles(positionals, values['also-slow']);
  if (files.length === 0) {
    console.error(`no test file matches ${positionals.join(', ')}`);
    return 1;
  }
  const queue = Array.from({ length: Number(values.repeat) }, () => files).flat();
  const verdicts: Verdict[] = [];
  const worker = async () => {
    for (let file = queue.shift(); file !== undefined; file = queue.shift()) {
      const { verdict, output } = await runFile(file, directives(readFileSync(file, 'utf8')).deadlineSeconds);
      verdicts.push(verdict);
      const mark = verdict.why ? 'FAIL' : 'ok  ';
      console.log(
        `${mark} ${file}  ${verdict.passed} passed  ${verdict.seconds.toFixed(1)}s${verdict.why ? `  ${verdict.why}` : ''}`,
      );
      if (verdict.why) console.log(output.trimEnd().split('\n').slice(-80).join('\n'));
    }
  };
  await Promise.all(Array.from({ length: Number(values.jobs) }, worker));
  const sum = (key: 'passed' | 'failed' | 'skipped') => verdicts.reduce((total, verdict) => total + verdict[key], 0);
  console.log(`${verdicts.length} files`);
  console.log(`${sum('passed')} passed, ${sum('failed')} failed, ${sum('skipped')} skipped`);
  return sum('failed') > 0 ? 1 : 0;
}

if (import.meta.main) {
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => {
      for (const child of running) child.kill('SIGTERM');
      process.exit(130);
    });
  }
  process.exitCode = await main();
}
