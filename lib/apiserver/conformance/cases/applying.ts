// Server-side apply: who owns what, conflicts, force, and what goes when it is no longer applied.
import type { Json, JsonObject } from '../../json.ts';
import { get, group, patch, post, put, type Step } from '../case.ts';
import { WIDGETS } from '../widgets.ts';
import { configMap, MAPS, widget } from './objects.ts';

const apply = (manager: string, spec: JsonObject, query = '', metadata: JsonObject = {}): Step =>
  patch('apply', `${WIDGETS}/a?fieldManager=${manager}${query}`, widget('a', spec, metadata));
const quiet = (step: Step): Step => ({ ...step, silent: true });
const raw = (body: Json, query = 'fieldManager=m'): Step[] => [patch('apply', `${WIDGETS}/a?${query}`, body)];
const disk = (name: string, more: JsonObject = {}): JsonObject => ({ name, ...more });

export const APPLYING = [
  group('applying custom resources', 'custom', {
    creates: [
      apply('m', { size: 1, tags: ['x'], disks: [disk('a', { size: 1 })], labels: { l: 'v' }, atom: { a: '1' } }),
    ],
    'the same again': [quiet(apply('m', { size: 1 })), apply('m', { size: 1 }), get(`${WIDGETS}/a`)],
    'a change': [quiet(apply('m', { size: 1 })), apply('m', { size: 2 })],
    'a removed field goes': [quiet(apply('m', { size: 1, power: 'On' })), apply('m', { size: 1 })],
    'a removed field that others own stays': [
      quiet(apply('m', { size: 1, power: 'On' })),
      quiet(apply('n', { power: 'On' })),
      apply('m', { size: 1 }),
    ],
    'two share a value': [quiet(apply('m', { size: 1 })), apply('n', { size: 1 })],
    'a conflict': [quiet(apply('m', { size: 1 })), apply('n', { size: 2 })],
    'several conflicts': [quiet(apply('m', { size: 1, power: 'On' })), apply('n', { size: 2, power: 'Off' })],
    'conflicts with several': [
      quiet(apply('m', { size: 1 })),
      quiet(apply('o', { power: 'On' })),
      apply('n', { size: 2, power: 'Off' }),
    ],
    'a conflict with an update': [post(WIDGETS, widget('a', { size: 1 }), { silent: true }), apply('n', { size: 2 })],
    'a conflict with a status update': [
      quiet(apply('m', { size: 1 })),
      patch('merge', `${WIDGETS}/a/status?fieldManager=s`, { status: { phase: 'x' } }, { silent: true }),
      patch('apply', `${WIDGETS}/a/status?fieldManager=t`, widget('a', {}, {}, { status: { phase: 'y' } })),
    ],
    forced: [quiet(apply('m', { size: 1 })), apply('n', { size: 2 }, '&force=true')],
    'forced, then released': [
      quiet(apply('m', { size: 1, power: 'On' })),
      quiet(apply('n', { size: 2 }, '&force=true')),
      apply('n', {}),
    ],
    'an update takes ownership': [
      quiet(apply('m', { size: 1, power: 'On' })),
      patch('merge', `${WIDGETS}/a?fieldManager=u`, { spec: { size: 3 } }),
    ],
    'after an update took it, a conflict': [
      quiet(apply('m', { size: 1 })),
      patch('merge', `${WIDGETS}/a?fieldManager=u`, { spec: { size: 3 } }, { silent: true }),
      apply('m', { size: 1 }),
    ],
    'list items by key': [
      quiet(apply('m', { disks: [disk('a'), disk('b')] })),
      apply('n', { disks: [disk('c', { size: 3 }), disk('a', { size: 1 })] }),
    ],
    'a removed list item goes': [
      quiet(apply('m', { disks: [disk('a'), disk('b')] })),
      apply('m', { disks: [disk('b')] }),
    ],
    'a removed list item with another’s field stays': [
      quiet(apply('m', { disks: [disk('a'), disk('b')] })),
      quiet(apply('n', { disks: [disk('a', { size: 5 })] })),
      apply('m', { disks: [disk('b')] }),
    ],
    'the order of list items': [
      quiet(apply('m', { disks: [disk('a'), disk('b'), disk('c')] })),
      apply('m', { disks: [disk('c'), disk('a'), disk('b')] }),
    ],
    'new items among others’': [
      quiet(apply('m', { disks: [disk('a'), disk('b'), disk('c')] })),
      apply('n', { disks: [disk('x'), disk('c'), disk('y')] }),
    ],
    'an item without its key': [apply('m', { disks: [{ size: 1 }] })],
    'an item twice': [apply('m', { disks: [disk('a'), disk('a')] })],
    'set items': [quiet(apply('m', { tags: ['a', 'b'] })), apply('n', { tags: ['c', 'a'] })],
    'a removed set item goes': [
      quiet(apply('m', { tags: ['a', 'b'] })),
      quiet(apply('n', { tags: ['b'] })),
      apply('m', { tags: [] }),
    ],
    'a set item twice': [apply('m', { tags: ['a', 'a'] })],
    'an atomic list': [quiet(apply('m', { steps: [1, 2] })), apply('n', { steps: [3] })],
    'an atomic map': [quiet(apply('m', { atom: { a: '1' } })), apply('n', { atom: { b: '2' } })],
    'an atomic map, forced': [quiet(apply('m', { atom: { a: '1' } })), apply('n', { atom: { b: '2' } }, '&force=true')],
    'a map': [quiet(apply('m', { labels: { a: '1' } })), apply('n', { labels: { b: '2' } })],
    'a free object': [quiet(apply('m', { free: { a: { b: 1 }, c: [1] } })), apply('n', { free: { a: { d: 2 } } })],
    'empty containers': [apply('m', { labels: {}, tags: [], free: {} })],
    'a null': [apply('m', { maybe: null, size: null })],
    'labels and annotations': [
      quiet(apply('m', {}, '', { labels: { a: '1' }, annotations: { b: '2' } })),
      apply('n', {}, '', { labels: { c: '3' } }),
    ],
    'finalizers and owners': [
      apply('m', {}, '', {
        finalizers: ['example.com/a'],
        ownerReferences: [{ apiVersion: 'v1', kind: 'Namespace', name: 'default', uid: 'x' }],
      }),
      quiet(patch('merge', `${WIDGETS}/a`, { metadata: { finalizers: null } })),
    ],
    'an unknown field': [apply('m', { color: 'red' })],
    'a wrong type': [apply('m', { size: 'big' })],
    'a wrong container': [apply('m', { tags: { a: 1 } })],
    'a mistake': [apply('m', { power: 'Maybe' })],
    'without a manager': raw(widget('a'), ''),
    'with managed fields': raw(widget('a', {}, { managedFields: [{ manager: 'x' }] })),
    'without a name': raw({ apiVersion: 'conformance.bmp.dev/v1', kind: 'Widget', metadata: {}, spec: { size: 1 } }),
    'under another name': raw(widget('b')),
    'of another version': raw({ ...widget('a'), apiVersion: 'conformance.bmp.dev/v1beta1' }),
    'of another kind': raw({ ...widget('a'), kind: 'Other' }),
    'without a kind': raw({ apiVersion: 'conformance.bmp.dev/v1', metadata: { name: 'a' } }),
    YAML: raw('apiVersion: conformance.bmp.dev/v1\nkind: Widget\nmetadata:\n  name: a\nspec:\n  size: 2\n'),
    'broken YAML': raw('a: b: c'),
    'a list': raw([]),
    'with a uid, creating': raw(widget('a', {}, { uid: 'mine' })),
    'with a resourceVersion, creating': raw(widget('a', {}, { resourceVersion: '1' })),
    'with an old resourceVersion': [
      post(WIDGETS, widget('a'), { silent: true, save: { rv: 'metadata.resourceVersion' } }),
      patch('merge', `${WIDGETS}/a`, { spec: { size: 4 } }, { silent: true }),
      apply('m', { power: 'On' }, '', { resourceVersion: '$rv' }),
    ],
    'a dry run': [apply('m', { size: 1 }, '&dryRun=All'), get(`${WIDGETS}/a`)],
    'after a client that tracked nothing': [
      post(WIDGETS, widget('a', { size: 1 }), { silent: true, save: { rv: 'metadata.resourceVersion' } }),
      put(`${WIDGETS}/a`, widget('a', { size: 2 }, { managedFields: [{}], resourceVersion: '$rv' }), { silent: true }),
      apply('m', { power: 'On' }),
    ],
    'update and apply by one manager': [
      post(`${WIDGETS}?fieldManager=m`, widget('a', { size: 1, power: 'On' }), { silent: true }),
      apply('m', { size: 1 }),
      apply('m', { size: 2 }),
    ],
  }),
  group('applying built-in kinds', 'core', {
    creates: [patch('apply', `${MAPS}/a?fieldManager=m`, configMap('a'))],
    'a conflict': [
      patch('apply', `${MAPS}/a?fieldManager=m`, configMap('a'), { silent: true }),
      patch('apply', `${MAPS}/a?fieldManager=n`, configMap('a', { a: 'c' })),
    ],
    'a removed key goes': [
      patch('apply', `${MAPS}/a?fieldManager=m`, configMap('a', { a: '1', b: '2' }), { silent: true }),
      patch('apply', `${MAPS}/a?fieldManager=m`, configMap('a', { b: '2' })),
    ],
    'a namespace that is not there': [
      patch('apply', '/api/v1/namespaces/none-{id}/configmaps/a?fieldManager=m', configMap('a')),
    ],
  }),
];
