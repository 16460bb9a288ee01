// Tables: what kubectl prints.
import { get, group, patch, post, watch } from '../case.ts';
import { GADGETS, WIDGETS } from '../widgets.ts';
import { configMap, gadget, MAPS, widget } from './objects.ts';

const TABLE = {
  headers: {
    Accept:
      'application/json;as=Table;v=v1;g=meta.k8s.io,application/json;as=Table;v=v1beta1;g=meta.k8s.io,application/json',
  },
};
const BETA = { headers: { Accept: 'application/json;as=Table;v=v1beta1;g=meta.k8s.io' } };

const full = widget('full', {
  power: 'On',
  size: 3,
  ratio: 1.5,
  enabled: true,
  disks: [{ name: 'boot' }, { name: 'root', size: 7 }],
  tags: ['x', 'y'],
  at: '2001-02-03T04:05:06Z',
});

export const TABLES = [
  group('tables of custom resources', 'custom', {
    'an object': [post(WIDGETS, full, { silent: true }), get(`${WIDGETS}/full`, TABLE)],
    'a list': [
      post(WIDGETS, full, { silent: true }),
      post(WIDGETS, widget('empty'), { silent: true }),
      get(WIDGETS, TABLE),
    ],
    'an empty list': [get(WIDGETS, TABLE)],
    'with whole objects': [post(WIDGETS, full, { silent: true }), get(`${WIDGETS}?includeObject=Object`, TABLE)],
    'without objects': [post(WIDGETS, full, { silent: true }), get(`${WIDGETS}?includeObject=None`, TABLE)],
    'a wrong includeObject': [get(`${WIDGETS}?includeObject=Some`, TABLE)],
    'of the old version': [post(WIDGETS, full, { silent: true }), get(WIDGETS, BETA)],
    'an unknown version of tables': [
      get(WIDGETS, { headers: { Accept: 'application/json;as=Table;v=v9;g=meta.k8s.io' } }),
    ],
    'default columns': [post(GADGETS, gadget('{id}'), { silent: true }), get(`${GADGETS}/{id}`, TABLE)],
    'an error': [get(`${WIDGETS}/none`, TABLE)],
    'a watch': [
      post(WIDGETS, full, { silent: true }),
      get(WIDGETS, { save: { rv: 'metadata.resourceVersion' }, silent: true }),
      patch('merge', `${WIDGETS}/full`, { spec: { size: 4 } }, { silent: true }),
      patch('merge', `${WIDGETS}/full`, { spec: { size: 5 } }, { silent: true }),
      watch(`${WIDGETS}?watch=1&resourceVersion=$rv`, 2, TABLE),
    ],
    'a limited list': [
      post(WIDGETS, full, { silent: true }),
      post(WIDGETS, widget('z'), { silent: true }),
      get(`${WIDGETS}?limit=1`, TABLE),
    ],
    'what a create gives': [post(WIDGETS, widget('new'), TABLE)],
  }),
  group('tables of built-in kinds', 'core', {
    'config maps': [
      post(MAPS, configMap('a', { a: '1', b: '2' }), { silent: true }),
      get(`${MAPS}/a?includeObject=None`, TABLE),
    ],
    secrets: [
      post(
        '/api/v1/namespaces/{ns}/secrets',
        { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'a' }, data: { a: 'Yg==' } },
        { silent: true },
      ),
      get('/api/v1/namespaces/{ns}/secrets/a?includeObject=None', TABLE),
    ],
    events: [
      post(
        '/api/v1/namespaces/{ns}/events',
        {
          apiVersion: 'v1',
          kind: 'Event',
          metadata: { name: 'a', namespace: '{ns}' },
          involvedObject: { kind: 'Pod', name: 'x', namespace: '{ns}', fieldPath: 'spec.a' },
          reason: 'Tested',
          message: 'something happened',
          type: 'Normal',
          count: 3,
          source: { component: 'conformance', host: 'here' },
          firstTimestamp: '2001-02-03T04:05:06Z',
          lastTimestamp: '2001-02-03T04:05:06Z',
        },
        { silent: true },
      ),
      get('/api/v1/namespaces/{ns}/events/a?includeObject=None', TABLE),
    ],
    leases: [
      post(
        '/apis/coordination.k8s.io/v1/namespaces/{ns}/leases',
        {
          apiVersion: 'coordination.k8s.io/v1',
          kind: 'Lease',
          metadata: { name: 'a' },
          spec: { holderIdentity: 'me' },
        },
        { silent: true },
      ),
      get('/apis/coordination.k8s.io/v1/namespaces/{ns}/leases/a?includeObject=None', TABLE),
    ],
    'role bindings': [
      post(
        '/apis/rbac.authorization.k8s.io/v1/namespaces/{ns}/rolebindings',
        {
          apiVersion: 'rbac.authorization.k8s.io/v1',
          kind: 'RoleBinding',
          metadata: { name: 'a' },
          roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'r' },
          subjects: [
            { kind: 'User', name: 'u' },
            { kind: 'Group', name: 'g' },
            { kind: 'ServiceAccount', name: 's', namespace: 'n' },
          ],
        },
        { silent: true },
      ),
      get('/apis/rbac.authorization.k8s.io/v1/namespaces/{ns}/rolebindings/a?includeObject=None', TABLE),
    ],
    'a namespace': [get('/api/v1/namespaces/{ns}?includeObject=None', TABLE)],
  }),
];
