// create: names, metadata, bodies, dry run.
import { get, group, post } from '../case.ts';
import { ALL_WIDGETS, GADGETS, WIDGETS } from '../widgets.ts';
import { configMap, gadget, MAPS, widget } from './objects.ts';

const raw = (body: string, type = 'application/json') => post(WIDGETS, body, { headers: { 'Content-Type': type } });
const metadata = (more: Record<string, never> | object) => post(WIDGETS, widget('a', {}, more as never));

export const CREATING = [
  group('creating custom resources', 'custom', {
    'an object': [post(WIDGETS, widget('a', { size: 3, nested: { key: 'k' } }))],
    twice: [post(WIDGETS, widget('a'), { silent: true }), post(WIDGETS, widget('a'))],
    'a cluster-scoped one': [post(GADGETS, gadget('{id}'))],
    'without a spec': [
      post(WIDGETS, { apiVersion: 'conformance.bmp.dev/v1', kind: 'Widget', metadata: { name: 'a' } }),
    ],
    'status is ignored': [post(WIDGETS, widget('a', {}, {}, { status: { phase: 'Done' } }))],
    'in a namespace that is not there': [
      post('/apis/conformance.bmp.dev/v1/namespaces/none-{id}/widgets', widget('a')),
    ],
    'with another namespace inside': [metadata({ namespace: 'other' })],
    'with the same namespace inside': [metadata({ namespace: '{ns}' })],
    'without a name': [post(WIDGETS, { apiVersion: 'conformance.bmp.dev/v1', kind: 'Widget', metadata: {} })],
    'with a bad name': [post(WIDGETS, widget('Not_Good'))],
    'with a long name': [post(WIDGETS, widget('a'.repeat(254)))],
    'of another kind': [post(WIDGETS, { ...widget('a'), kind: 'Other' })],
    'of another version': [post(WIDGETS, { ...widget('a'), apiVersion: 'conformance.bmp.dev/v2' })],
    'of another group': [post(WIDGETS, { ...widget('a'), apiVersion: 'other.example.com/v1' })],
    'without a kind': [post(WIDGETS, { apiVersion: 'conformance.bmp.dev/v1', metadata: { name: 'a' } })],
    'without an apiVersion': [post(WIDGETS, { kind: 'Widget', metadata: { name: 'a' } })],
    'with a resourceVersion': [metadata({ resourceVersion: '1' })],
    'with a uid of its own': [metadata({ uid: 'mine' })],
    'with a generation and times of its own': [
      metadata({ generation: 7, creationTimestamp: '2001-01-01T00:00:00Z', deletionTimestamp: '2001-01-01T00:00:00Z' }),
    ],
    'with labels and annotations': [metadata({ labels: { a: 'b' }, annotations: { c: 'd' } })],
    'with a bad label key': [metadata({ labels: { 'a b': 'c' } })],
    'with a bad label value': [metadata({ labels: { a: 'b c' } })],
    'with a label that is no text': [metadata({ labels: { a: 1 } })],
    'with a bad annotation key': [metadata({ annotations: { '-': 'c' } })],
    'with labels that are a list': [metadata({ labels: ['a'] })],
    'with finalizers': [metadata({ finalizers: ['example.com/a'] })],
    'with a bad finalizer': [metadata({ finalizers: ['nodomain'] })],
    'with an owner': [
      metadata({ ownerReferences: [{ apiVersion: 'v1', kind: 'Namespace', name: 'default', uid: 'x' }] }),
    ],
    'with an incomplete owner': [metadata({ ownerReferences: [{ apiVersion: 'v1', kind: '', name: '', uid: '' }] })],
    'with two controllers': [
      metadata({
        ownerReferences: [
          { apiVersion: 'v1', kind: 'A', name: 'a', uid: 'x', controller: true },
          { apiVersion: 'v1', kind: 'B', name: 'b', uid: 'y', controller: true },
        ],
      }),
    ],
    'with unknown metadata': [metadata({ color: 'red' })],
    'in the list of all namespaces': [post(ALL_WIDGETS, widget('a'))],
    'under a name': [post(`${WIDGETS}/a`, widget('a'))],
    'as YAML': [
      raw(
        'apiVersion: conformance.bmp.dev/v1\nkind: Widget\nmetadata: {name: a}\nspec: {size: 2}\n',
        'application/yaml',
      ),
    ],
    'as broken YAML': [raw('a: b: c', 'application/yaml')],
    'as broken JSON': [raw('{"a"')],
    'as nothing': [raw('')],
    'as a list': [raw('[]')],
    'as a text': [raw('"a"')],
    'as null': [raw('null')],
    'as an unknown type': [raw('a', 'text/plain')],
    'a dry run': [post(`${WIDGETS}?dryRun=All`, widget('a')), get(`${WIDGETS}/a`)],
    'a dry run of something wrong': [post(`${WIDGETS}?dryRun=All`, widget('a', { power: 'x' }))],
    'a wrong dry run': [post(`${WIDGETS}?dryRun=Some`, widget('a'))],
    'with a field manager': [
      post(`${WIDGETS}?fieldManager=me`, widget('a', { size: 1, tags: ['x'], disks: [{ name: 'd' }] })),
    ],
    'with a long field manager': [post(`${WIDGETS}?fieldManager=${'m'.repeat(129)}`, widget('a'))],
    'with an unprintable field manager': [post(`${WIDGETS}?fieldManager=a%0Ab`, widget('a'))],
    'with managed fields of its own': [
      metadata({
        managedFields: [
          {
            manager: 'x',
            operation: 'Update',
            apiVersion: 'conformance.bmp.dev/v1',
            fieldsType: 'FieldsV1',
            fieldsV1: { 'f:spec': {} },
          },
        ],
      }),
    ],
  }),
  group('creating built-in kinds', 'core', {
    'a config map': [post(MAPS, configMap('a'))],
    'a config map with a bad key': [post(MAPS, configMap('a', { 'a/b': 'c' }))],
    'a config map with a number': [post(MAPS, configMap('a', { a: 1 }))],
    'a secret in clear': [
      post('/api/v1/namespaces/{ns}/secrets', {
        apiVersion: 'v1',
        kind: 'Secret',
        metadata: { name: 'a' },
        stringData: { a: 'b' },
        data: { c: 'ZA==' },
      }),
    ],
    'a secret that is not base64': [
      post('/api/v1/namespaces/{ns}/secrets', {
        apiVersion: 'v1',
        kind: 'Secret',
        metadata: { name: 'a' },
        data: { c: '!' },
      }),
    ],
    'a namespace with a bad name': [
      post('/api/v1/namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'a.b' } }),
    ],
    'in a namespace that is not there': [post('/api/v1/namespaces/none-{id}/configmaps', configMap('a'))],
    twice: [post(MAPS, configMap('a'), { silent: true }), post(MAPS, configMap('a'))],
    'of another kind': [post(MAPS, { ...configMap('a'), kind: 'Secret' })],
    'of another version': [post(MAPS, { ...configMap('a'), apiVersion: 'v2' })],
    'without a kind': [post(MAPS, { apiVersion: 'v1', metadata: { name: 'a' } })],
    'without a name': [post(MAPS, { apiVersion: 'v1', kind: 'ConfigMap', metadata: {} })],
    'with another namespace inside': [post(MAPS, configMap('a', {}, { namespace: 'other' }))],
    'with a resourceVersion': [post(MAPS, configMap('a', {}, { resourceVersion: '1' }))],
    'an unknown content type': [post(MAPS, 'x', { headers: { 'Content-Type': 'text/plain' } })],
    'a role without verbs': [
      post('/apis/rbac.authorization.k8s.io/v1/namespaces/{ns}/roles', {
        apiVersion: 'rbac.authorization.k8s.io/v1',
        kind: 'Role',
        metadata: { name: 'a' },
        rules: [{ apiGroups: [''], resources: ['secrets'], verbs: [] }],
      }),
    ],
    'a binding to nothing': [
      post('/apis/rbac.authorization.k8s.io/v1/namespaces/{ns}/rolebindings', {
        apiVersion: 'rbac.authorization.k8s.io/v1',
        kind: 'RoleBinding',
        metadata: { name: 'a' },
        roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Thing', name: '' },
        subjects: [{ kind: 'Robot', name: '' }],
      }),
    ],
    'a lease with a bad duration': [
      post('/apis/coordination.k8s.io/v1/namespaces/{ns}/leases', {
        apiVersion: 'coordination.k8s.io/v1',
        kind: 'Lease',
        metadata: { name: 'a' },
        spec: { leaseDurationSeconds: 0, leaseTransitions: -1 },
      }),
    ],
  }),
];
