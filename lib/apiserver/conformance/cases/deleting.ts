// delete: finalizers, preconditions, propagation, collections, namespaces.
import type { JsonObject } from '../../json.ts';
import { del, get, group, patch, post, type Step } from '../case.ts';
import { GADGETS, WIDGETS } from '../widgets.ts';
import { configMap, gadget, MAPS, widget } from './objects.ts';

const made = (metadata: JsonObject = {}): Step =>
  post(WIDGETS, widget('a', { size: 1 }, metadata), {
    silent: true,
    save: { rv: 'metadata.resourceVersion', uid: 'metadata.uid' },
  });
const held = made({ finalizers: ['example.com/hold'] });
const release = patch('merge', `${WIDGETS}/a`, { metadata: { finalizers: null } });
const options = (more: JsonObject): JsonObject => ({ apiVersion: 'v1', kind: 'DeleteOptions', ...more });
const owned = (name: string, more: JsonObject = {}): Step =>
  post(
    MAPS,
    configMap(
      name,
      {},
      { ownerReferences: [{ apiVersion: 'v1', kind: 'ConfigMap', name: 'owner', uid: '$owner', ...more }] },
    ),
    { silent: true },
  );
const owner = post(MAPS, configMap('owner'), { silent: true, save: { owner: 'metadata.uid' } });
const gone = (name: string): Step => get(`${MAPS}/${name}`, { until: { code: 404 } });
const three = ['a', 'b', 'c'].map((name) => post(WIDGETS, widget(name, {}, { labels: { n: name } }), { silent: true }));

export const DELETING = [
  group('deleting custom resources', 'custom', {
    'an object': [made(), del(`${WIDGETS}/a`), get(`${WIDGETS}/a`)],
    'what is not there': [del(`${WIDGETS}/none`)],
    'a cluster-scoped object': [post(GADGETS, gadget('{id}'), { silent: true }), del(`${GADGETS}/{id}`)],
    'with a finalizer': [held, del(`${WIDGETS}/a`), get(`${WIDGETS}/a`), release, get(`${WIDGETS}/a`)],
    'twice with a finalizer': [
      held,
      del(`${WIDGETS}/a`, undefined, { silent: true }),
      del(`${WIDGETS}/a`),
      { ...release, silent: true },
    ],
    'a new finalizer while it goes': [
      held,
      del(`${WIDGETS}/a`, undefined, { silent: true }),
      patch('merge', `${WIDGETS}/a`, { metadata: { finalizers: ['example.com/hold', 'example.com/new'] } }),
      { ...release, silent: true },
    ],
    'a change while it goes': [
      held,
      del(`${WIDGETS}/a`, undefined, { silent: true }),
      patch('merge', `${WIDGETS}/a`, { spec: { size: 2 } }),
      { ...release, silent: true },
    ],
    'the right uid': [made(), del(`${WIDGETS}/a`, options({ preconditions: { uid: '$uid' } }))],
    'a wrong uid': [made(), del(`${WIDGETS}/a`, options({ preconditions: { uid: 'other' } }))],
    'the right resourceVersion': [made(), del(`${WIDGETS}/a`, options({ preconditions: { resourceVersion: '$rv' } }))],
    'a wrong resourceVersion': [made(), del(`${WIDGETS}/a`, options({ preconditions: { resourceVersion: '1' } }))],
    'a dry run': [made(), del(`${WIDGETS}/a?dryRun=All`), get(`${WIDGETS}/a`)],
    'a dry run in the body': [made(), del(`${WIDGETS}/a`, options({ dryRun: ['All'] })), get(`${WIDGETS}/a`)],
    'in the background': [made(), del(`${WIDGETS}/a`, options({ propagationPolicy: 'Background' }))],
    'an unknown policy': [made(), del(`${WIDGETS}/a`, options({ propagationPolicy: 'Sideways' }))],
    'both ways of saying it': [
      made(),
      del(`${WIDGETS}/a`, options({ propagationPolicy: 'Orphan', orphanDependents: true })),
    ],
    'with a grace period': [made(), del(`${WIDGETS}/a?gracePeriodSeconds=30`)],
    'a broken body': [made(), { method: 'DELETE', path: `${WIDGETS}/a`, body: '{"a"' }],
    'a body of another kind': [made(), del(`${WIDGETS}/a`, widget('a'))],
    'a collection': [...three, del(WIDGETS), get(WIDGETS)],
    'a collection by label': [...three, del(`${WIDGETS}?labelSelector=n%21%3Db`), get(WIDGETS)],
    'a collection by field': [...three, del(`${WIDGETS}?fieldSelector=metadata.name%3Db`), get(WIDGETS)],
    'a collection, dry run': [...three, del(`${WIDGETS}?dryRun=All`, undefined, { silent: true }), get(WIDGETS)],
    'a collection with a finalizer': [
      held,
      del(WIDGETS, undefined, { silent: true }),
      get(WIDGETS),
      { ...release, silent: true },
    ],
  }),
  group('garbage', 'core', {
    'dependents follow in the background': [owner, owned('child'), del(`${MAPS}/owner`), gone('child')],
    'dependents follow in the foreground': [
      owner,
      owned('child', { blockOwnerDeletion: true }),
      del(`${MAPS}/owner`, options({ propagationPolicy: 'Foreground' })),
      gone('owner'),
      get(`${MAPS}/child`),
    ],
    'dependents are orphaned': [
      owner,
      owned('child'),
      del(`${MAPS}/owner`, options({ propagationPolicy: 'Orphan' })),
      gone('owner'),
      get(`${MAPS}/child`),
    ],
    'a dependent of nobody goes': [
      post(
        MAPS,
        configMap(
          'child',
          {},
          { ownerReferences: [{ apiVersion: 'v1', kind: 'ConfigMap', name: 'owner', uid: 'nobody' }] },
        ),
        { silent: true },
      ),
      gone('child'),
    ],
    'a dependent of two stays with the other': [
      owner,
      post(MAPS, configMap('other'), { silent: true, save: { other: 'metadata.uid' } }),
      post(
        MAPS,
        configMap(
          'child',
          {},
          {
            ownerReferences: [
              { apiVersion: 'v1', kind: 'ConfigMap', name: 'owner', uid: '$owner' },
              { apiVersion: 'v1', kind: 'ConfigMap', name: 'other', uid: '$other' },
            ],
          },
        ),
        { silent: true },
      ),
      del(`${MAPS}/owner`, undefined, { silent: true }),
      get(`${MAPS}/child`, {
        until: {
          path: 'metadata.ownerReferences',
          equals: [{ apiVersion: 'v1', kind: 'ConfigMap', name: 'other', uid: '$other' }],
        },
        silent: true,
      }),
    ],
    'a chain': [
      owner,
      post(
        MAPS,
        configMap(
          'child',
          {},
          { ownerReferences: [{ apiVersion: 'v1', kind: 'ConfigMap', name: 'owner', uid: '$owner' }] },
        ),
        { silent: true, save: { child: 'metadata.uid' } },
      ),
      post(
        MAPS,
        configMap(
          'grandchild',
          {},
          { ownerReferences: [{ apiVersion: 'v1', kind: 'ConfigMap', name: 'child', uid: '$child' }] },
        ),
        { silent: true },
      ),
      del(`${MAPS}/owner`, undefined, { silent: true }),
      gone('grandchild'),
    ],
  }),
  group('namespaces', 'core', {
    'are emptied and go': [
      post('/api/v1/namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name: '{id}' } }),
      post('/api/v1/namespaces/{id}/configmaps', configMap('a'), { silent: true }),
      del('/api/v1/namespaces/{id}'),
      get('/api/v1/namespaces/{id}', { until: { code: 404 } }),
      get('/api/v1/namespaces/{id}/configmaps/a'),
    ],
    'take nothing new while they go': [
      post('/api/v1/namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name: '{id}' } }, { silent: true }),
      post('/api/v1/namespaces/{id}/configmaps', configMap('a', {}, { finalizers: ['example.com/hold'] }), {
        silent: true,
      }),
      del('/api/v1/namespaces/{id}', undefined, { silent: true }),
      post('/api/v1/namespaces/{id}/configmaps', configMap('b')),
      get('/api/v1/namespaces/{id}/configmaps/a', {
        until: { path: 'metadata.deletionGracePeriodSeconds', equals: 0 },
      }),
      patch('merge', '/api/v1/namespaces/{id}/configmaps/a', { metadata: { finalizers: null } }),
      get('/api/v1/namespaces/{id}', { until: { code: 404 } }),
    ],
    'some may not be deleted': [del('/api/v1/namespaces/default')],
    'cannot be deleted as a collection': [del('/api/v1/namespaces')],
    'keep their finalizers': [
      post('/api/v1/namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name: '{id}' } }, { silent: true }),
      patch('merge', '/api/v1/namespaces/{id}', { spec: { finalizers: [] } }),
    ],
    'with a finalizer of their own': [
      post(
        '/api/v1/namespaces',
        { apiVersion: 'v1', kind: 'Namespace', metadata: { name: '{id}', finalizers: ['example.com/hold'] } },
        { silent: true },
      ),
      del('/api/v1/namespaces/{id}', undefined, { silent: true }),
      get('/api/v1/namespaces/{id}', { until: { path: 'spec.finalizers', equals: null, code: 200 }, silent: true }),
      patch('merge', '/api/v1/namespaces/{id}', { metadata: { finalizers: null } }, { silent: true }),
      get('/api/v1/namespaces/{id}', { until: { code: 404 } }),
    ],
  }),
];
