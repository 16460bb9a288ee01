// Leases as leader electors use them: created once, renewed with the resourceVersion that was read, taken over when old; and
// what is answered where a path has no namespace, or one too many.
import type { JsonObject } from '../../json.ts';
import { del, get, group, patch, post, put, type Step } from '../case.ts';
import { WIDGETS } from '../widgets.ts';

const LEASES = '/apis/coordination.k8s.io/v1/namespaces/{ns}/leases';
const quiet = { silent: true } as const;
const lease = (holder: string, transitions: number, second: number, metadata: JsonObject = {}): JsonObject => ({
  apiVersion: 'coordination.k8s.io/v1',
  kind: 'Lease',
  metadata: { name: 'leader', namespace: '{ns}', ...metadata },
  spec: {
    holderIdentity: holder,
    leaseDurationSeconds: 15,
    acquireTime: '2001-01-01T00:00:00.000000Z',
    renewTime: `2001-01-01T00:00:${String(second).padStart(2, '0')}.123456Z`,
    leaseTransitions: transitions,
  },
});
const led = (): Step => post(LEASES, lease('a', 0, 1), { silent: true, save: { rv: 'metadata.resourceVersion' } });
const at = { resourceVersion: '$rv' };
/** Go's decoder quotes what stands before an error: more of this than it quotes, so that nothing random is quoted. */
const QUOTED = {
  holderIdentity: 'somebody whose name is longer than what a decoder quotes of the text before its error',
};

export const LEADING = [
  group('leases', 'core', {
    'the first takes it': [get(`${LEASES}/leader`), post(LEASES, lease('a', 0, 1)), get(`${LEASES}/leader`)],
    'the second is too late': [led(), post(LEASES, lease('b', 0, 1))],
    'it is renewed': [led(), put(`${LEASES}/leader`, lease('a', 0, 2, at)), get(`${LEASES}/leader`)],
    'a renewal that was overtaken': [
      led(),
      put(`${LEASES}/leader`, lease('b', 1, 20, at), quiet),
      put(`${LEASES}/leader`, lease('a', 0, 3, at)),
    ],
    'it is taken over': [led(), put(`${LEASES}/leader`, lease('b', 1, 20, at))],
    'it is given back': [
      led(),
      put(`${LEASES}/leader`, {
        ...lease('', 0, 4, at),
        spec: {
          holderIdentity: '',
          leaseDurationSeconds: 1,
          leaseTransitions: 0,
          renewTime: '2001-01-01T00:00:04.000000Z',
        },
      }),
    ],
    'renewed by a patch': [
      led(),
      patch('strategic', `${LEASES}/leader`, { spec: { renewTime: '2001-01-01T00:00:05.000000Z' } }),
      patch('merge', `${LEASES}/leader`, { metadata: at, spec: { holderIdentity: 'late' } }),
    ],
    'times keep their microseconds': [
      post(LEASES, {
        ...lease('a', 0, 1),
        spec: { acquireTime: '2001-01-01T00:00:00.000001Z', renewTime: '2001-01-01T00:00:09.120000Z' },
      }),
      get(`${LEASES}/leader`, { headers: { Accept: 'application/yaml' } }),
      patch('json', `${LEASES}/leader`, [
        { op: 'test', path: '/spec/renewTime', value: '2001-01-01T00:00:09.120000Z' },
        { op: 'replace', path: '/spec/renewTime', value: '2001-01-01T00:00:10.000000Z' },
      ]),
    ],
    'a time finer than microseconds': [
      post(LEASES, { ...lease('a', 0, 1), spec: { renewTime: '2001-01-01T00:00:01.123456789Z' } }),
    ],
    'a time in another zone': [
      post(LEASES, { ...lease('a', 0, 1), spec: { renewTime: '2001-01-01T02:00:01.500000+02:00' } }),
    ],
    'a time without a fraction': [
      post(LEASES, { ...lease('a', 0, 1), spec: { ...QUOTED, renewTime: '2001-01-01T00:00:01Z' } }),
    ],
    'a time that is none': [post(LEASES, { ...lease('a', 0, 1), spec: { ...QUOTED, renewTime: 'soon' } })],
    'in the table': [
      led(),
      get(`${LEASES}/leader`, { headers: { Accept: 'application/json;as=Table;v=v1;g=meta.k8s.io' } }),
    ],
    'deleted with a precondition': [
      led(),
      put(`${LEASES}/leader`, lease('a', 0, 6, at), quiet),
      del(`${LEASES}/leader`, { apiVersion: 'v1', kind: 'DeleteOptions', preconditions: { resourceVersion: '$rv' } }),
    ],
  }),
  group('paths', 'core', {
    'a name without a namespace': [
      get('/apis/rbac.authorization.k8s.io/v1/roles/a'),
      put('/api/v1/configmaps/a', {}),
      patch('merge', '/api/v1/configmaps/a', {}),
      del('/api/v1/configmaps/a'),
    ],
    'a list to write to without a namespace': [post('/api/v1/configmaps', {}), del('/api/v1/configmaps')],
    'a cluster-scoped object in a namespace': [
      get('/apis/rbac.authorization.k8s.io/v1/namespaces/{ns}/clusterroles/a'),
      get('/api/v1/namespaces/{ns}/nodes'),
      post('/api/v1/namespaces/{ns}/nodes', {}),
    ],
    'an unknown resource': [
      get('/api/v1/namespaces/{ns}/nothings'),
      get('/api/v1/nothings/a'),
      post('/api/v1/nothings', {}),
    ],
    'an unknown subresource': [get('/api/v1/namespaces/{ns}/configmaps/a/nothing')],
    'too deep': [get('/api/v1/namespaces/{ns}/configmaps/a/b/c/d')],
    'a name on a list': [
      put('/api/v1/namespaces/{ns}/configmaps', {}),
      patch('merge', '/api/v1/namespaces/{ns}/configmaps', {}),
    ],
  }),
  group('paths of custom resources', 'custom', {
    'a name without a namespace': [get('/apis/conformance.bmp.dev/v1/widgets/a')],
    'a list to write to without a namespace': [
      post('/apis/conformance.bmp.dev/v1/widgets', {}),
      del('/apis/conformance.bmp.dev/v1/widgets'),
    ],
    'a cluster-scoped object in a namespace': [get('/apis/conformance.bmp.dev/v1/namespaces/{ns}/gadgets/a')],
    'an unknown resource': [get('/apis/conformance.bmp.dev/v1/namespaces/{ns}/nothings')],
    'an unknown subresource': [get(`${WIDGETS}/a/nothing`)],
    'too deep': [get(`${WIDGETS}/a/b/c/d`)],
  }),
];
