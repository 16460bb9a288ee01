// CustomResourceDefinitions: what is refused, how they come into force, change and go.
import type { Json, JsonObject } from '../../json.ts';
import { del, get, group, patch, post, type Step, watch } from '../case.ts';
import { CONFORMANCE_GROUP, definition } from '../widgets.ts';

const DEFINITIONS = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';
const NAME = `{id}s.${CONFORMANCE_GROUP}`;
const PATH = `${DEFINITIONS}/${NAME}`;
const OBJECTS = `/apis/${CONFORMANCE_GROUP}/v1/{id}s`;
const text = { type: 'string' };
const spec = (properties: JsonObject): JsonObject => ({
  type: 'object',
  properties: { spec: { type: 'object', properties } },
});

const version = (more: JsonObject = {}, schema: JsonObject = spec({ a: text })): JsonObject => ({
  name: 'v1',
  served: true,
  storage: true,
  schema: { openAPIV3Schema: schema },
  ...more,
});

/** A cluster-scoped definition of the case's own. */
const own = (
  versions: JsonObject[] = [version()],
  change: (made: JsonObject) => void = () => undefined,
): JsonObject => {
  const made = definition({ plural: '{id}s', kind: 'K{id}', scope: 'Cluster' }, versions);
  change(made);
  return made;
};
const specOf = (made: JsonObject) => made['spec'] as JsonObject;
const refused = (made: JsonObject): Step[] => [post(DEFINITIONS, made)];
const schema = (value: JsonObject): Step[] => refused(own([version({}, spec({ x: value }))]));
const object = (name: string, value: JsonObject = {}, apiVersion = 'v1'): JsonObject => ({
  apiVersion: `${CONFORMANCE_GROUP}/${apiVersion}`,
  kind: 'K{id}',
  metadata: { name },
  spec: value,
});
const quiet = { silent: true } as const;
const served = (path = OBJECTS): Step => get(path, { until: { code: 200 }, silent: true });
const installed = (versions?: JsonObject[]): Step[] => [post(DEFINITIONS, own(versions), quiet), served()];
/** Replaces the versions of the definition, and waits until the change shows at a path. */
const versions = (list: JsonObject[]): Step => patch('merge', PATH, { spec: { versions: list } }, quiet);
const established: Step['until'] = { includes: '"reason":"InitialNamesAccepted"' };
const rule = (value: Json): JsonObject => ({
  type: 'object',
  properties: { a: text },
  'x-kubernetes-validations': [value],
});

const integers = (more: JsonObject = {}): JsonObject => ({ type: 'array', items: { type: 'integer' }, ...more });
const ruled = (text: string): JsonObject => ({ 'x-kubernetes-validations': [{ rule: text }] });
const positive = { type: 'integer', ...ruled('self > 0') };

export const DEFINING = [
  group('costs of rules', 'custom', {
    'a loop': schema(integers(ruled('self.all(a, a > 0)'))),
    'a loop in a loop': schema(integers(ruled('self.all(a, self.all(b, a <= b))'))),
    'a loop in a loop, bounded': schema(integers({ maxItems: 100, ...ruled('self.all(a, self.all(b, a <= b))') })),
    'three loops, bounded too widely': schema(
      integers({ maxItems: 5000, ...ruled('self.all(a, self.all(b, self.all(c, a <= b && b <= c)))') }),
    ),
    'loops side by side': schema(integers(ruled('self.all(a, a > 0) && self.exists(b, b > 5)'))),
    'loops over a map': schema({
      type: 'object',
      additionalProperties: { type: 'integer' },
      ...ruled('self.all(a, self.exists(b, a == b && self[b] > 0))'),
    }),
    'a loop over what a loop gives': schema(
      integers(ruled('self.filter(a, a > 1).all(b, self.map(c, c * 2).exists(d, d == b))')),
    ),
    'in an unbounded list': schema({ type: 'array', items: positive }),
    'in a list in a list': schema({ type: 'array', items: { type: 'array', items: positive } }),
    'in a list in a list, bounded': schema({
      type: 'array',
      maxItems: 50,
      items: { type: 'array', maxItems: 50, items: positive },
    }),
    'in an unbounded map': schema({ type: 'object', additionalProperties: positive }),
  }),
  group('definitions', 'custom', {
    'one that is good': [post(DEFINITIONS, own()), get(PATH, { until: established })],
    'a name that does not fit': refused(
      own(undefined, (made) => Object.assign(made['metadata'] as JsonObject, { name: 'other.example.com' })),
    ),
    'a group without a dot': refused(own(undefined, (made) => Object.assign(specOf(made), { group: 'x' }))),
    'no scope': refused(own(undefined, (made) => delete specOf(made)['scope'])),
    'an unknown scope': refused(own(undefined, (made) => Object.assign(specOf(made), { scope: 'Galaxy' }))),
    'no versions': refused(own([])),
    'no storage version': refused(own([version({ storage: false })])),
    'two storage versions': refused(own([version(), version({ name: 'v2' })])),
    'a version twice': refused(own([version(), version({ storage: false })])),
    'a bad version name': refused(own([version({ name: 'V_1' })])),
    'no schema': refused(own([version({ schema: undefined })])),
    'a schema that is no object': refused(own([version({}, { type: 'string' })])),
    'no type at the root': refused(own([version({}, { properties: {} })])),
    'a field without a type': schema({ description: 'x' }),
    'an unknown type': schema({ type: 'decimal' }),
    'a list without items': schema({ type: 'array' }),
    'a default that does not fit': schema({ type: 'integer', default: 'x' }),
    'a default of a required field': schema({ type: 'object', default: {}, required: ['a'], properties: { a: text } }),
    'properties and additionalProperties': schema({
      type: 'object',
      properties: { a: text },
      additionalProperties: text,
    }),
    uniqueItems: schema({ type: 'array', items: text, uniqueItems: true }),
    'a pattern that is none': schema({ type: 'string', pattern: '(' }),
    'a list by key without keys': schema({
      type: 'array',
      'x-kubernetes-list-type': 'map',
      items: { type: 'object', properties: { a: text } },
    }),
    'a list by a key that may be missing': schema({
      type: 'array',
      'x-kubernetes-list-type': 'map',
      'x-kubernetes-list-map-keys': ['a'],
      items: { type: 'object', properties: { a: text } },
    }),
    'a list by a key that is not there': schema({
      type: 'array',
      'x-kubernetes-list-type': 'map',
      'x-kubernetes-list-map-keys': ['b'],
      items: { type: 'object', required: ['a'], properties: { a: text } },
    }),
    'a list type on a text': schema({ type: 'string', 'x-kubernetes-list-type': 'set' }),
    'an unknown list type': schema({ type: 'array', items: text, 'x-kubernetes-list-type': 'bag' }),
    'a rule that does not parse': schema(rule({ rule: 'self.a ==' })),
    'a rule over an unknown field': schema(rule({ rule: "self.b == 'x'" })),
    'a rule that is no condition': schema(rule({ rule: 'self.a' })),
    'a rule that mixes types': schema(rule({ rule: 'self.a == 1' })),
    'a rule without a rule': schema(rule({ rule: '' })),
    'an unknown reason': schema(rule({ rule: 'true', reason: 'Because' })),
    'a column without a path': refused(own([version({ additionalPrinterColumns: [{ name: 'A', type: 'string' }] })])),
    'a column of an unknown type': refused(
      own([version({ additionalPrinterColumns: [{ name: 'A', type: 'text', jsonPath: '.spec.a' }] })]),
    ),
    'a column with a broken path': refused(
      own([version({ additionalPrinterColumns: [{ name: 'A', type: 'string', jsonPath: '.spec[' }] })]),
    ),
    'a selectable field that is not there': refused(own([version({ selectableFields: [{ jsonPath: '.spec.b' }] })])),
    'a scale without paths': refused(own([version({ subresources: { scale: {} } })])),
    'kind and list kind the same': refused(
      own(undefined, (made) => Object.assign(specOf(made)['names'] as JsonObject, { listKind: 'K{id}' })),
    ),
    'a conversion that is not known': refused(
      own(undefined, (made) => Object.assign(specOf(made), { conversion: { strategy: 'Magic' } })),
    ),
    'the group cannot change': [...installed(), patch('merge', PATH, { spec: { group: 'other.bmp.dev' } })],
    'the kind cannot change': [...installed(), patch('merge', PATH, { spec: { names: { kind: 'Other' } } })],
    'the scope cannot change': [...installed(), patch('merge', PATH, { spec: { scope: 'Namespaced' } })],
  }),
  group('changing definitions', 'custom', {
    'a new field': [
      ...installed(),
      versions([version({}, spec({ a: text, b: text }))]),
      post(`${OBJECTS}?dryRun=All&fieldValidation=Strict`, object('probe', { b: 'y' }), {
        until: { code: 201 },
        silent: true,
      }),
      post(OBJECTS, object('x', { a: 'x', b: 'y' })),
    ],
    'a field that goes is not shown any more': [
      ...installed([version({}, spec({ a: text, b: text }))]),
      post(OBJECTS, object('x', { a: 'x', b: 'y' }), quiet),
      versions([version()]),
      get(`${OBJECTS}/x`, { until: { path: 'spec', equals: { a: 'x' } } }),
    ],
    'a default shows in stored objects': [
      ...installed(),
      post(OBJECTS, object('x', { a: 'x' }), quiet),
      versions([version({}, spec({ a: text, b: { ...text, default: 'y' } }))]),
      get(`${OBJECTS}/x`, { until: { path: 'spec.b', equals: 'y' } }),
    ],
    'a version more': [
      ...installed(),
      post(OBJECTS, object('x', { a: 'x' }), quiet),
      versions([version(), version({ name: 'v2', storage: false })]),
      served(`/apis/${CONFORMANCE_GROUP}/v2/{id}s`),
      get(`/apis/${CONFORMANCE_GROUP}/v2/{id}s/x`),
      get(PATH, { until: established, silent: true }),
    ],
    'another storage version': [
      ...installed([version(), version({ name: 'v2', storage: false })]),
      post(OBJECTS, object('x', { a: 'x' }), quiet),
      versions([version({ storage: false }), version({ name: 'v2' })]),
      get(PATH, { until: { path: 'status.storedVersions', equals: ['v1', 'v2'] }, silent: true }),
      get(`${OBJECTS}/x`),
      patch('merge', `${OBJECTS}/x`, { spec: { a: 'z' } }),
      versions([version({ name: 'v2' })]),
      patch('merge', PATH, { spec: { versions: [version({ name: 'v2' })] } }),
    ],
    'a version that is no longer served': [
      ...installed(
        [version({ served: false }), version({ name: 'v2', storage: false })].map((one, index) =>
          index === 0 ? version() : one,
        ),
      ),
      versions([version({ served: false }), version({ name: 'v2', storage: false })]),
      get(OBJECTS, { until: { code: 404 } }),
      get(`/apis/${CONFORMANCE_GROUP}/v2/{id}s`, { until: { code: 200 } }),
    ],
    'a status subresource more': [
      ...installed(),
      post(OBJECTS, object('x'), quiet),
      versions([
        version(
          { subresources: { status: {} } },
          {
            ...spec({ a: text }),
            properties: {
              ...(spec({ a: text })['properties'] as JsonObject),
              status: { type: 'object', properties: { p: text } },
            },
          },
        ),
      ]),
      get(`${OBJECTS}/x/status`, { until: { code: 200 }, silent: true }),
      patch('merge', `${OBJECTS}/x/status`, { status: { p: 'q' } }),
    ],
    'a new rule does not stop what was wrong': [
      ...installed(),
      post(OBJECTS, object('x', { a: 'wrong' }), quiet),
      versions([
        version(
          {},
          spec({
            a: { ...text, maxLength: 10, 'x-kubernetes-validations': [{ rule: "self != 'wrong'", message: 'wrong' }] },
          }),
        ),
      ]),
      post(`${OBJECTS}?dryRun=All`, object('probe', { a: 'wrong' }), { until: { code: 422 }, silent: true }),
      patch('merge', `${OBJECTS}/x`, { metadata: { labels: { l: 'm' } } }),
      patch('merge', `${OBJECTS}/x`, { spec: { a: 'right' } }),
      patch('merge', `${OBJECTS}/x`, { spec: { a: 'wrong' } }),
    ],
    'deleting takes the objects along': [
      ...installed(),
      post(OBJECTS, object('x'), quiet),
      del(PATH, undefined, quiet),
      get(PATH, { until: { code: 404 } }),
      get(OBJECTS, { until: { code: 404 } }),
    ],
    'deleting ends its watches': [
      ...installed(),
      post(OBJECTS, object('x'), quiet),
      get(OBJECTS, { silent: true, save: { rv: 'metadata.resourceVersion' } }),
      get(`${OBJECTS}?watch=1&resourceVersion=$rv`, { open: 'w' }),
      del(PATH, undefined, quiet),
      get(OBJECTS, { collect: { name: 'w', count: 1 } }),
      get(PATH, { until: { code: 404 }, silent: true }),
    ],
    'names that are taken': [
      ...installed(),
      post(
        DEFINITIONS,
        {
          ...definition({ plural: '{id}x', kind: 'K{id}', scope: 'Cluster' }, [version()]),
        },
        quiet,
      ),
      get(`${DEFINITIONS}/{id}x.${CONFORMANCE_GROUP}`, {
        until: { includes: 'NotAccepted' },
      }),
    ],
    'a watch over a change': [
      ...installed(),
      get(OBJECTS, { silent: true, save: { rv: 'metadata.resourceVersion' } }),
      post(OBJECTS, object('x'), quiet),
      watch(`${OBJECTS}?watch=1&resourceVersion=$rv`, 1),
    ],
  }),
];
