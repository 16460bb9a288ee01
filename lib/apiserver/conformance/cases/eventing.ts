// Events as client-go's recorders write them: created, counted up by patches, found by what they are about.
import type { JsonObject } from '../../json.ts';
import { del, get, group, patch, post, type Step } from '../case.ts';

const CORE = '/api/v1/namespaces/{ns}/events';
const NEW = '/apis/events.k8s.io/v1/namespaces/{ns}/events';
const quiet = { silent: true } as const;
const about = { kind: 'ConfigMap', namespace: '{ns}', name: 'm', uid: 'u-1', apiVersion: 'v1', resourceVersion: '5' };

/** What the older recorder sends. */
const event = (name: string, more: JsonObject = {}): JsonObject => ({
  apiVersion: 'v1',
  kind: 'Event',
  metadata: { name, namespace: '{ns}' },
  involvedObject: about,
  reason: 'Started',
  message: 'it has started',
  source: { component: 'c', host: 'h' },
  firstTimestamp: '2001-01-01T00:00:00Z',
  lastTimestamp: '2001-01-01T00:00:00Z',
  count: 1,
  type: 'Normal',
  eventTime: null,
  reportingComponent: '',
  reportingInstance: '',
  ...more,
});
/** What the newer one sends. */
const report = (name: string, more: JsonObject = {}): JsonObject => ({
  apiVersion: 'events.k8s.io/v1',
  kind: 'Event',
  metadata: { name, namespace: '{ns}' },
  eventTime: '2001-01-01T00:00:00.123456Z',
  reportingController: 'example.com/c',
  reportingInstance: 'c-1',
  action: 'Starting',
  reason: 'Started',
  regarding: about,
  note: 'it has started',
  type: 'Normal',
  ...more,
});
const found = (selector: string): Step => get(`${CORE}?fieldSelector=${encodeURIComponent(selector)}`);

export const EVENTING = [
  group('events', 'core', {
    'of the older recorder': [post(CORE, event('a')), get(`${CORE}/a`), get(`${NEW}/a`)],
    'counted up': [
      post(CORE, event('a'), quiet),
      patch('strategic', `${CORE}/a`, {
        count: 2,
        lastTimestamp: '2001-01-01T00:01:00Z',
        message: 'it has started again',
      }),
      patch('merge', `${CORE}/a`, { count: 3, lastTimestamp: '2001-01-01T00:02:00Z' }),
    ],
    'of the newer recorder': [post(NEW, report('a')), get(`${CORE}/a`)],
    'a series': [
      post(NEW, report('a'), quiet),
      patch('merge', `${NEW}/a`, { series: { count: 2, lastObservedTime: '2001-01-01T00:01:00.654321Z' } }),
      get(`${CORE}/a`),
    ],
    'by what they are about': [
      post(CORE, event('a'), quiet),
      post(CORE, event('b', { involvedObject: { ...about, name: 'other' }, type: 'Warning', reason: 'Failed' }), quiet),
      found('involvedObject.name=m'),
      found('involvedObject.kind=ConfigMap,involvedObject.name=other'),
      found('involvedObject.uid=u-1,type=Warning'),
      found('reason=Failed'),
      found('source=c'),
      found('type!=Normal'),
      found('message=x'),
    ],
    'about another namespace': [post(CORE, event('a', { involvedObject: { ...about, namespace: 'default' } }))],
    'about a thing of the cluster': [
      post(CORE, event('a', { involvedObject: { kind: 'Namespace', name: 'x', apiVersion: 'v1' } })),
    ],
    'of no type': [post(NEW, report('a', { type: 'Odd' }))],
    'without a controller': [post(NEW, report('a', { reportingController: '' }))],
    'without an action': [post(NEW, report('a', { action: '' }))],
    'without a time': [post(NEW, report('a', { eventTime: null }))],
    'a note that is too long': [post(NEW, report('a', { note: 'x'.repeat(1025) }))],
    'a reason that is changed': [post(NEW, report('a'), quiet), patch('merge', `${NEW}/a`, { reason: 'Other' })],
    'all of a namespace deleted': [
      post(CORE, event('a'), quiet),
      post(NEW, report('b'), quiet),
      del(CORE, undefined, quiet),
      get(NEW),
    ],
  }),
];
