// JSON patch, merge patch, strategic merge patch.
import type { Json } from '../../json.ts';
import { get, group, patch, post, type Step } from '../case.ts';
import { WIDGETS } from '../widgets.ts';
import { configMap, MAPS, widget } from './objects.ts';

const made = post(
  WIDGETS,
  widget(
    'a',
    {
      size: 1,
      tags: ['x', 'y'],
      disks: [
        { name: 'a', size: 1 },
        { name: 'b', size: 2 },
      ],
      nested: { key: 'k' },
    },
    { labels: { l: 'm' } },
  ),
  { silent: true, save: { rv: 'metadata.resourceVersion' } },
);
const json = (...operations: Json[]): Step[] => [made, patch('json', `${WIDGETS}/a`, operations)];
const merge = (document: Json): Step[] => [made, patch('merge', `${WIDGETS}/a`, document)];
const map = post(
  MAPS,
  configMap('a', { a: '1', b: '2' }, { labels: { l: 'm' }, finalizers: ['example.com/a', 'example.com/b'] }),
  { silent: true },
);
const freed = patch('merge', `${MAPS}/a`, { metadata: { finalizers: null } }, { silent: true });
const strategic = (document: Json): Step[] => [map, patch('strategic', `${MAPS}/a`, document), freed];

export const PATCHING = [
  group('JSON patch', 'custom', {
    add: json({ op: 'add', path: '/spec/power', value: 'On' }),
    'add to a list': json({ op: 'add', path: '/spec/tags/1', value: 'z' }),
    'add at the end': json({ op: 'add', path: '/spec/tags/-', value: 'z' }),
    'add beyond the end': json({ op: 'add', path: '/spec/tags/9', value: 'z' }),
    'add without a parent': json({ op: 'add', path: '/spec/free/a/b', value: 1 }),
    remove: json({ op: 'remove', path: '/spec/tags/0' }),
    'remove what is missing': json({ op: 'remove', path: '/spec/power' }),
    replace: json({ op: 'replace', path: '/spec/size', value: 5 }),
    'replace what is missing': json({ op: 'replace', path: '/spec/power', value: 'On' }),
    move: json({ op: 'move', from: '/spec/tags/0', path: '/spec/tags/1' }),
    copy: json({ op: 'copy', from: '/spec/size', path: '/spec/step' }, { op: 'replace', path: '/spec/step', value: 5 }),
    'test that holds': json(
      { op: 'test', path: '/spec/size', value: 1 },
      { op: 'replace', path: '/spec/size', value: 2 },
    ),
    'test that fails': json(
      { op: 'test', path: '/spec/size', value: 9 },
      { op: 'replace', path: '/spec/size', value: 2 },
    ),
    'test of a resourceVersion': json(
      { op: 'test', path: '/metadata/resourceVersion', value: '$rv' },
      { op: 'replace', path: '/spec/size', value: 2 },
    ),
    'escaped paths': json(
      { op: 'add', path: '/metadata/annotations', value: {} },
      { op: 'add', path: '/metadata/annotations/example.com~1a', value: 'x' },
    ),
    'an unknown operation': json({ op: 'dance', path: '/spec' }),
    'no list': [made, patch('json', `${WIDGETS}/a`, { op: 'add' })],
    'no JSON': [made, patch('json', `${WIDGETS}/a`, 'x')],
    nothing: json(),
    'a name': json({ op: 'replace', path: '/metadata/name', value: 'b' }),
    'an unknown field': json({ op: 'add', path: '/spec/color', value: 'red' }),
    'a mistake': json({ op: 'add', path: '/spec/power', value: 'Maybe' }),
    'of something not there': [patch('json', `${WIDGETS}/none`, [])],
    'a kind': json({ op: 'replace', path: '/kind', value: 'Other' }),
  }),
  group('merge patch', 'custom', {
    'a change': merge({ spec: { size: 2 } }),
    'a removal': merge({ spec: { size: null } }),
    'a list is replaced': merge({ spec: { tags: ['z'] } }),
    'of metadata': merge({ metadata: { labels: { l: null, n: 'o' }, annotations: { a: 'b' } } }),
    nothing: merge({}),
    'with the resourceVersion': merge({ metadata: { resourceVersion: '$rv' }, spec: { size: 2 } }),
    'with an old resourceVersion': [
      made,
      patch('merge', `${WIDGETS}/a`, { spec: { size: 3 } }, { silent: true }),
      patch('merge', `${WIDGETS}/a`, { metadata: { resourceVersion: '$rv' }, spec: { size: 2 } }),
    ],
    'with another uid': merge({ metadata: { uid: 'other' } }),
    'with a name': merge({ metadata: { name: 'b' } }),
    'a list': merge([]),
    'no JSON': [made, patch('merge', `${WIDGETS}/a`, 'x')],
    'of something not there': [patch('merge', `${WIDGETS}/none`, {})],
    force: [made, patch('merge', `${WIDGETS}/a?force=true`, {})],
    'a dry run': [made, patch('merge', `${WIDGETS}/a?dryRun=All`, { spec: { size: 2 } }), get(`${WIDGETS}/a`)],
    'a default comes back': merge({ spec: { mode: null } }),
    'another content type': [
      made,
      patch('merge', `${WIDGETS}/a`, {}, { headers: { 'Content-Type': 'application/json' } }),
    ],
    'strategic on a custom resource': [made, patch('strategic', `${WIDGETS}/a`, {})],
    'an immutable field': merge({ metadata: { creationTimestamp: '2001-01-01T00:00:00Z' } }),
    'the generation': merge({ metadata: { generation: 17 } }),
  }),
  group('strategic merge patch', 'core', {
    'a change': strategic({ data: { a: '9', c: '3' } }),
    'a removal': strategic({ data: { a: null } }),
    replace: strategic({ data: { $patch: 'replace', c: '3' } }),
    delete: strategic({ data: { $patch: 'delete' } }),
    'retain keys': strategic({ data: { $retainKeys: ['a'], a: '7' } }),
    'a list of scalars merges': strategic({ metadata: { finalizers: ['example.com/c'] } }),
    'delete from a list of scalars': strategic({
      metadata: { '$deleteFromPrimitiveList/finalizers': ['example.com/a'] },
    }),
    'order of a list of scalars': strategic({
      metadata: { '$setElementOrder/finalizers': ['example.com/b', 'example.com/a'] },
    }),
    'an unknown directive': strategic({ data: { $patch: 'dance' } }),
    'an unknown field': strategic({ color: 'red' }),
    'a list by key': [
      map,
      patch(
        'strategic',
        `${MAPS}/a`,
        { metadata: { ownerReferences: [{ apiVersion: 'v1', kind: 'Namespace', name: '{ns}', uid: 'u1' }] } },
        { silent: true },
      ),
      freed,
      get(`${MAPS}/a`, { silent: true }),
    ],
    'service account secrets by name': [
      post(
        '/api/v1/namespaces/{ns}/serviceaccounts',
        { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'a' }, secrets: [{ name: 'x' }, { name: 'y' }] },
        { silent: true },
      ),
      patch('strategic', '/api/v1/namespaces/{ns}/serviceaccounts/a', {
        secrets: [{ name: 'z' }, { name: 'x', namespace: 'n' }],
      }),
      patch('strategic', '/api/v1/namespaces/{ns}/serviceaccounts/a', { secrets: [{ name: 'y', $patch: 'delete' }] }),
      patch('strategic', '/api/v1/namespaces/{ns}/serviceaccounts/a', {
        secrets: [{ $patch: 'replace' }, { name: 'only' }],
      }),
    ],
  }),
];
