// What every cluster has from the start: namespaces that clients expect, and the roles that RBAC begins with.
import { randomUUID } from 'node:crypto';
import { type JsonObject, type KubeObject, timestamp } from './json.ts';
import type { Cluster } from './rest/call.ts';

const NAMESPACES = ['default', 'kube-system', 'kube-public', 'kube-node-lease'];
const RBAC = 'rbac.authorization.k8s.io';
const ALL = ['*'];

const DISCOVERY = [
  '/api',
  '/api/*',
  '/apis',
  '/apis/*',
  '/healthz',
  '/livez',
  '/openapi',
  '/openapi/*',
  '/readyz',
  '/version',
  '/version/',
];
const READ = ['get', 'list', 'watch'];
const WRITE = ['create', 'delete', 'deletecollection', 'patch', 'update'];
const NAMESPACED = ['configmaps', 'events', 'resourcequotas', 'serviceaccounts'];

interface RoleDefinition {
  readonly name: string;
  readonly rules: JsonObject[];
  /** Groups that have it everywhere. */
  readonly groups?: readonly string[];
  /** The role that this one is joined into. */
  readonly joins?: string;
  /** The role that others join. */
  readonly joined?: boolean;
}

const joining = (role: string): string => `${RBAC}/aggregate-to-${role}`;

/** kube-apiserver's own roles, as far as there is something here that they are about. */
const ROLES: readonly RoleDefinition[] = [
  {
    name: 'cluster-admin',
    groups: ['system:masters'],
    rules: [
      { apiGroups: ALL, resources: ALL, verbs: ALL },
      { nonResourceURLs: ALL, verbs: ALL },
    ],
  },
  {
    name: 'system:discovery',
    groups: ['system:authenticated'],
    rules: [{ nonResourceURLs: DISCOVERY, verbs: ['get', 'head'] }],
  },
  {
    name: 'system:basic-user',
    groups: ['system:authenticated'],
    rules: [
      {
        apiGroups: ['authorization.k8s.io'],
        resources: ['selfsubjectaccessreviews', 'selfsubjectrulesreviews'],
        verbs: ['create'],
      },
      { apiGroups: ['authentication.k8s.io'], resources: ['selfsubjectreviews'], verbs: ['create'] },
    ],
  },
  { name: 'admin', joined: true, rules: [] },
  { name: 'edit', joined: true, rules: [] },
  { name: 'view', joined: true, rules: [] },
  {
    name: 'system:aggregate-to-admin',
    joins: 'admin',
    rules: [
      { apiGroups: ['authorization.k8s.io'], resources: ['localsubjectaccessreviews'], verbs: ['create'] },
      { apiGroups: [RBAC], resources: ['rolebindings', 'roles'], verbs: [...READ, ...WRITE] },
    ],
  },
  {
    name: 'system:aggregate-to-edit',
    joins: 'edit',
    rules: [
      { apiGroups: [''], resources: ['secrets'], verbs: READ },
      { apiGroups: [''], resources: ['configmaps', 'events', 'secrets', 'serviceaccounts'], verbs: WRITE },
      { apiGroups: [''], resources: ['serviceaccounts/token'], verbs: ['create'] },
      { apiGroups: ['coordination.k8s.io'], resources: ['leases'], verbs: [...READ, ...WRITE] },
    ],
  },
  {
    name: 'system:aggregate-to-view',
    joins: 'view',
    rules: [
      { apiGroups: [''], resources: [...NAMESPACED, 'namespaces', 'resourcequotas/status'], verbs: READ },
      { apiGroups: ['coordination.k8s.io'], resources: ['leases'], verbs: READ },
    ],
  },
];

/** admin contains edit, which contains view. */
const CONTAINS: { readonly [role: string]: readonly string[] } = {
  admin: ['admin', 'edit', 'view'],
  edit: ['edit', 'view'],
  view: ['view'],
};

function namespaceObject(name: string): KubeObject {
  return {
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: { name, labels: { 'kubernetes.io/metadata.name': name } },
    spec: { finalizers: ['kubernetes'] },
    status: { phase: 'Active' },
  };
}

const LABELS = { 'kubernetes.io/bootstrapping': 'rbac-defaults' };

function roleObject({ name, rules, joins, joined }: RoleDefinition): KubeObject {
  const containing = Object.entries(CONTAINS).filter(([, parts]) => joins && parts.includes(joins));
  const labels = Object.fromEntries(containing.map(([role]) => [joining(role), 'true']));
  const selectors = [{ matchLabels: { [joining(name)]: 'true' } }];
  return {
    apiVersion: `${RBAC}/v1`,
    kind: 'ClusterRole',
    metadata: { name, labels: { ...LABELS, ...labels } },
    ...(joined ? { aggregationRule: { clusterRoleSelectors: selectors } } : {}),
    rules,
  };
}

function bindingObject({ name, groups = [] }: RoleDefinition): KubeObject {
  return {
    apiVersion: `${RBAC}/v1`,
    kind: 'ClusterRoleBinding',
    metadata: { name, labels: { ...LABELS } },
    roleRef: { apiGroup: RBAC, kind: 'ClusterRole', name },
    subjects: groups.map((group) => ({ apiGroup: RBAC, kind: 'Group', name: group })),
  };
}

/** Creates what is missing. */
export async function bootstrap({ store, now }: Cluster): Promise<void> {
  const wanted = [
    ...NAMESPACES.map((name) => ({ collection: 'namespaces', object: namespaceObject(name) })),
    ...ROLES.map((role) => ({ collection: `clusterroles.${RBAC}`, object: roleObject(role) })),
    ...ROLES.filter(({ groups }) => groups).map((role) => ({
      collection: `clusterrolebindings.${RBAC}`,
      object: bindingObject(role),
    })),
  ];
  const missing = wanted.filter(({ collection, object }) => !store.latest(collection, object.metadata.name!));
  await Promise.all(
    missing.map(({ collection, object }) => {
      Object.assign(object.metadata, { uid: randomUUID(), creationTimestamp: timestamp(now()) });
      return store.put(collection, object.metadata.name!, object);
    }),
  );
}
