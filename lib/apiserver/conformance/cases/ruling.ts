// CEL rules: what they see, what they say, and when they are not asked.
import type { JsonObject } from '../../json.ts';
import { group, patch, post, type Step } from '../case.ts';
import { CONFORMANCE_GROUP } from '../widgets.ts';

const RULED = `/apis/${CONFORMANCE_GROUP}/v1/namespaces/{ns}/ruleds`;

const ruled = (spec: JsonObject, more: JsonObject = {}): JsonObject => ({
  apiVersion: `${CONFORMANCE_GROUP}/v1`,
  kind: 'Ruled',
  metadata: { name: 'a' },
  spec,
  ...more,
});
const ones = (count: number): number[] => Array.from({ length: count }, () => 1);
const create = (spec: JsonObject): Step[] => [post(RULED, ruled(spec))];
const change = (before: JsonObject, after: JsonObject): Step[] => [
  post(RULED, ruled(before), { silent: true }),
  patch('merge', `${RULED}/a`, { spec: after }),
];

export const RULING = [
  group('rules', 'custom', {
    'that hold': create({ min: 1, max: 2, fixed: 'x', items: [{ key: 'a', value: 1 }], list: [1, 2], text: 'abc' }),
    'a message': create({ min: 3, max: 2 }),
    'no message': create({ list: [3, 1] }),
    'a message that is computed': create({ text: 'too long a text' }),
    'a computed message that fails': create({ broken: 'x' }),
    'a reason and a field': create({ forbidden: true }),
    'a required field by rule': create({ needs: true }),
    'a duplicate by rule': create({ twin: 'same', other: 'same' }),
    'on a scalar': create({ even: 3 }),
    'on a list item': create({
      items: [
        { key: 'a', value: 1 },
        { key: 'b', value: -1 },
      ],
    }),
    'on a map value': create({ amounts: { a: 1, b: -1 } }),
    'on a string': create({ lower: 'ABC' }),
    'several at once': create({ min: 3, max: 2, even: 3, lower: 'ABC' }),
    'not asked after a type error': create({ min: 'x', max: 2, even: 3 }),
    'not asked after an enum error': create({ choice: 'c', even: 3 }),
    'asked after a pattern error': create({ pattern: 'X', even: 3 }),
    'transition: the same': change({ fixed: 'x' }, { fixed: 'x', min: 1 }),
    'transition: a change': change({ fixed: 'x' }, { fixed: 'y' }),
    'transition: not on creation': create({ fixed: 'x' }),
    'transition: not when there was none': change({ min: 0 }, { fixed: 'y' }),
    'transition: removed': change({ fixed: 'x' }, { fixed: null }),
    'transition: in a list by key': change(
      {
        items: [
          { key: 'a', value: 5 },
          { key: 'b', value: 6 },
        ],
      },
      {
        items: [
          { key: 'b', value: 6 },
          { key: 'a', value: 4 },
        ],
      },
    ),
    'transition: a new item': change(
      { items: [{ key: 'a', value: 5 }] },
      {
        items: [
          { key: 'a', value: 5 },
          { key: 'n', value: 1 },
        ],
      },
    ),
    'transition: with an optional old self, creating': create({ once: 'b' }),
    'transition: with an optional old self, changing': change({ once: 'a' }, { once: 'c' }),
    'ratcheting: an old mistake stays': change({ text: 'abc', lower: 'abc' }, { min: 1 }),
    'a quantity': create({ amount: '100Mi' }),
    'a small quantity': create({ amount: '100Ki' }),
    'a quantity that is none': create({ amount: 'x' }),
    'a URL': create({ url: 'ftp://example.com/' }),
    'an address': create({ ip: '1.2.3' }),
    'a duration': create({ wait: '2h' }),
    'a time': create({ when: '2001-01-01T00:00:00Z' }),
    'names that are no identifiers': create({ 'dash-ed': 'bad', namespace: 'bad' }),
    'int or string, an int': create({ port: 70000 }),
    'int or string, a string': create({ port: '' }),
    macros: create({ numbers: [1, 2, 30] }),
    'an object of its own': create({ nested: { a: 'x', b: 'x' } }),
    'absent optional fields': create({}),
    'a run within its limit': create({ pairs: ones(370) }),
    'a run over its limit': create({ pairs: ones(390), even: 4 }),
    'a run that ends early': create({ pairs: [-1, ...ones(900)] }),
    'a run over its limit, in an update': change({ pairs: [1, 2] }, { pairs: ones(1000) }),
    'runs within their budget': create({ often: ones(250) }),
    // A busy server may give up before it comes to its judgement.
    'runs over their budget': [post(RULED, ruled({ often: ones(350) }), { until: { code: 422 } })],
    'a computed message': create({ wordy: ones(100) }),
    'a computed message over its limit': create({ wordy: ones(400) }),
  }),
];
