// get and list: what is there, what is not, and how much of it.
import { del, get, group, patch, post } from '../case.ts';
import { ALL_WIDGETS, GADGETS, GADGETS_BETA, WIDGETS } from '../widgets.ts';
import { configMap, gadget, MAPS, widget } from './objects.ts';

const three = ['a', 'b', 'c'].map((name, index) =>
  post(
    WIDGETS,
    widget(
      name,
      { size: index + 1, power: index === 1 ? 'On' : 'Off' },
      { labels: { n: name, odd: String(index % 2 === 0) } },
    ),
    {
      silent: true,
    },
  ),
);
const list = (query: string) => [...three, get(`${WIDGETS}?${query}`)];
const labels = (selector: string) => list(`labelSelector=${encodeURIComponent(selector)}`);
const fields = (selector: string) => list(`fieldSelector=${encodeURIComponent(selector)}`);

export const READING = [
  group('reading custom resources', 'custom', {
    'an object': [post(WIDGETS, widget('a', { size: 3 }), { silent: true }), get(`${WIDGETS}/a`)],
    'no such object': [get(`${WIDGETS}/none`)],
    'no such resource': [get('/apis/conformance.bmp.dev/v1/namespaces/{ns}/nones/a')],
    'no such version': [get('/apis/conformance.bmp.dev/v9/namespaces/{ns}/widgets/a')],
    'no such subresource': [post(WIDGETS, widget('a'), { silent: true }), get(`${WIDGETS}/a/nothing`)],
    'a namespaced object without its namespace': [get(`${ALL_WIDGETS}/a`)],
    'a cluster-scoped object in a namespace': [get('/apis/conformance.bmp.dev/v1/namespaces/{ns}/gadgets/a')],
    'a list': list(''),
    'an empty list': [get(WIDGETS)],
    'a list of a namespace that is not there': [get('/apis/conformance.bmp.dev/v1/namespaces/none-{id}/widgets')],
    'equal label': labels('n=a'),
    'double equals': labels('n==b'),
    'unequal label': labels('n!=a'),
    'label in': labels('n in (a,c)'),
    'label not in': labels('n notin (a,c)'),
    'label exists': labels('odd'),
    'label does not exist': labels('!odd'),
    'several requirements': labels('odd=true,n!=c'),
    'empty label value': labels('n='),
    'broken label selector': labels('n in a'),
    'broken label key': labels('a b'),
    'a bad label value': labels('n=-x-'),
    'a comma too many': labels('n=a,'),
    'an unfinished set': labels('n in (a'),
    'label greater than': labels('n>1'),
    'field metadata.name': fields('metadata.name=b'),
    'field metadata.name unequal': fields('metadata.name!=b'),
    'field metadata.namespace': [...three, get(`${ALL_WIDGETS}?fieldSelector=metadata.namespace%3D{ns}`)],
    'selectable field': fields('spec.power=On'),
    'selectable number': fields('spec.size=2'),
    'two fields': fields('spec.power=Off,metadata.name!=a'),
    'a field that is not selectable': fields('spec.mode=fast'),
    'a broken field selector': fields('spec.power'),
    limit: list('limit=2'),
    'limit larger than the list': list('limit=5'),
    continue: [
      ...three,
      get(`${WIDGETS}?limit=2`, { save: { token: 'metadata.continue' } }),
      get(`${WIDGETS}?limit=2&continue=$token`),
    ],
    'continue sees the first page’s moment': [
      ...three,
      get(`${WIDGETS}?limit=1`, { save: { token: 'metadata.continue' } }),
      del(`${WIDGETS}/b`, undefined, { silent: true }),
      post(WIDGETS, widget('bb'), { silent: true }),
      patch('merge', `${WIDGETS}/c`, { spec: { size: 9 } }, { silent: true }),
      get(`${WIDGETS}?limit=5&continue=$token`),
    ],
    'limit with a selector': list('limit=1&labelSelector=odd%3Dtrue'),
    'a broken continue token': [get(`${WIDGETS}?continue=nonsense`)],
    'continue with a resourceVersion': [
      ...three,
      get(`${WIDGETS}?limit=2`, { save: { token: 'metadata.continue', rv: 'metadata.resourceVersion' } }),
      get(`${WIDGETS}?limit=2&continue=$token&resourceVersion=$rv`),
    ],
    'resourceVersion 0': list('resourceVersion=0'),
    'a resourceVersion that is no number': list('resourceVersion=abc'),
    'a resourceVersion of the future': list('resourceVersion=99999999999'),
    'an object at a resourceVersion of the future': [...three, get(`${WIDGETS}/a?resourceVersion=99999999999`)],
    'exactly at a resourceVersion': [
      ...three,
      get(WIDGETS, { save: { rv: 'metadata.resourceVersion' }, silent: true }),
      del(`${WIDGETS}/a`, undefined, { silent: true }),
      patch('merge', `${WIDGETS}/b`, { spec: { size: 9 } }, { silent: true }),
      get(`${WIDGETS}?resourceVersion=$rv&resourceVersionMatch=Exact`),
    ],
    'not older than a resourceVersion': [
      ...three,
      get(WIDGETS, { save: { rv: 'metadata.resourceVersion' }, silent: true }),
      get(`${WIDGETS}?resourceVersion=$rv&resourceVersionMatch=NotOlderThan`),
    ],
    'resourceVersionMatch without a version': list('resourceVersionMatch=Exact'),
    'an unknown resourceVersionMatch': list('resourceVersionMatch=Sometimes&resourceVersion=1'),
    'exactly at version 0': list('resourceVersionMatch=Exact&resourceVersion=0'),
    'resourceVersionMatch with continue': [
      ...three,
      get(`${WIDGETS}?limit=2`, { save: { token: 'metadata.continue' }, silent: true }),
      get(`${WIDGETS}?limit=2&continue=$token&resourceVersionMatch=Exact&resourceVersion=1`),
    ],
    'a limit that is no number': list('limit=x'),
    'sendInitialEvents without watch': list('sendInitialEvents=true'),
    'as YAML': [
      post(WIDGETS, widget('a'), { silent: true }),
      get(`${WIDGETS}/a`, { headers: { Accept: 'application/yaml' } }),
    ],
    'a form that cannot be had': [get(WIDGETS, { headers: { Accept: 'text/html' } })],
    'protobuf or JSON': [
      post(WIDGETS, widget('a'), { silent: true }),
      get(`${WIDGETS}/a`, { headers: { Accept: 'application/vnd.kubernetes.protobuf,application/json' } }),
    ],
    'metadata alone': [
      post(WIDGETS, widget('a'), { silent: true }),
      get(`${WIDGETS}/a`, { headers: { Accept: 'application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1' } }),
      get(WIDGETS, { headers: { Accept: 'application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1' } }),
    ],
    'an old version of an object': [
      post(GADGETS, gadget('{id}', { a: 'x' }), { silent: true }),
      get(`${GADGETS_BETA}/{id}`),
      get(`${GADGETS_BETA}?fieldSelector=metadata.name%3D{id}`),
    ],
  }),
  group('reading built-in kinds', 'core', {
    'an object': [post(MAPS, configMap('a'), { silent: true }), get(`${MAPS}/a`)],
    'no such object': [get(`${MAPS}/none`)],
    'no such resource': [get('/api/v1/namespaces/{ns}/nones/a')],
    'no such group': [get('/apis/none.example.com/v1/things')],
    'no such path': [get('/nothing')],
    'a list': [post(MAPS, configMap('a'), { silent: true }), get(`${MAPS}?fieldSelector=metadata.name%3Da`)],
    'a field that is not selectable': [get(`${MAPS}?fieldSelector=data.a%3Db`)],
    'secrets by type': [
      post(
        '/api/v1/namespaces/{ns}/secrets',
        { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'a' }, type: 'example.com/x' },
        { silent: true },
      ),
      get('/api/v1/namespaces/{ns}/secrets?fieldSelector=type%3Dexample.com%2Fx'),
    ],
  }),
];
