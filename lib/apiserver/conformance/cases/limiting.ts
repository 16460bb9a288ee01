// What bounds a namespace and an object's records: quotas by count, and the length of managedFields.
import type { JsonObject } from '../../json.ts';
import { del, get, group, patch, post, type Step } from '../case.ts';
import { CONFORMANCE_GROUP, definition, WIDGETS } from '../widgets.ts';
import { configMap, MAPS, widget } from './objects.ts';

const QUOTAS = '/api/v1/namespaces/{ns}/resourcequotas';
const LEASES = '/apis/coordination.k8s.io/v1/namespaces/{ns}/leases';
const quiet = { silent: true } as const;
const quota = (hard: JsonObject, more: JsonObject = {}): JsonObject => ({
  apiVersion: 'v1',
  kind: 'ResourceQuota',
  metadata: { name: 'q' },
  spec: { hard, ...more },
});
const lease = (name: string): JsonObject => ({
  apiVersion: 'coordination.k8s.io/v1',
  kind: 'Lease',
  metadata: { name },
  spec: {},
});
/** A real server that is busy sees a quota a moment after its controller has counted: what slipped through is there, and counts. */
const enforced = { until: { code: 403 } } as const;
/** Waits until the quota says what is used. */
const used = (amounts: JsonObject, extra: JsonObject = quiet): Step =>
  get(`${QUOTAS}/q`, { until: { path: 'status.used', equals: amounts }, ...extra });
/** Every namespace gets one config map of the cluster's own, and a quota that came first may not count it for minutes. */
const furnished = get(`${MAPS}/kube-root-ca.crt`, { until: { code: 200 }, silent: true });
const limited = (hard: JsonObject, amounts: JsonObject): Step[] => [
  furnished,
  post(QUOTAS, quota(hard), quiet),
  used(amounts),
];
const oneMore = limited({ configmaps: '2' }, { configmaps: '1' });

/** A kind of the case's own. */
const KIND = definition({ plural: '{id}s', kind: 'K{id}', scope: 'Namespaced' }, [
  { name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: { type: 'object' } } },
]);
const OWN = `/apis/${CONFORMANCE_GROUP}/v1/namespaces/{ns}/{id}s`;
const COUNT = `count/{id}s.${CONFORMANCE_GROUP}`;
const own = (name: string): JsonObject => ({
  apiVersion: `${CONFORMANCE_GROUP}/v1`,
  kind: 'K{id}',
  metadata: { name },
});
export const LIMITING = [
  group('quotas', 'core', {
    'what is used is told': [furnished, post(QUOTAS, quota({ configmaps: '2' }), quiet), used({ configmaps: '1' }, {})],
    'one too many': [
      ...oneMore,
      post(MAPS, configMap('a'), quiet),
      used({ configmaps: '2' }),
      post(MAPS, configMap('b')),
      get(`${MAPS}/b`),
    ],
    'under its other name': [
      ...limited({ 'count/configmaps': '2' }, { 'count/configmaps': '1' }),
      post(MAPS, configMap('a')),
      used({ 'count/configmaps': '2' }),
      post(MAPS, configMap('b')),
    ],
    'under both names': [
      ...limited({ configmaps: '1', 'count/configmaps': '1' }, { configmaps: '1', 'count/configmaps': '1' }),
      post(MAPS, configMap('b'), enforced),
    ],
    'of a kind in a group': [
      ...limited({ 'count/leases.coordination.k8s.io': '1' }, { 'count/leases.coordination.k8s.io': '0' }),
      post(LEASES, lease('a'), quiet),
      used({ 'count/leases.coordination.k8s.io': '1' }),
      post(LEASES, lease('b')),
    ],
    'none at all': [
      ...limited({ 'count/leases.coordination.k8s.io': '0' }, { 'count/leases.coordination.k8s.io': '0' }),
      post(LEASES, lease('a'), enforced),
    ],
    'a dry run': [...limited({ configmaps: '1' }, { configmaps: '1' }), post(`${MAPS}?dryRun=All`, configMap('b'))],
    'a mistake is told first': [...limited({ configmaps: '1' }, { configmaps: '1' }), post(MAPS, configMap('B_'))],
    'applying something new': [
      ...limited({ configmaps: '1' }, { configmaps: '1' }),
      patch('apply', `${MAPS}/a?fieldManager=m`, configMap('a')),
    ],
    'changes are free': [
      ...oneMore,
      post(MAPS, configMap('a'), quiet),
      used({ configmaps: '2' }),
      patch('merge', `${MAPS}/a`, { data: { c: 'd' } }),
    ],
    'what is deleted makes room': [
      ...oneMore,
      post(MAPS, configMap('a'), quiet),
      used({ configmaps: '2' }),
      del(`${MAPS}/a`, undefined, quiet),
      used({ configmaps: '1' }),
      post(MAPS, configMap('b'), { until: { code: 201 } }),
    ],
    'a lower limit takes nothing away': [
      ...limited({ configmaps: '1' }, { configmaps: '1' }),
      patch('merge', `${QUOTAS}/q`, { spec: { hard: { configmaps: '0' } } }, quiet),
      get(`${QUOTAS}/q`, { until: { path: 'status.hard', equals: { configmaps: '0' } }, silent: true }),
      post(MAPS, configMap('b'), { until: { includes: 'limited: configmaps=0' } }),
    ],
    'a higher limit': [
      ...limited({ configmaps: '1' }, { configmaps: '1' }),
      patch('merge', `${QUOTAS}/q`, { spec: { hard: { configmaps: '2' } } }, quiet),
      get(`${QUOTAS}/q`, { until: { path: 'status.hard', equals: { configmaps: '2' } }, silent: true }),
      post(MAPS, configMap('b'), { until: { code: 201 } }),
    ],
    'no quota any more': [
      ...limited({ configmaps: '1' }, { configmaps: '1' }),
      del(`${QUOTAS}/q`, undefined, quiet),
      post(MAPS, configMap('b'), { until: { code: 201 } }),
    ],
    'a fraction': [post(QUOTAS, quota({ configmaps: '1.5' }))],
    'a negative limit': [post(QUOTAS, quota({ 'count/configmaps': '-1' }))],
    'a name that is none': [post(QUOTAS, quota({ 'no such name': '1' }))],
    'a name nobody counts': [post(QUOTAS, quota({ plenty: '1' }))],
    'a number': [post(QUOTAS, quota({ 'count/configmaps': 7 }))],
  }),
  {
    // One case, as a real cluster's controller takes a minute to learn of a kind, and begins anew with every other kind.
    ...group('quotas of custom resources', 'core', {
      'refused in every way until there is room': [
        post('/apis/apiextensions.k8s.io/v1/customresourcedefinitions', KIND, quiet),
        get(OWN, { until: { code: 200 }, silent: true }),
        post(OWN, own('a'), quiet),
        post(QUOTAS, quota({ [COUNT]: '1' }), quiet),
        used({ [COUNT]: '1' }),
        post(OWN, own('b')),
        get(`${OWN}/b`),
        post(`${OWN}?dryRun=All`, own('b')),
        patch('apply', `${OWN}/b?fieldManager=m`, own('b')),
        del(`${OWN}/a`, undefined, quiet),
        used({ [COUNT]: '0' }),
        post(OWN, own('b'), { until: { code: 201 } }),
        post(OWN, own('c'), { until: { includes: 'used: count/' } }),
      ],
    }),
    together: true,
  },
  group('many managers', 'custom', {
    'the oldest are rolled into one': [
      post(WIDGETS, widget('a'), quiet),
      ...Array.from({ length: 12 }, (_, index): Step => {
        const name = `m${String(index).padStart(2, '0')}`;
        const change = { metadata: { labels: { [name]: 'x' } } };
        return patch('merge', `${WIDGETS}/a?fieldManager=${name}`, change, quiet);
      }),
      get(`${WIDGETS}/a`),
    ],
    'those that apply are kept': [
      ...Array.from({ length: 12 }, (_, index): Step => {
        const name = `m${String(index).padStart(2, '0')}`;
        return patch('apply', `${WIDGETS}/a?fieldManager=${name}`, widget('a', {}, { labels: { [name]: 'x' } }), quiet);
      }),
      get(`${WIDGETS}/a`),
    ],
  }),
];
