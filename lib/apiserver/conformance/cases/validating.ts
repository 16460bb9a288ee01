// Structural schemas: what is refused, pruned and defaulted, and in which words.
import type { Json, JsonObject } from '../../json.ts';
import { get, group, patch, post, type Step } from '../case.ts';
import { WIDGETS } from '../widgets.ts';
import { widget } from './objects.ts';

const spec = (value: JsonObject): Step[] => [post(WIDGETS, widget('a', value))];
const strict = (query: string, value: Json | string): Step[] => [post(`${WIDGETS}?fieldValidation=${query}`, value)];
const twice =
  '{"apiVersion":"conformance.bmp.dev/v1","kind":"Widget","metadata":{"name":"a"},"spec":{"size":1,"size":2}}';

export const VALIDATING = [
  group('validating', 'custom', {
    'not in the enum': spec({ power: 'Maybe' }),
    'not of the type: integer': spec({ size: 'big' }),
    'not of the type: string': spec({ mode: 1 }),
    'not of the type: boolean': spec({ enabled: 'yes' }),
    'not of the type: object': spec({ nested: [] }),
    'not of the type: array': spec({ tags: {} }),
    'not of the type: a fraction': spec({ size: 1.5 }),
    'not of the type: null': spec({ size: null }),
    'below the minimum': spec({ size: 0 }),
    'above the maximum': spec({ size: 11 }),
    'at an exclusive minimum': spec({ ratio: 0 }),
    'not a multiple': spec({ step: 7 }),
    'beyond int32': spec({ small: 3_000_000_000 }),
    'too short': spec({ name: 'a' }),
    'too long': spec({ name: 'abcdef' }),
    'not of the pattern': spec({ name: 'AB' }),
    'a date that is none': spec({ at: 'yesterday' }),
    'an address that is none': spec({ address: '1.2.3' }),
    'a missing field': spec({ nested: {} }),
    'a nullable null': spec({ maybe: null }),
    'a number for int-or-string': spec({ port: 80 }),
    'a text for int-or-string': spec({ port: 'http' }),
    'neither int nor string': spec({ port: true }),
    'a repeated item of a set': spec({ tags: ['a', 'b', 'a'] }),
    'a repeated key of a list': spec({ disks: [{ name: 'a' }, { name: 'a' }] }),
    'a list item without its key': spec({ disks: [{ size: 1 }] }),
    'too few items': spec({ steps: [] }),
    'too many items': spec({ steps: [1, 2, 3, 4] }),
    'a wrong item': spec({ steps: [1, 'x'] }),
    'too many properties': spec({ labels: { a: '1', b: '2', c: '3', d: '4' } }),
    'too few properties': spec({ limits: {} }),
    'a wrong value in a map': spec({ labels: { a: 1 } }),
    'one of two': spec({ either: {} }),
    'one of two, both': spec({ either: { a: 'x', b: 'y' } }),
    'any of two': spec({ any: {} }),
    'all of two': spec({ both: { a: 'x' } }),
    'not both': spec({ except: { a: 'x', b: 'y' } }),
    'several mistakes': spec({ power: 'x', size: 0, nested: {} }),
    'a spec that is no object': [post(WIDGETS, { ...widget('a'), spec: 'x' })],
    'unknown fields are pruned': spec({
      color: 'red',
      nested: { key: 'k', more: 1 },
      disks: [{ name: 'a', odd: true }],
    }),
    'unknown fields are kept where allowed': spec({ free: { anything: [1, { a: null }] } }),
    'a known field of a free object': spec({ free: { known: 'x' } }),
    'unknown top-level field': [post(WIDGETS, widget('a', {}, {}, { data: { a: 1 } }))],
    defaults: spec({ nested: { key: 'k' }, disks: [{ name: 'a' }] }),
    'a default for null': spec({ mode: null }),
    'defaults do not make their parents': spec({}),
    'strict: an unknown field': strict('Strict', widget('a', { color: 'red', nested: { key: 'k', more: 1 } })),
    'strict: unknown metadata': strict('Strict', widget('a', {}, { color: 'red' })),
    'strict: a repeated field': strict('Strict', twice),
    'strict: a good object': strict('Strict', widget('a', { size: 1 })),
    'warn: an unknown field': strict('Warn', widget('a', { color: 'red', nested: { key: 'k', more: 1 } })),
    'warn: a repeated field': strict('Warn', twice),
    'ignore: an unknown field': strict('Ignore', widget('a', { color: 'red' })),
    'ignore: a repeated field': strict('Ignore', twice),
    'an unknown way of validating': strict('Maybe', widget('a')),
    'strict: a merge patch': [
      post(WIDGETS, widget('a'), { silent: true }),
      patch('merge', `${WIDGETS}/a?fieldValidation=Strict`, { spec: { color: 'red' } }),
    ],
    'warn: a merge patch': [
      post(WIDGETS, widget('a'), { silent: true }),
      patch('merge', `${WIDGETS}/a?fieldValidation=Warn`, { spec: { color: 'red' } }),
    ],
    'strict: an apply': [
      patch('apply', `${WIDGETS}/a?fieldValidation=Strict&fieldManager=m`, widget('a', { color: 'red' })),
    ],
    'strict: a JSON patch': [
      post(WIDGETS, widget('a'), { silent: true }),
      patch('json', `${WIDGETS}/a?fieldValidation=Strict`, [{ op: 'add', path: '/spec/color', value: 'red' }]),
    ],
    'an update that leaves a mistake in status': [
      post(WIDGETS, widget('a'), { silent: true }),
      patch('merge', `${WIDGETS}/a/status`, { status: { note: 'much too long' } }),
      get(`${WIDGETS}/a`),
    ],
  }),
];
