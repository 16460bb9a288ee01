// The table of reasons says what the code does: nothing in it that no code uses, nothing told without sense.
import { globSync, readFileSync } from 'node:fs';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { OPERATIONS } from '../provision/operations/operations.ts';
import { mayStand, REASONS } from './reasons.ts';

const ROOT = new URL('../../', import.meta.url).pathname;
/** Where reasons are defined, or only named as what may come over the wire. */
const DEFINE = ['lib/api/reasons.ts', 'lib/provision/operations/failures.ts', 'lib/provision/protocol.ts'];

const sources = globSync(['controllers/**/*.ts', 'lib/{agent,api,provision,scheduler}/**/*.ts'], { cwd: ROOT })
  .filter((file) => !file.endsWith('.test.ts') && !/(e2e|model|generated)/.test(file) && !DEFINE.includes(file))
  .map((file) => readFileSync(`${ROOT}${file}`, 'utf8'))
  .join('\n');

const all = Object.entries(REASONS).flatMap(([kind, reasons]) =>
  Object.entries(reasons).map(([reason, meaning]) => ({ kind, reason, meaning })),
);

test('every reason is used by some code', () => {
  const derived = new Set(
    Object.keys(OPERATIONS).flatMap((kind) => ['', 'Started', 'Succeeded', 'Aborted'].map((end) => kind + end)),
  );
  const unused = all.filter(({ reason }) => !derived.has(reason) && !sources.includes(`'${reason}'`));
  assert.equal(
    unused.map(({ kind, reason }) => `${kind} ${reason}`),
    [],
  );
});

test('every reason is CamelCase, says what it means and where it stands, and what to do where it waits for somebody', () => {
  for (const { kind, reason, meaning } of all) {
    const told = `${kind} ${reason}`;
    assert.match(reason, /^[A-Z][A-Za-z]{1,62}$/, told);
    assert.match(meaning.meaning, /^\S.*\.$/, told);
    assert.ok(meaning.on.length > 0, told);
    if (meaning.retry === 'change') assert.match(meaning.remedy, /^\S.*\.$/, told);
  }
});

test('a reason stands where the table says, on Reconciling and Stalled as on Ready, and nowhere else', () => {
  assert.ok(mayStand('Device', 'BMCUnreachable', 'Reachable'));
  assert.ok(mayStand('Device', 'BMCUnreachable', 'Stalled'));
  assert.not(mayStand('Device', 'RootDiskNotFound', 'Reachable'));
  assert.not(mayStand('Instance', 'BMCUnreachable', 'Reachable'));
  assert.not(mayStand('Device', 'toString', 'Ready'));
  assert.not(mayStand('Pod', 'Ready', 'Ready'));
});

test.run();
