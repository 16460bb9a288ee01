// A short run of the fuzzer with every run of the tests; npm run fuzz:apiserver goes on for as long as it is told.
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { createRandom } from '../../testing/random.ts';
import { readExpected } from '../conformance/expected.ts';
import { GROUPS } from '../conformance/groups.ts';
import { AS_REAL, fuzz } from './fuzz.ts';
import { Shots } from './shots.ts';

test('two thousand odd requests: refused or carried out, never a failure', async () => {
  const { shots, codes, findings } = await fuzz(1, (count) => count === 2000);
  assert.equal(findings, []);
  assert.is(shots, 2000);
  // It must get past the door: a fuzzer that is always refused finds nothing.
  for (const code of [200, 201, 400, 404, 409, 415, 422])
    assert.ok((codes.get(code) ?? 0) > 0, `no answer was ${code}`);
});

test('a failure counts as none only where a real server was seen to answer it', async () => {
  const groups = await Promise.all([...new Set(GROUPS.map(({ name }) => name))].map(readExpected));
  const failures = groups
    .flatMap((cases) => Object.values(cases).flat())
    .filter(({ code }) => code >= 500)
    .map((outcome) => JSON.stringify(outcome));
  for (const known of AS_REAL)
    assert.ok(
      failures.some((failure) => known.test(failure)),
      `${known}`,
    );
});

test('a seed brings the same requests', () => {
  const [first, second] = [new Shots(createRandom(7)), new Shots(createRandom(7))];
  for (let count = 0; count < 1000; count++) assert.equal(first.next(), second.next());
});

test.run();
