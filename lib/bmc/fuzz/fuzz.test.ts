// Decoders stand damaged messages: a part of what `npm run fuzz:bmc` runs a million of, and every input that was once not stood.
// test-deadline: 300
import { readdirSync } from 'node:fs';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { fuzz, SUBJECTS } from './fuzz.ts';
import { RECORDED } from './recorded.ts';

const ROUNDS = 4000;
const WIRE = new URL('../ipmi/wire/', import.meta.url);

test('every decoder of the wire is a subject', async () => {
  const names = new Set(SUBJECTS.map(({ name }) => name));
  const files = readdirSync(WIRE).filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts'));
  for (const file of files) {
    const module = (await import(new URL(file, WIRE).href)) as Record<string, unknown>;
    const missing = Object.keys(module).filter((name) => name.startsWith('decode') && !names.has(name));
    assert.equal(missing, [], file);
  }
});

for (const subject of SUBJECTS) {
  test(`${subject.name}: ${ROUNDS} damaged messages`, () => {
    assert.is(fuzz(subject, 2026, 0, ROUNDS), undefined);
  });
}

test('what was once not stood', () => {
  for (const { subject, input, was } of RECORDED) {
    const found = SUBJECTS.find(({ name }) => name === subject);
    assert.ok(found, `no decoder is called ${subject}`);
    assert.not.throws(() => found!.feed(Buffer.from(input, 'hex')), undefined, was);
  }
});

test('a finding names the round that brings it back', () => {
  const broken = {
    ...SUBJECTS[0]!,
    feed: (input: Buffer) => {
      if (input.length > 60) throw new TypeError('too long');
    },
  };
  const finding = fuzz(broken, 7, 0, 10_000)!;
  assert.match(finding.error, /too long/);
  assert.equal(fuzz(broken, 7, finding.round, finding.round + 1), finding);
});

test.run();
