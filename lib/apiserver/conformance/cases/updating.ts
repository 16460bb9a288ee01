// update, status, scale: what replaces what, and what is left alone.
import type { JsonObject } from '../../json.ts';
import { del, get, group, patch, post, put, type Step } from '../case.ts';
import { GADGETS, WIDGETS } from '../widgets.ts';
import { configMap, gadget, MAPS, SECRETS, widget } from './objects.ts';

const made = (spec: JsonObject = { size: 1 }, metadata: JsonObject = {}): Step =>
  post(WIDGETS, widget('a', spec, metadata), {
    silent: true,
    save: { rv: 'metadata.resourceVersion', uid: 'metadata.uid', created: 'metadata.creationTimestamp' },
  });
const at = { resourceVersion: '$rv' };

export const UPDATING = [
  group('updating custom resources', 'custom', {
    'a change': [made(), put(`${WIDGETS}/a`, widget('a', { size: 2 }, at))],
    'no change': [made(), put(`${WIDGETS}/a`, widget('a', { size: 1 }, at)), get(`${WIDGETS}/a`)],
    'without a resourceVersion': [made(), put(`${WIDGETS}/a`, widget('a', { size: 2 }))],
    'with an old resourceVersion': [
      made(),
      patch('merge', `${WIDGETS}/a`, { spec: { size: 3 } }, { silent: true }),
      put(`${WIDGETS}/a`, widget('a', { size: 2 }, at)),
    ],
    'with a resourceVersion that is no number': [
      made(),
      put(`${WIDGETS}/a`, widget('a', {}, { resourceVersion: 'x' })),
    ],
    'with another uid': [made(), put(`${WIDGETS}/a`, widget('a', {}, { ...at, uid: 'other' }))],
    'with its uid': [made(), put(`${WIDGETS}/a`, widget('a', { size: 4 }, { ...at, uid: '$uid' }))],
    'what is not there': [put(`${WIDGETS}/none`, widget('none', {}, { resourceVersion: '1' }))],
    'under another name': [made(), put(`${WIDGETS}/a`, widget('b', {}, at))],
    'without a name': [
      made(),
      put(`${WIDGETS}/a`, { apiVersion: 'conformance.bmp.dev/v1', kind: 'Widget', metadata: { ...at } }),
    ],
    'in another namespace': [made(), put(`${WIDGETS}/a`, widget('a', {}, { ...at, namespace: 'other' }))],
    'server-made metadata': [
      made(),
      put(
        `${WIDGETS}/a`,
        widget(
          'a',
          {},
          {
            ...at,
            generation: 9,
            creationTimestamp: '2001-01-01T00:00:00Z',
            deletionTimestamp: '2001-01-01T00:00:00Z',
          },
        ),
      ),
    ],
    'removing fields': [made({ size: 1, tags: ['x'] }), put(`${WIDGETS}/a`, widget('a', { enabled: true }, at))],
    'labels do not change the generation': [
      made(),
      put(`${WIDGETS}/a`, widget('a', { size: 1 }, { ...at, labels: { a: 'b' } })),
    ],
    'status is ignored': [made(), put(`${WIDGETS}/a`, widget('a', { size: 1 }, at, { status: { phase: 'Done' } }))],
    'a mistake': [made(), put(`${WIDGETS}/a`, widget('a', { power: 'Maybe' }, at))],
    'a dry run': [made(), put(`${WIDGETS}/a?dryRun=All`, widget('a', { size: 2 }, at)), get(`${WIDGETS}/a`)],
    'a collection': [put(WIDGETS, widget('a'))],
    'ownership moves': [made(), put(`${WIDGETS}/a?fieldManager=other`, widget('a', { size: 2, power: 'On' }, at))],
    'managed fields cleared': [made(), put(`${WIDGETS}/a`, widget('a', { size: 1 }, { ...at, managedFields: [{}] }))],
    'managed fields given': [
      made(),
      put(
        `${WIDGETS}/a?fieldManager=third`,
        widget(
          'a',
          { size: 5 },
          {
            ...at,
            managedFields: [
              {
                manager: 'x',
                operation: 'Update',
                apiVersion: 'conformance.bmp.dev/v1',
                fieldsType: 'FieldsV1',
                time: '2001-01-01T00:00:00Z',
                fieldsV1: { 'f:spec': { 'f:mode': {} } },
              },
            ],
          },
        ),
      ),
    ],
    'managed fields that make no sense': [
      made(),
      put(`${WIDGETS}/a`, widget('a', { size: 5 }, { ...at, managedFields: [{ manager: 'x', operation: 'Dance' }] })),
    ],
    'a method that is not there': [made(), post(`${WIDGETS}/a`, widget('a'))],
  }),
  group('status', 'custom', {
    'an update': [made(), put(`${WIDGETS}/a/status`, widget('a', { size: 9 }, at, { status: { phase: 'Done' } }))],
    'metadata stays': [
      made(),
      put(
        `${WIDGETS}/a/status`,
        widget('a', {}, { ...at, labels: { a: 'b' }, annotations: { c: 'd' } }, { status: { phase: 'Done' } }),
      ),
    ],
    'without a resourceVersion': [
      made(),
      put(`${WIDGETS}/a/status`, widget('a', {}, {}, { status: { phase: 'Done' } })),
    ],
    'a merge patch': [made(), patch('merge', `${WIDGETS}/a/status`, { spec: { size: 9 }, status: { phase: 'Done' } })],
    'a JSON patch': [
      made(),
      patch('json', `${WIDGETS}/a/status`, [{ op: 'add', path: '/status', value: { phase: 'Done' } }]),
    ],
    'an apply': [
      made(),
      patch('apply', `${WIDGETS}/a/status?fieldManager=m`, widget('a', {}, {}, { status: { phase: 'Done' } })),
    ],
    'an apply of something not there': [
      patch('apply', `${WIDGETS}/none/status?fieldManager=m`, widget('none', {}, {}, { status: { phase: 'Done' } })),
    ],
    removed: [
      made(),
      patch('merge', `${WIDGETS}/a/status`, { status: { phase: 'Done' } }, { silent: true }),
      patch('merge', `${WIDGETS}/a/status`, { status: null }),
    ],
    'the main resource leaves it': [
      made(),
      patch('merge', `${WIDGETS}/a/status`, { status: { phase: 'Done' } }, { silent: true }),
      patch('merge', `${WIDGETS}/a`, { spec: { size: 2 }, status: { phase: 'Other' } }),
    ],
    'a mistake': [made(), patch('merge', `${WIDGETS}/a/status`, { status: { replicas: 'x' } })],
    'no mistake in the spec': [
      made(),
      put(`${WIDGETS}/a/status`, widget('a', { power: 'Maybe' }, at, { status: { phase: 'x' } })),
    ],
    get: [made(), get(`${WIDGETS}/a/status`)],
    delete: [made(), del(`${WIDGETS}/a/status`)],
    'a kind without it': [
      post(GADGETS, gadget('{id}'), { silent: true }),
      get(`${GADGETS}/{id}/status`),
      patch('merge', `${GADGETS}/{id}/status`, { status: {} }),
    ],
  }),
  group('scale', 'custom', {
    get: [
      made({ replicas: 3 }),
      patch('merge', `${WIDGETS}/a/status`, { status: { replicas: 2, selector: 'a=b' } }, { silent: true }),
      get(`${WIDGETS}/a/scale`),
    ],
    'get without replicas': [made({}), get(`${WIDGETS}/a/scale`)],
    update: [
      made({ replicas: 3 }),
      put(`${WIDGETS}/a/scale`, {
        apiVersion: 'autoscaling/v1',
        kind: 'Scale',
        metadata: { name: 'a', namespace: '{ns}', ...at },
        spec: { replicas: 5 },
      }),
      get(`${WIDGETS}/a`),
    ],
    'update with an old version': [
      made({ replicas: 3 }),
      patch('merge', `${WIDGETS}/a`, { spec: { replicas: 4 } }, { silent: true }),
      put(`${WIDGETS}/a/scale`, {
        apiVersion: 'autoscaling/v1',
        kind: 'Scale',
        metadata: { name: 'a', namespace: '{ns}', ...at },
        spec: { replicas: 5 },
      }),
    ],
    patch: [made({ replicas: 3 }), patch('merge', `${WIDGETS}/a/scale`, { spec: { replicas: 7 } })],
    'a negative number': [made({ replicas: 3 }), patch('merge', `${WIDGETS}/a/scale`, { spec: { replicas: -1 } })],
    'of something not there': [get(`${WIDGETS}/none/scale`)],
  }),
  group('updating built-in kinds', 'core', {
    'without a resourceVersion': [
      post(MAPS, configMap('a'), { silent: true }),
      put(`${MAPS}/a`, configMap('a', { c: 'd' })),
    ],
    'with an old resourceVersion': [
      post(MAPS, configMap('a'), { silent: true, save: { rv: 'metadata.resourceVersion' } }),
      put(`${MAPS}/a`, configMap('a', { c: 'd' }), { silent: true }),
      put(`${MAPS}/a`, configMap('a', { e: 'f' }, at)),
    ],
    'what is not there': [put(`${MAPS}/none`, configMap('none'))],
    'an immutable config map': [
      post(MAPS, { ...configMap('a'), immutable: true }, { silent: true }),
      put(`${MAPS}/a`, { ...configMap('a', { a: 'c' }), immutable: true }),
      put(`${MAPS}/a`, { ...configMap('a'), immutable: false }),
    ],
    'the type of a secret': [
      post(
        SECRETS,
        { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'a' }, type: 'example.com/a' },
        { silent: true },
      ),
      put(`${SECRETS}/a`, { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'a' }, type: 'example.com/b' }),
    ],
    stringData: [
      post(
        SECRETS,
        { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'a' }, data: { a: 'eA==' } },
        { silent: true },
      ),
      patch('strategic', `${SECRETS}/a`, { stringData: { b: 'y' } }),
    ],
    'a role reference': [
      post(
        '/apis/rbac.authorization.k8s.io/v1/namespaces/{ns}/rolebindings',
        {
          apiVersion: 'rbac.authorization.k8s.io/v1',
          kind: 'RoleBinding',
          metadata: { name: 'a' },
          roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'r' },
        },
        { silent: true },
      ),
      patch('merge', '/apis/rbac.authorization.k8s.io/v1/namespaces/{ns}/rolebindings/a', { roleRef: { name: 's' } }),
    ],
    'a lease made by update': [
      put('/apis/coordination.k8s.io/v1/namespaces/{ns}/leases/a', {
        apiVersion: 'coordination.k8s.io/v1',
        kind: 'Lease',
        metadata: { name: 'a' },
        spec: { holderIdentity: 'me' },
      }),
    ],
  }),
];
