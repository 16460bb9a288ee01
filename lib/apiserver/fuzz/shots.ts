// Requests that no client would send, made from those that clients do send: pure, the same for the same random numbers.

export interface Shot {
  readonly method: string;
  /** Path and query, as they go over the wire. */
  readonly path: string;
  readonly headers: { readonly [name: string]: string };
  /** The body's bytes, one character each (latin1). */
  readonly body: string;
}

type Value = null | boolean | number | string | Value[] | { [key: string]: Value };

const KINDS: readonly { readonly path: string; readonly object: { [key: string]: Value } }[] = [
  kind('/api/v1/namespaces/default/configmaps', 'v1', 'ConfigMap', { data: { a: 'b' }, binaryData: { c: 'ZA==' } }),
  kind('/api/v1/namespaces/default/secrets', 'v1', 'Secret', { data: { a: 'Yg==' }, stringData: { c: 'd' } }),
  kind('/api/v1/namespaces/default/events', 'v1', 'Event', { involvedObject: { kind: 'X', name: 'y' }, count: 1 }),
  kind('/api/v1/namespaces/default/serviceaccounts', 'v1', 'ServiceAccount', { secrets: [{ name: 'a' }] }),
  kind('/api/v1/namespaces/default/resourcequotas', 'v1', 'ResourceQuota', { spec: { hard: { 'count/a.b': '5' } } }),
  kind('/api/v1/namespaces', 'v1', 'Namespace', { spec: { finalizers: ['kubernetes'] } }),
  kind('/api/v1/nodes', 'v1', 'Node', { spec: { taints: [{ key: 'a', effect: 'NoSchedule' }] } }),
  kind('/apis/coordination.k8s.io/v1/namespaces/default/leases', 'coordination.k8s.io/v1', 'Lease', {
    spec: { holderIdentity: 'a', renewTime: '2020-01-01T00:00:00.000000Z', leaseDurationSeconds: 15 },
  }),
  kind('/apis/rbac.authorization.k8s.io/v1/clusterroles', 'rbac.authorization.k8s.io/v1', 'ClusterRole', {
    rules: [{ apiGroups: [''], resources: ['pods'], verbs: ['get'] }],
    aggregationRule: { clusterRoleSelectors: [{ matchLabels: { a: 'b' } }] },
  }),
  kind(
    '/apis/rbac.authorization.k8s.io/v1/namespaces/default/rolebindings',
    'rbac.authorization.k8s.io/v1',
    'RoleBinding',
    {
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'view' },
      subjects: [{ kind: 'User', name: 'a', apiGroup: 'rbac.authorization.k8s.io' }],
    },
  ),
  kind('/apis/authorization.k8s.io/v1/selfsubjectaccessreviews', 'authorization.k8s.io/v1', 'SelfSubjectAccessReview', {
    spec: { resourceAttributes: { verb: 'get', resource: 'pods', namespace: 'default' } },
  }),
  kind('/apis/authentication.k8s.io/v1/tokenreviews', 'authentication.k8s.io/v1', 'TokenReview', {
    spec: { token: 'a' },
  }),
  kind('/apis/conformance.bmp.dev/v1/namespaces/default/widgets', 'conformance.bmp.dev/v1', 'Widget', {
    spec: {
      power: 'On',
      size: 3,
      nested: { key: 'k' },
      disks: [{ name: 'root', size: 7 }],
      tags: ['a', 'b'],
      free: { anything: [1, { x: null }] },
      port: 80,
      at: '2020-01-01T00:00:00Z',
    },
    status: { phase: 'Ready', replicas: 2 },
  }),
  kind('/apis/conformance.bmp.dev/v1/gadgets', 'conformance.bmp.dev/v1', 'Gadget', { spec: { size: 1 } }),
  kind(
    '/apis/apiextensions.k8s.io/v1/customresourcedefinitions',
    'apiextensions.k8s.io/v1',
    'CustomResourceDefinition',
    {
      spec: {
        group: 'fuzz.bmp.dev',
        scope: 'Namespaced',
        names: { plural: 'things', singular: 'thing', kind: 'Thing', shortNames: ['th'] },
        versions: [
          {
            name: 'v1',
            served: true,
            storage: true,
            subresources: { status: {}, scale: { specReplicasPath: '.spec.n', statusReplicasPath: '.status.n' } },
            additionalPrinterColumns: [{ name: 'A', type: 'string', jsonPath: '.spec.a[?(@.b==1)]' }],
            schema: {
              openAPIV3Schema: {
                type: 'object',
                properties: {
                  spec: {
                    type: 'object',
                    properties: { a: { type: 'string', pattern: '^a+$', default: 'a' }, n: { type: 'integer' } },
                    'x-kubernetes-validations': [{ rule: 'self.n > 0', message: 'm' }],
                  },
                  status: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
                },
              },
            },
          },
        ],
      },
    },
  ),
];

function kind(path: string, apiVersion: string, name: string, rest: { [key: string]: Value }) {
  const metadata = { name: 'fuzz', labels: { app: 'fuzz' }, annotations: { note: 'n' }, finalizers: ['a.b/c'] };
  return { path, object: { apiVersion, kind: name, metadata, ...rest } };
}

/** Values that code tends to stumble over. */
const NASTY: readonly Value[] = [
  null,
  true,
  0,
  -0,
  -1,
  1e21,
  1e308,
  2 ** 53,
  0.1,
  '',
  ' ',
  '0',
  '-1',
  'NaN',
  'null',
  '__proto__',
  'constructor',
  'toString',
  '/',
  '..',
  '~',
  '~2',
  '$ref',
  '*',
  '"',
  "'",
  '\\',
  '\u0000',
  '\ud800',
  '\u2028',
  '🙂',
  'é'.normalize('NFD'),
  '%s',
  '{}',
  '[]',
  '(((((',
  '[a-',
  '(a+)+$',
  'self.x.y',
  '{.x[0]',
  '2020-13-40T99:99:99Z',
  '99999999999999999999',
  'x'.repeat(300),
  [],
  {},
  [[]],
  [null],
  { '': null },
  { constructor: { prototype: 1 } },
  { '.': 1 },
  { 'f:a': {} },
  { 'k:{"name":"a"}': {} },
];

const NAMES = [
  'metadata',
  'spec',
  'status',
  'name',
  'namespace',
  'generateName',
  'finalizers',
  'ownerReferences',
  'managedFields',
  'uid',
  'resourceVersion',
  'deletionTimestamp',
  'labels',
  'annotations',
  'kind',
  'apiVersion',
  '',
  'hasOwnProperty',
  'constructor',
  'length',
  '$patch',
  '$retainKeys',
  '$setElementOrder/tags',
  '$deleteFromPrimitiveList/finalizers',
  'data',
  'versions',
  'schema',
  'rules',
  'type',
  'items',
  'properties',
  'default',
  'x-kubernetes-validations',
  'x-kubernetes-list-map-keys',
];

const QUERY: readonly (readonly [string, readonly string[]])[] = [
  ['limit', ['0', '1', '-1', '1e9', 'x', '999999999999999999999']],
  ['continue', ['x', 'e30', 'eyJ2IjoxfQ', '%00', '%ff']],
  ['resourceVersion', ['0', '1', '-1', 'x', '999999999999']],
  ['resourceVersionMatch', ['Exact', 'NotOlderThan', 'x']],
  ['labelSelector', ['a', '!a', 'a=b', 'a in (b,c)', 'a in (', ',', 'a>1', 'a notin ()', '=', 'a==', 'a,a,a']],
  ['fieldSelector', ['metadata.name=a', 'a=b', '=', '\\', 'metadata.name!=a,', 'spec.size=3', '__proto__=1']],
  ['dryRun', ['All', 'x', '']],
  ['fieldManager', ['m', '', '\u0000', 'm'.repeat(200)]],
  ['fieldValidation', ['Strict', 'Warn', 'Ignore', 'x']],
  ['force', ['true', 'x']],
  ['propagationPolicy', ['Foreground', 'Background', 'Orphan', 'x']],
  ['gracePeriodSeconds', ['0', '-1', 'x', '99999999999']],
  ['orphanDependents', ['true', 'x']],
  ['includeObject', ['None', 'Metadata', 'Object', 'x']],
  ['pretty', ['true']],
  ['timeoutSeconds', ['0', '1', '-1', 'x']],
  ['sendInitialEvents', ['true', 'x']],
  ['allowWatchBookmarks', ['true']],
];

const TYPES = [
  'application/json',
  'application/yaml',
  'application/merge-patch+json',
  'application/json-patch+json',
  'application/strategic-merge-patch+json',
  'application/apply-patch+yaml',
  'application/vnd.kubernetes.protobuf',
  'text/plain',
  ';;;',
  '',
];

const ACCEPTS = [
  'application/json',
  'application/yaml',
  'application/json;as=Table;v=v1;g=meta.k8s.io',
  'application/vnd.kubernetes.protobuf',
  'application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io',
  'application/json;as=PartialObjectMetadataList;v=v1beta1;g=meta.k8s.io',
  'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList',
  '*/*',
  'x',
  ';q=',
  'application/json;q=nonsense',
];

const PATHS = [
  '/',
  '/api',
  '/apis',
  '/api/v1',
  '/apis/apps',
  '/apis/conformance.bmp.dev/v1',
  '/openapi/v2',
  '/openapi/v3',
  '/version',
  '/healthz',
  '/openapi/v3/apis/conformance.bmp.dev/v1',
  '//',
  '/%',
  '/api/v1/namespaces/%2e%2e/secrets',
  '/apis/__proto__/v1/constructor',
  '/api/v1/watch/namespaces?timeoutSeconds=1',
  '/api/v1/namespaces/default/finalize',
  '/snapshot',
];

const SUBRESOURCES = ['status', 'scale', 'finalize', 'token', 'x', '__proto__', 'status/x'];

export class Shots {
  readonly #random: () => number;

  /** @param random numbers in [0, 1) */
  constructor(random: () => number) {
    this.#random = random;
  }

  next(): Shot {
    const target = this.#pick(KINDS);
    const method = this.#pick([
      'GET',
      'POST',
      'POST',
      'PUT',
      'PUT',
      'PATCH',
      'PATCH',
      'PATCH',
      'DELETE',
      'GET',
      'POST',
      'PUT',
      'PATCH',
      'HEAD',
      'QUERY',
    ]);
    const headers = { Accept: this.#chance(0.8) ? 'application/json' : this.#pick(ACCEPTS) };
    const place = this.#path(target.path, method);
    const path = place.includes('?') ? place : place + this.#query(method);
    if (method === 'GET' || method === 'HEAD') return { method, path, headers, body: '' };
    if (method === 'PATCH') return { method, path, ...this.#patch(target.object, headers) };
    const type = this.#chance(0.9) ? 'application/json' : this.#pick(TYPES);
    const options = { kind: 'DeleteOptions', apiVersion: 'v1', preconditions: { uid: 'x' }, gracePeriodSeconds: 1 };
    const value = this.#mutate(method === 'DELETE' ? options : target.object);
    return { method, path, headers: { ...headers, 'Content-Type': type }, body: this.#text(value) };
  }

  #chance(share: number): boolean {
    return this.#random() < share;
  }

  /** A copy: what is made of it may be changed. */
  #nasty(): Value {
    return structuredClone(this.#pick(NASTY));
  }

  #below(count: number): number {
    return Math.floor(this.#random() * count);
  }

  #pick<T>(items: readonly T[]): T {
    return items[this.#below(items.length)]!;
  }

  #path(collection: string, method: string): string {
    if (this.#chance(0.06)) return this.#pick(PATHS);
    const named = method !== 'POST' && this.#chance(0.9);
    const name = this.#chance(0.9)
      ? 'fuzz'
      : encodeURIComponent(String(this.#pick(['x', '..', '%', '\u0000', 'A', '__proto__'])));
    const below = named && this.#chance(0.2) ? `/${this.#pick(SUBRESOURCES)}` : '';
    return named ? `${collection}/${name}${below}` : collection;
  }

  #query(method: string): string {
    const count = this.#chance(0.6) ? 0 : 1 + this.#below(3);
    const pairs = Array.from({ length: count }, () => {
      const [name, values] = this.#pick(QUERY);
      const value = this.#pick(values);
      return `${name}=${value.startsWith('%') ? value : encodeURIComponent(value)}`;
    });
    // Most applies say who applies.
    if (method === 'PATCH' && this.#chance(0.8)) pairs.push('fieldManager=fuzz');
    // A watch must end by itself.
    if (method === 'GET' && this.#chance(0.05))
      return `?watch=1&timeoutSeconds=1${pairs.map((pair) => `&${pair}`).join('')}`;
    return pairs.length > 0 ? `?${pairs.join('&')}` : '';
  }

  #patch(object: Value, accept: { readonly [name: string]: string }): Pick<Shot, 'headers' | 'body'> {
    const type = this.#pick(TYPES.slice(2, 6));
    const headers = { ...accept, 'Content-Type': this.#chance(0.95) ? type : this.#pick(TYPES) };
    if (type !== 'application/json-patch+json') return { headers, body: this.#text(this.#mutate(object)) };
    const operations = Array.from({ length: 1 + this.#below(5) }, () => ({
      op: this.#pick(['add', 'remove', 'replace', 'move', 'copy', 'test', 'x']),
      path: this.#pointer(object),
      from: this.#pointer(object),
      value: this.#nasty(),
    }));
    return { headers, body: this.#text(this.#chance(0.8) ? operations : this.#mutate(operations as unknown as Value)) };
  }

  /** A path into the value, mostly one that is there. */
  #pointer(root: Value): string {
    let [value, path]: [Value, string] = [root, ''];
    while (typeof value === 'object' && value !== null && this.#chance(0.8)) {
      const keys = Object.keys(value);
      const key =
        keys.length > 0 && this.#chance(0.9) ? this.#pick(keys) : this.#pick([...NAMES, '-', '0', '01', '-1', '~']);
      path += `/${key}`;
      value = (value as { [key: string]: Value })[key] ?? null;
    }
    return path;
  }

  /** A copy with a few changes anywhere in it. */
  #mutate(root: Value): Value {
    const copy = structuredClone(root);
    for (let count = this.#chance(0.2) ? 0 : 1 + this.#below(3); count > 0; count--) this.#change(copy);
    return this.#chance(0.02) ? this.#nasty() : copy;
  }

  #change(root: Value): void {
    let holder = root as { [key: string]: Value };
    for (;;) {
      const inner = Object.values(holder).filter((value) => typeof value === 'object' && value !== null);
      if (inner.length === 0 || this.#chance(0.3)) break;
      holder = this.#pick(inner) as { [key: string]: Value };
    }
    const keys = Object.keys(holder);
    const key = keys.length > 0 && this.#chance(0.7) ? this.#pick(keys) : this.#pick(NAMES);
    if (Array.isArray(holder)) {
      if (this.#chance(0.3)) holder.length = 0;
      else holder.push(this.#chance(0.5) && holder.length > 0 ? structuredClone(this.#pick(holder)) : this.#nasty());
    } else if (this.#chance(0.2)) delete holder[key];
    else if (this.#chance(0.1)) holder[key] = { a: structuredClone(root) };
    else holder[key] = this.#chance(0.2) ? [this.#nasty(), this.#nasty()] : this.#nasty();
  }

  /** As JSON, now and then damaged. */
  #text(value: Value): string {
    const bytes = Buffer.from(JSON.stringify(value)).toString('latin1');
    if (!this.#chance(0.06)) return bytes;
    const at = this.#below(bytes.length);
    return this.#pick([
      bytes.slice(0, at),
      bytes.slice(0, at) + String.fromCharCode(this.#below(256)) + bytes.slice(at + 1),
      bytes.slice(0, at) + bytes.slice(at).repeat(2),
      `${bytes}${bytes}`,
      `k8s\u0000${bytes}`,
    ]);
  }
}
