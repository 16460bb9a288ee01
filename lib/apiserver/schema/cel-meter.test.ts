// No object makes rules run for long: each run has a limit, all of an object's together have a budget, and what they cost is
// what real servers count.
import { Environment } from '@marcbachmann/cel-js';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Json } from '../json.ts';
import { validateRules } from './cel.ts';
import { Meter } from './cel-meter.ts';
import { CALL_LIMIT } from './cel-prices.ts';
import type { Schema } from './schema.ts';

const numbers = (count: number): bigint[] => Array.from({ length: count }, (_, index) => BigInt(index));

/** A rule's cost over a value. */
function cost(rule: string, self: unknown, limit = CALL_LIMIT): number {
  const meter = new Meter();
  const environment = meter.register(new Environment().registerVariable('self', 'dyn'));
  const run = environment.parse(`metered(${rule})`);
  return meter.run(() => run({ self }), limit).cost;
}

function refusals(value: Json, schema: Schema): string[] {
  return validateRules(value, undefined, schema, '').errors.map(({ detail }) => detail);
}

const list = (...rules: string[]): Schema => ({
  type: 'array',
  items: { type: 'integer' },
  'x-kubernetes-validations': rules.map((rule) => ({ rule })),
});

test('costs are those of cel-go', () => {
  assert.is(cost('self == 1', 1n), 2);
  assert.is(cost('self.a.b > 1', { a: { b: 2n } }), 4);
  assert.is(cost('self.a > 1 && self.a < 5', { a: 2n }), 6);
  assert.is(cost('self.a > 1 && self.a < 5', { a: 0n }), 3);
  assert.is(cost("self.startsWith('x')", 'x'.repeat(100)), 11);
  assert.is(cost("self.contains('0123456789ab')", 'x'.repeat(100)), 21);
  assert.is(cost("self.matches('^[a-z]+$')", 'x'.repeat(99)), 21);
  assert.is(cost('5 in self', numbers(10)), 11);
  assert.is(cost('self.size() > 1', numbers(10)), 3);
  // Each round reads the item, compares, and carries the loop's state along.
  assert.is(cost('self.all(n, n >= 0)', numbers(100)), 1 + 100 * 5);
  assert.is(cost('self.exists(n, n == 3)', numbers(100)), 1 + 4 * 6);
});

const endless = numbers(3000);

test('rules that go over lists within lists end at the limit', () => {
  for (const rule of [
    'self.all(a, self.all(b, self.all(c, a + b + c >= 0)))',
    'self.exists(a, self.exists(b, self.exists(c, a + b + c < 0)))',
    'self.exists_one(a, self.exists_one(b, self.exists_one(c, a + b + c < 0)))',
    'self.map(a, self.map(b, self.map(c, a + b + c))).size() > 0',
    'self.filter(a, self.filter(b, self.filter(c, a + b + c < 0).size() > 0).size() > 0).size() == 0',
    '!self.all(a, !(self.all(b, self.all(c, true)) || false)) || true',
  ]) {
    const spent = cost(rule, endless);
    assert.ok(spent > CALL_LIMIT, rule);
    assert.ok(spent < CALL_LIMIT * 1.01, `${rule}: nothing is run after the limit, ${spent}`);
  }
});

test('work that price lists do not know is paid too', () => {
  const big = { list: endless, other: [...endless], text: 'a'.repeat(1_000_000), tail: `${'a'.repeat(1_000_000)}b` };
  for (const rule of [
    'self.list.all(n, self.list == self.other && self.other == self.list && self.list == self.other)',
    'self.list.all(n, size(self.text) > 0)',
    'self.list.all(n, self.text < self.tail)',
    'self.text.indexOf(self.tail) < 0',
    'self.text.lastIndexOf(self.tail) < 0',
    'self.text.contains(self.tail)',
    '[self.list].map(x, x + x).map(x, x + x).map(x, x + x).map(x, x + x).all(x, self.list.all(n, x + x != x))',
    `[self.text]${'.map(x, x + x)'.repeat(30)}.size() == 1`,
  ]) {
    assert.ok(cost(rule, big) > CALL_LIMIT, rule);
  }
});

test('a pattern given by the object cannot backtrack for ever', () => {
  const run = (pattern: string) =>
    refusals({ pattern, text: `${'a'.repeat(60)}!` } as Json, {
      type: 'object',
      properties: { pattern: { type: 'string' }, text: { type: 'string' } },
      'x-kubernetes-validations': [{ rule: '!self.text.matches(self.pattern)' }],
    });
  assert.equal(run('^(a+)+$'), []);
  assert.equal(run('^(\\p{L}+)+$'), []);
  assert.match(run('(?=a)(a+)+$')[0]!, 'invalid or unsupported Perl syntax');
});

test('one run over its limit is refused as by the real server, and no other rule is run', () => {
  const quadratic = 'self.all(a, self.all(b, a + b >= 0))';
  const schema = list(quadratic, 'false');
  assert.equal(
    refusals(
      Array.from({ length: 1000 }, () => 1),
      schema,
    ),
    [
      `Invalid value: "array": 'operation cancelled: actual cost limit exceeded': no further validation rules will be run due to call cost exceeds limit for rule: ${quadratic}`,
    ],
  );
  assert.equal(refusals([1, 2, 3], schema), ['Invalid value: failed rule: false']);
});

test('all rules of an object share a budget', () => {
  const schema = list(...Array.from({ length: 15 }, () => 'self.all(a, self.all(b, a + b >= 0))'), 'false');
  assert.equal(
    refusals(
      Array.from({ length: 350 }, () => 1),
      schema,
    ),
    [
      'Invalid value: "array": validation failed due to running out of cost budget, no further validation rules will be run',
    ],
  );
});

test('a computed message has the same limit', () => {
  const schema: Schema = {
    type: 'array',
    items: { type: 'integer' },
    'x-kubernetes-validations': [
      { rule: 'false', messageExpression: "self.map(a, self.map(b, a + b)).size() > 0 ? 'x' : 'y'" },
    ],
  };
  assert.match(
    refusals(
      Array.from({ length: 1000 }, () => 1),
      schema,
    )[0]!,
    'call cost exceeds limit for messageExpression',
  );
  assert.equal(refusals([1], schema), ['Invalid value: x']);
});

test.run();
