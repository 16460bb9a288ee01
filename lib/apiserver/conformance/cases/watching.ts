// watch: from where, what, in which order, and when it ends.
import type { JsonObject } from '../../json.ts';
import { del, get, group, patch, post, put, type Step, watch } from '../case.ts';
import { ALL_WIDGETS, WIDGETS } from '../widgets.ts';
import { configMap, MAPS, SECRETS, widget } from './objects.ts';

const quiet = { silent: true } as const;
const mark = get(WIDGETS, { ...quiet, save: { rv: 'metadata.resourceVersion' } });
const make = (name: string, spec: JsonObject = {}, metadata: JsonObject = {}) =>
  post(WIDGETS, widget(name, spec, metadata), quiet);
const change = (name: string, document: JsonObject) => patch('merge', `${WIDGETS}/${name}`, document, quiet);
const remove = (name: string) => del(`${WIDGETS}/${name}`, undefined, quiet);
const from = '?watch=1&resourceVersion=$rv';
const life = [make('a', { size: 1 }), change('a', { spec: { size: 2 } }), remove('a')];
const open = (query: string): Step => get(`${WIDGETS}?${query}`, { open: 'w' });
const collect = (count: number): Step => get(WIDGETS, { collect: { name: 'w', count } });

export const WATCHING = [
  group('watching custom resources', 'custom', {
    'a life': [mark, ...life, watch(`${WIDGETS}${from}`, 3)],
    live: [mark, open('watch=1&resourceVersion=$rv'), ...life, collect(3)],
    'the state first': [make('a'), make('b'), watch(`${WIDGETS}?watch=1`, 2)],
    'the state first, from 0': [make('a'), make('b'), watch(`${WIDGETS}?watch=1&resourceVersion=0`, 2)],
    'one object by field': [
      mark,
      make('a'),
      make('b'),
      remove('b'),
      watch(`${WIDGETS}${from}&fieldSelector=metadata.name%3Db`, 2),
    ],
    'moving into a label': [
      mark,
      make('a', {}, { labels: { on: 'no' } }),
      change('a', { metadata: { labels: { on: 'yes' } } }),
      change('a', { spec: { size: 3 } }),
      change('a', { metadata: { labels: { on: 'no' } } }),
      change('a', { metadata: { labels: { on: 'yes' } } }),
      remove('a'),
      watch(`${WIDGETS}${from}&labelSelector=on%3Dyes`, 5),
    ],
    'moving into a field': [
      mark,
      make('a', { power: 'Off' }),
      change('a', { spec: { power: 'On' } }),
      change('a', { spec: { power: 'Off' } }),
      watch(`${WIDGETS}${from}&fieldSelector=spec.power%3DOn`, 2),
    ],
    'another namespace': [mark, make('a'), watch(`${ALL_WIDGETS}${from}&fieldSelector=metadata.namespace%3D{ns}`, 1)],
    'no event for no change': [
      mark,
      make('a', { size: 1 }),
      change('a', { spec: { size: 1 } }),
      change('a', { spec: { size: 2 } }),
      watch(`${WIDGETS}${from}`, 2),
    ],
    'status changes': [
      mark,
      make('a'),
      patch('merge', `${WIDGETS}/a/status`, { status: { phase: 'x' } }, quiet),
      watch(`${WIDGETS}${from}`, 2),
    ],
    'a deletion with a finalizer': [
      mark,
      make('a', {}, { finalizers: ['example.com/hold'] }),
      remove('a'),
      change('a', { metadata: { finalizers: null } }),
      watch(`${WIDGETS}${from}`, 3),
    ],
    'a forgotten version': [watch(`${WIDGETS}?watch=1&resourceVersion=1&timeoutSeconds=1`, 'end')],
    'a broken version': [get(`${WIDGETS}?watch=1&resourceVersion=x`)],
    'a time limit': [mark, watch(`${WIDGETS}${from}&timeoutSeconds=1`, 'end')],
    'initial events': [
      make('a'),
      watch(`${WIDGETS}?watch=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true`, 2),
    ],
    'initial events from a version': [
      make('a'),
      mark,
      watch(`${WIDGETS}${from}&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true`, 2),
    ],
    'no initial events': [
      make('a'),
      mark,
      make('b'),
      watch(`${WIDGETS}${from}&sendInitialEvents=false&resourceVersionMatch=NotOlderThan`, 1),
    ],
    'initial events without a match': [get(`${WIDGETS}?watch=1&sendInitialEvents=true`)],
    'a match without initial events': [get(`${WIDGETS}?watch=1&resourceVersionMatch=NotOlderThan&resourceVersion=1`)],
    continue: [get(`${WIDGETS}?watch=1&continue=x`)],
    'a broken selector': [get(`${WIDGETS}?watch=1&labelSelector=n%20in%20a`)],
    'metadata alone': [
      mark,
      make('a'),
      watch(`${WIDGETS}${from}`, 1, {
        headers: { Accept: 'application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1' },
      }),
    ],
    'the old path': [
      mark,
      make('a'),
      watch('/apis/conformance.bmp.dev/v1/watch/namespaces/{ns}/widgets?resourceVersion=$rv', 1),
    ],
    'a resource that is not there': [get('/apis/conformance.bmp.dev/v1/namespaces/{ns}/nones?watch=1')],
  }),
  group('watching built-in kinds', 'core', {
    'a life': [
      get(SECRETS, { ...quiet, save: { rv: 'metadata.resourceVersion' } }),
      post(MAPS, configMap('a'), quiet),
      put(`${MAPS}/a`, configMap('a', { a: 'c' }), quiet),
      del(`${MAPS}/a`, undefined, quiet),
      watch(`${MAPS}${from}&fieldSelector=metadata.name%3Da`, 3),
    ],
    'events in both groups': [
      get('/api/v1/namespaces/{ns}/events', { ...quiet, save: { rv: 'metadata.resourceVersion' } }),
      post('/apis/events.k8s.io/v1/namespaces/{ns}/events', {
        apiVersion: 'events.k8s.io/v1',
        kind: 'Event',
        metadata: { name: 'a', namespace: '{ns}' },
        reason: 'R',
        action: 'A',
        type: 'Normal',
        reportingController: 'example.com/c',
        reportingInstance: 'i',
        eventTime: '2001-01-01T00:00:00.000000Z',
        note: 'n',
        regarding: { kind: 'ConfigMap', name: 'x', namespace: '{ns}' },
      }),
      get('/api/v1/namespaces/{ns}/events/a'),
      watch('/api/v1/namespaces/{ns}/events?watch=1&resourceVersion=$rv', 1),
      get('/apis/events.k8s.io/v1/namespaces/{ns}/events/a'),
    ],
  }),
];
