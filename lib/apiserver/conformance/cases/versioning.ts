// Definitions that change while objects of theirs are there and clients watch: several versions, their storage, defaults that
// come later, and fields that may be selected by.
import { asText, type JsonObject } from '../../json.ts';
import { del, get, group, patch, post, put, type Step, watch } from '../case.ts';
import { CONFORMANCE_GROUP, definition } from '../widgets.ts';

const DEFINITIONS = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';
const PATH = `${DEFINITIONS}/{id}s.${CONFORMANCE_GROUP}`;
const objects = (version: string) => `/apis/${CONFORMANCE_GROUP}/${version}/{id}s`;
const [V1, V2, V3] = [objects('v1'), objects('v2'), objects('v3')];
const text = { type: 'string' };
const quiet = { silent: true } as const;

const version = (name: string, properties: JsonObject, more: JsonObject = {}): JsonObject => ({
  name,
  served: true,
  storage: false,
  schema: { openAPIV3Schema: { type: 'object', properties: { spec: { type: 'object', properties } } } },
  ...more,
});
const v1 = version('v1', { a: text, old: text }, { storage: true });
const withStatus = version(
  'v1',
  {},
  {
    storage: true,
    subresources: { status: {} },
    schema: {
      openAPIV3Schema: {
        type: 'object',
        properties: {
          spec: { type: 'object', properties: { a: text } },
          status: { type: 'object', default: { n: -1 }, properties: { n: { type: 'integer' } } },
        },
      },
    },
  },
);
const v2 = version('v2', { a: text, fresh: { ...text, default: 'x' } });
const object = (name: string, spec: JsonObject, of = 'v1'): JsonObject => ({
  apiVersion: `${CONFORMANCE_GROUP}/${of}`,
  kind: 'K{id}',
  metadata: { name },
  spec,
});
const served = (path: string): Step => get(path, { until: { code: 200 }, silent: true });
const installed = (...versions: JsonObject[]): Step[] => [
  post(DEFINITIONS, definition({ plural: '{id}s', kind: 'K{id}', scope: 'Cluster' }, versions), quiet),
  ...versions.filter((one) => one['served']).map((one) => served(objects(asText(one['name'])))),
];
const versions = (...list: JsonObject[]): Step => patch('merge', PATH, { spec: { versions: list } }, quiet);
const storedVersions = (list: string[], extra: Partial<Step> = {}): Step =>
  patch('merge', `${PATH}/status`, { status: { storedVersions: list } }, extra);
const mark = get(V1, { silent: true, save: { rv: 'metadata.resourceVersion' } });
const open = (path: string): Step => get(`${path}?watch=1&resourceVersion=$rv`, { open: 'w' });
const collect = (count: number): Step => get(V1, { collect: { name: 'w', count } });
/** Waits until a schema is in force, by asking whether a field is known. */
const known = (path: string, of: string, spec: JsonObject): Step =>
  post(`${path}?dryRun=All&fieldValidation=Strict`, object('probe', spec, of), { until: { code: 201 }, silent: true });

export const VERSIONING = [
  group('several versions', 'custom', {
    'written in one and read in the other': [
      ...installed(v1, v2),
      post(V1, object('x', { a: 'b', old: 'c' }), quiet),
      get(`${V2}/x`),
      post(V2, object('y', { a: 'b', fresh: 'z' }, 'v2'), quiet),
      get(`${V1}/y`),
      get(`${V2}/y`),
    ],
    'a list in each': [
      ...installed(v1, v2),
      post(V1, object('x', { a: 'b', old: 'c' }), quiet),
      post(V2, object('y', { a: 'b' }, 'v2'), quiet),
      get(V1),
      get(V2),
    ],
    'a watch in the other': [
      ...installed(v1, v2),
      mark,
      post(V1, object('x', { a: 'b', old: 'c' }), quiet),
      patch('merge', `${V2}/x`, { spec: { a: 'd' } }, quiet),
      del(`${V1}/x`, undefined, quiet),
      watch(`${V2}?watch=1&resourceVersion=$rv`, 3),
    ],
    'replaced in the other': [
      ...installed(v1, v2),
      post(V1, object('x', { a: 'b', old: 'c' }), { silent: true, save: { rv: 'metadata.resourceVersion' } }),
      put(`${V2}/x`, { ...object('x', { fresh: 'z' }, 'v2'), metadata: { name: 'x', resourceVersion: '$rv' } }),
      get(`${V1}/x`),
    ],
    'applied in both': [
      ...installed(v1, version('v2', { a: text })),
      patch('apply', `${V1}/x?fieldManager=one`, object('x', { a: 'b' })),
      patch('apply', `${V2}/x?fieldManager=two`, object('x', { a: 'q' }, 'v2')),
      patch('apply', `${V2}/x?fieldManager=two&force=true`, object('x', { a: 'q' }, 'v2')),
      get(`${V1}/x`),
    ],
    'the wrong one in the body': [...installed(v1, v2), post(V1, object('x', {}, 'v2'))],
    'one that is deprecated': [
      ...installed({ ...v1, deprecated: true, deprecationWarning: 'use v2' }, { ...v2, deprecated: true }),
      get(`${V1}/x`),
      get(`${V2}/x`),
    ],
    'storage moves to another': [
      ...installed(v1, v2),
      post(V1, object('x', { a: 'b', old: 'c' }), quiet),
      versions({ ...v1, storage: false }, { ...v2, storage: true }),
      get(PATH, { until: { path: 'status.storedVersions', equals: ['v1', 'v2'] }, silent: true }),
      get(`${V2}/x`, { save: { rv: 'metadata.resourceVersion' } }),
      put(`${V2}/x`, { ...object('x', { a: 'b' }, 'v2'), metadata: { name: 'x', resourceVersion: '$rv' } }),
      get(`${V1}/x`),
    ],
    'one that objects may be stored in cannot go': [
      ...installed(v1, v2),
      versions({ ...v1, storage: false }, { ...v2, storage: true }),
      get(PATH, { until: { path: 'status.storedVersions', equals: ['v1', 'v2'] }, silent: true }),
      patch('merge', PATH, { spec: { versions: [{ ...v2, storage: true }] } }),
    ],
    'one that nothing is stored in any more goes': [
      ...installed(v1, v2),
      versions({ ...v1, storage: false }, { ...v2, storage: true }),
      get(PATH, { until: { path: 'status.storedVersions', equals: ['v1', 'v2'] }, silent: true }),
      storedVersions(['v2'], quiet),
      versions({ ...v2, storage: true }),
      get(V1, { until: { code: 404 } }),
      get(V2, { until: { code: 200 } }),
    ],
    'the stored ones must name the one for storage': [...installed(v1, v2), storedVersions(['v2'])],
    'the stored ones must be there': [...installed(v1, v2), storedVersions(['v1', 'v7'])],
    'the stored ones cannot be none': [...installed(v1, v2), storedVersions([])],
    'one comes back': [
      ...installed(v1, { ...v2, served: false }),
      post(V1, object('x', { a: 'b' }), quiet),
      get(`${V2}/x`),
      versions(v1, v2, version('v3', { a: text })),
      get(`${V2}/x`, { until: { code: 200 } }),
      get(`${V3}/x`, { until: { code: 200 } }),
    ],
  }),
  group('definitions under watchers', 'custom', {
    'a new field ends no event': [
      ...installed(v1),
      mark,
      open(V1),
      post(V1, object('x', { a: 'b' }), quiet),
      versions(version('v1', { a: text, old: text, more: text }, { storage: true })),
      known(V1, 'v1', { more: 'm' }),
      collect(2),
      patch('merge', `${V1}/x`, { spec: { more: 'm' } }),
    ],
    'a version is no longer served': [
      ...installed(v1, v2),
      post(V1, object('x', { a: 'b' }), quiet),
      mark,
      open(V2),
      versions(v1, { ...v2, served: false }),
      get(V2, { until: { code: 404 }, silent: true }),
      collect(1),
      patch('merge', `${V1}/x`, { spec: { a: 'c' } }),
      get(`${V2}?watch=1`),
    ],
    deleted: [
      ...installed(v1),
      mark,
      post(V1, object('x', { a: 'b' }), quiet),
      post(V1, object('y', { a: 'b' }), quiet),
      open(V1),
      del(PATH, undefined, quiet),
      collect(4),
      get(PATH, { until: { code: 404 }, silent: true }),
      get(`${V1}?watch=1`),
    ],
    'deleted and made again': [
      ...installed(v1),
      post(V1, object('x', { a: 'b' }), quiet),
      del(PATH, undefined, quiet),
      get(PATH, { until: { code: 404 }, silent: true }),
      ...installed(v1),
      get(V1),
      get(`${V1}/x`),
    ],
    'deleted while an object has a finalizer': [
      ...installed(v1),
      post(V1, { ...object('x', { a: 'b' }), metadata: { name: 'x', finalizers: ['example.com/f'] } }, quiet),
      del(PATH, undefined, quiet),
      get(`${V1}/x`, { until: { includes: 'deletionTimestamp' }, silent: true }),
      get(PATH, { until: { includes: '"type":"Terminating"' }, silent: true }),
      post(V1, object('y', { a: 'b' })),
      patch('merge', `${V1}/x`, { metadata: { finalizers: null } }, quiet),
      get(PATH, { until: { code: 404 } }),
    ],
  }),
  group('defaults that come later', 'custom', {
    'in a list and a watch': [
      ...installed(v1),
      post(V1, object('x', { a: 'b' }), quiet),
      versions(version('v1', { a: text, late: { ...text, default: 'd' } }, { storage: true })),
      get(`${V1}/x`, { until: { path: 'spec.late', equals: 'd' }, silent: true }),
      // A server that is busy may not be ready to list what it has just begun to serve in another form.
      get(V1, { until: { code: 200 } }),
      watch(`${V1}?watch=1`, 1),
    ],
    'of a status that nobody has written': [
      ...installed(withStatus),
      mark,
      open(V1),
      post(V1, object('x', { a: 'b' })),
      get(`${V1}/x`),
      collect(1),
      patch('merge', `${V1}/x`, { spec: { a: 'c' } }),
      patch('merge', `${V1}/x/status`, { status: { n: 3 } }),
    ],
    'in an object within': [
      ...installed(v1),
      post(V1, object('x', { a: 'b' }), quiet),
      post(V1, object('y', { a: 'b', old: 'c' }), quiet),
      versions(
        version(
          'v1',
          {
            a: text,
            deep: { type: 'object', default: {}, properties: { n: { type: 'integer', default: 7 } } },
          },
          { storage: true },
        ),
      ),
      get(`${V1}/x`, { until: { path: 'spec.deep.n', equals: 7 }, silent: true }),
      get(`${V1}/x`),
      get(`${V1}/y`),
    ],
    'kept by the next write': [
      ...installed(v1),
      post(V1, object('x', { a: 'b' }), quiet),
      versions(version('v1', { a: text, late: { ...text, default: 'd' } }, { storage: true })),
      get(`${V1}/x`, { until: { path: 'spec.late', equals: 'd' }, silent: true }),
      patch('merge', `${V1}/x`, { spec: { a: 'c' } }, quiet),
      versions(version('v1', { a: text, late: { ...text, default: 'e' } }, { storage: true })),
      post(`${V1}?dryRun=All`, object('probe', {}), { until: { path: 'spec.late', equals: 'e' }, silent: true }),
      get(`${V1}/x`),
    ],
    'a field that has become required': [
      ...installed(v1),
      post(V1, object('x', { old: 'c' }), quiet),
      versions({
        ...v1,
        schema: {
          openAPIV3Schema: {
            type: 'object',
            properties: { spec: { type: 'object', required: ['a'], properties: { a: text, old: text } } },
          },
        },
      }),
      post(`${V1}?dryRun=All`, object('probe', {}), { until: { code: 422 }, silent: true }),
      get(`${V1}/x`),
      patch('merge', `${V1}/x`, { metadata: { labels: { l: 'm' } } }),
      patch('merge', `${V1}/x`, { spec: { old: 'd' } }),
      patch('merge', `${V1}/x`, { spec: { a: 'b' } }),
    ],
    'a field that has become narrower': [
      ...installed(v1),
      post(V1, object('x', { a: 'long' }), quiet),
      versions(version('v1', { a: { ...text, maxLength: 2 }, old: text }, { storage: true })),
      post(`${V1}?dryRun=All`, object('probe', { a: 'long' }), { until: { code: 422 }, silent: true }),
      patch('merge', `${V1}/x`, { spec: { old: 'd' } }),
      patch('merge', `${V1}/x`, { spec: { a: 'other' } }),
    ],
  }),
  group('selectable fields', 'custom', {
    'of all types': [
      ...installed(
        version(
          'v1',
          { s: text, n: { type: 'integer' }, b: { type: 'boolean' }, o: { type: 'object', properties: { d: text } } },
          {
            storage: true,
            selectableFields: ['.spec.s', '.spec.n', '.spec.b', '.spec.o.d'].map((jsonPath) => ({ jsonPath })),
          },
        ),
      ),
      post(V1, object('x', { s: 'a', n: 5, b: true, o: { d: 'deep' } }), quiet),
      post(V1, object('y', { s: 'b', n: 6, b: false }), quiet),
      post(V1, object('z', {}), quiet),
      ...['spec.s=a', 'spec.s!=a', 'spec.s=', 'spec.n=5', 'spec.b=true', 'spec.b=false', 'spec.o.d=deep'].map(
        (selector) => get(`${V1}?fieldSelector=${encodeURIComponent(selector)}`),
      ),
      get(`${V1}?fieldSelector=${encodeURIComponent('spec.s=b,spec.n=6')}`),
      get(`${V1}?fieldSelector=${encodeURIComponent('spec.o=x')}`),
      del(`${V1}?fieldSelector=${encodeURIComponent('spec.b=true')}`, undefined, quiet),
      get(V1),
    ],
    'come with a change': [
      ...installed(v1),
      post(V1, object('x', { a: 'b' }), quiet),
      get(`${V1}?fieldSelector=spec.a%3Db`),
      versions({ ...v1, selectableFields: [{ jsonPath: '.spec.a' }] }),
      get(`${V1}?fieldSelector=spec.a%3Db`, { until: { code: 200 } }),
      versions(v1),
      get(`${V1}?fieldSelector=spec.a%3Db`, { until: { code: 400 } }),
    ],
    'of one version only': [
      ...installed({ ...v1, selectableFields: [{ jsonPath: '.spec.a' }] }, v2),
      post(V1, object('x', { a: 'b' }), quiet),
      get(`${V1}?fieldSelector=spec.a%3Db`),
      get(`${V2}?fieldSelector=spec.a%3Db`),
    ],
    'that are refused': [
      ['.spec.o'],
      ['.spec'],
      ['.metadata.name'],
      ['spec.a'],
      ['.spec.list'],
      ['.spec.a', '.spec.a'],
    ].map((paths) =>
      post(
        DEFINITIONS,
        definition({ plural: '{id}s', kind: 'K{id}', scope: 'Cluster' }, [
          version(
            'v1',
            { a: text, o: { type: 'object', properties: { d: text } }, list: { type: 'array', items: text } },
            { storage: true, selectableFields: paths.map((jsonPath) => ({ jsonPath })) },
          ),
        ]),
      ),
    ),
  }),
];
