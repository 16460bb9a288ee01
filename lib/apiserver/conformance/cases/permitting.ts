// RBAC: who may do what, who may say so, and how one asks.
import type { JsonObject } from '../../json.ts';
import { del, get, group, patch, post, put, type Step } from '../case.ts';
import { configMap, MAPS, SECRETS } from './objects.ts';

const RBAC = '/apis/rbac.authorization.k8s.io/v1';
const ROLES = `${RBAC}/namespaces/{ns}/roles`;
const BINDINGS = `${RBAC}/namespaces/{ns}/rolebindings`;
const REVIEWS = '/apis/authorization.k8s.io/v1';
const as = (user: string, groups = ''): { headers: { [name: string]: string } } => ({
  headers: { 'Impersonate-User': user, ...(groups ? { 'Impersonate-Group': groups } : {}) },
});
const joe = as('joe-{id}');
const role = (name: string, rules: JsonObject[]): JsonObject => ({
  apiVersion: 'rbac.authorization.k8s.io/v1',
  kind: 'Role',
  metadata: { name },
  rules,
});
const binding = (name: string, roleName: string, subjects: JsonObject[], kind = 'Role'): JsonObject => ({
  apiVersion: 'rbac.authorization.k8s.io/v1',
  kind: 'RoleBinding',
  metadata: { name },
  roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind, name: roleName },
  subjects,
});
const rule = (resource: string, ...verbs: string[]): JsonObject => ({ apiGroups: [''], resources: [resource], verbs });
const user = (name: string): JsonObject => ({ apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name });
const quiet = { silent: true } as const;
const may = (path: string): Step => get(path, { ...joe, until: { code: 200 }, silent: true });
/** Joe gets rules in the case's namespace; the steps wait until they hold. */
const grant = (rules: JsonObject[], probe: string): Step[] => [
  post(ROLES, role('r', rules), quiet),
  post(BINDINGS, binding('b', 'r', [user('joe-{id}')]), quiet),
  may(probe),
];
const review = (attributes: JsonObject, who = joe): Step =>
  post(
    `${REVIEWS}/selfsubjectaccessreviews`,
    {
      apiVersion: 'authorization.k8s.io/v1',
      kind: 'SelfSubjectAccessReview',
      spec: { resourceAttributes: attributes },
    },
    who,
  );
const bad = (kind: string, spec: JsonObject): Step =>
  post(`${REVIEWS}/${kind.toLowerCase()}s`, { apiVersion: 'authorization.k8s.io/v1', kind, spec });

export const PERMITTING = [
  group('access', 'core', {
    'nothing without a role': [
      get(MAPS, joe),
      get(`${MAPS}/a`, joe),
      post(MAPS, configMap('a'), joe),
      put(`${MAPS}/a`, configMap('a'), joe),
      patch('merge', `${MAPS}/a`, {}, { headers: { ...joe.headers } }),
      del(`${MAPS}/a`, undefined, joe),
      del(MAPS, undefined, joe),
      get(`${MAPS}?watch=1`, joe),
    ],
    'nothing of the cluster': [
      get('/api/v1/nodes', joe),
      get('/api/v1/namespaces/{ns}', joe),
      get('/api/v1/secrets', joe),
    ],
    'nothing of other groups': [get(`${RBAC}/clusterroles/x`, joe), get(ROLES, joe)],
    'a path': [get('/nothing', joe), get('/metrics', joe)],
    discovery: [get('/api/v1', { ...joe, silent: true }), get('/apis/none.example.com', joe)],
    'a token of nobody': [get(MAPS, { headers: { Authorization: 'Bearer nobody' } })],
    'no token': [get(MAPS, { headers: { Authorization: '' } })],
    'a role': [
      ...grant([rule('configmaps', 'get', 'list')], MAPS),
      get(`${MAPS}/none`, joe),
      del(`${MAPS}/none`, undefined, joe),
    ],
    'a role in another namespace only': [
      ...grant([rule('configmaps', 'list')], MAPS),
      get('/api/v1/namespaces/default/configmaps', joe),
    ],
    'a role for one name': [
      post(MAPS, configMap('one'), quiet),
      ...grant([{ ...rule('configmaps', 'get', 'delete'), resourceNames: ['one'] }], `${MAPS}/one`),
      get(`${MAPS}/two`, joe),
      get(MAPS, joe),
    ],
    'a role for everything': [
      ...grant([{ apiGroups: ['*'], resources: ['*'], verbs: ['*'] }], MAPS),
      post(MAPS, configMap('a'), joe),
    ],
    'a role for a subresource only': [
      ...grant([rule('configmaps', 'list'), rule('serviceaccounts/token', 'create')], MAPS),
      get('/api/v1/namespaces/{ns}/serviceaccounts', joe),
    ],
    'a role through a group': [
      post(ROLES, role('r', [rule('configmaps', 'list')]), quiet),
      post(
        BINDINGS,
        binding('b', 'r', [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'Group', name: 'friends-{id}' }]),
        quiet,
      ),
      get(MAPS, { ...as('joe-{id}', 'friends-{id}'), until: { code: 200 }, silent: true }),
      get(SECRETS, as('joe-{id}', 'friends-{id}')),
      get(MAPS, joe),
    ],
    'a binding to no role': [
      post(BINDINGS, binding('b', 'none', [user('joe-{id}')]), quiet),
      get(MAPS, { ...joe, until: { includes: 'not found' } }),
    ],
    'a role taken away': [
      ...grant([rule('configmaps', 'list')], MAPS),
      del(`${BINDINGS}/b`, undefined, quiet),
      get(MAPS, { ...joe, until: { code: 403 } }),
    ],
    'a role that grants more than one has': [
      ...grant(
        [
          rule('configmaps', 'list'),
          { apiGroups: ['rbac.authorization.k8s.io'], resources: ['roles', 'rolebindings'], verbs: ['*'] },
        ],
        MAPS,
      ),
      post(ROLES, role('more', [rule('secrets', 'get', 'list')]), joe),
      post(ROLES, role('same', [rule('configmaps', 'list')]), { ...joe, silent: true }),
      post(BINDINGS, binding('more', 'admin', [user('joe-{id}')], 'ClusterRole'), { ...joe, silent: true }),
      post(BINDINGS, binding('b2', 'r', [user('jim')]), { ...joe, silent: true }),
      post(BINDINGS, binding('b3', 'none', [user('jim')]), joe),
    ],
    'with the right to escalate': [
      ...grant(
        [
          rule('configmaps', 'list'),
          { apiGroups: ['rbac.authorization.k8s.io'], resources: ['roles'], verbs: ['create', 'escalate'] },
        ],
        MAPS,
      ),
      post(ROLES, role('more', [rule('secrets', 'get')]), { ...joe, silent: true }),
      get(`${ROLES}/more`),
    ],
    'asking for oneself': [
      ...grant([rule('configmaps', 'list')], MAPS),
      review({ namespace: '{ns}', verb: 'list', resource: 'configmaps' }),
      review({ namespace: '{ns}', verb: 'create', resource: 'configmaps' }),
      review({ verb: 'list', resource: 'configmaps' }),
      review({ verb: '*', group: '*', resource: '*' }),
    ],
    'asking as the administrator': [review({ verb: '*', group: '*', resource: '*' }, { headers: {} })],
    'asking for a path': [
      post(
        `${REVIEWS}/selfsubjectaccessreviews`,
        {
          apiVersion: 'authorization.k8s.io/v1',
          kind: 'SelfSubjectAccessReview',
          spec: { nonResourceAttributes: { path: '/secret', verb: 'get' } },
        },
        joe,
      ),
    ],
    'asking nothing': [bad('SelfSubjectAccessReview', {})],
    'asking two things': [
      bad('SelfSubjectAccessReview', { resourceAttributes: { verb: 'get' }, nonResourceAttributes: { path: '/' } }),
    ],
    'asking for nobody': [bad('SubjectAccessReview', { resourceAttributes: { verb: 'get', resource: 'pods' } })],
    'asking for somebody': [
      bad('SubjectAccessReview', {
        user: 'jim',
        resourceAttributes: { verb: 'get', resource: 'secrets', namespace: '{ns}' },
      }),
      bad('SubjectAccessReview', {
        user: 'jim',
        groups: ['system:masters'],
        resourceAttributes: { verb: 'get', resource: 'secrets' },
      }),
    ],
    'asking for somebody without the right': [
      post(
        `${REVIEWS}/subjectaccessreviews`,
        {
          apiVersion: 'authorization.k8s.io/v1',
          kind: 'SubjectAccessReview',
          spec: { user: 'jim', resourceAttributes: { verb: 'get', resource: 'secrets' } },
        },
        joe,
      ),
    ],
    'reading a review': [get(`${REVIEWS}/selfsubjectaccessreviews`)],
    'a token of a service account': [
      post(
        '/api/v1/namespaces/{ns}/serviceaccounts',
        { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'bot' } },
        quiet,
      ),
      post(
        '/api/v1/namespaces/{ns}/serviceaccounts/bot/token',
        { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: { expirationSeconds: 700 } },
        { silent: true, save: { token: 'status.token' } },
      ),
      get(MAPS, { headers: { Authorization: 'Bearer $token' } }),
      post(ROLES, role('r', [rule('configmaps', 'list')]), quiet),
      post(BINDINGS, binding('b', 'r', [{ kind: 'ServiceAccount', name: 'bot', namespace: '{ns}' }]), quiet),
      get(MAPS, { headers: { Authorization: 'Bearer $token' }, until: { code: 200 }, silent: true }),
      get(`${MAPS}/none`, { headers: { Authorization: 'Bearer $token' } }),
      del('/api/v1/namespaces/{ns}/serviceaccounts/bot', undefined, quiet),
      get(MAPS, { headers: { Authorization: 'Bearer $token' }, until: { code: 401 } }),
    ],
    'a token that is too short': [
      post(
        '/api/v1/namespaces/{ns}/serviceaccounts',
        { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'bot' } },
        quiet,
      ),
      post('/api/v1/namespaces/{ns}/serviceaccounts/bot/token', {
        apiVersion: 'authentication.k8s.io/v1',
        kind: 'TokenRequest',
        spec: { expirationSeconds: 10, audiences: ['a'] },
      }),
    ],
    'a token of nobody there': [
      post('/api/v1/namespaces/{ns}/serviceaccounts/none/token', {
        apiVersion: 'authentication.k8s.io/v1',
        kind: 'TokenRequest',
        spec: {},
      }),
    ],
    'acting as somebody without the right': [
      ...grant([rule('configmaps', 'list')], MAPS),
      post(
        '/api/v1/namespaces/{ns}/serviceaccounts',
        { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'bot' } },
        quiet,
      ),
      post(
        '/api/v1/namespaces/{ns}/serviceaccounts/bot/token',
        { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: {} },
        { silent: true, save: { token: 'status.token' } },
      ),
      get(MAPS, { headers: { Authorization: 'Bearer $token', 'Impersonate-User': 'admin' } }),
      get(MAPS, { headers: { Authorization: 'Bearer $token', 'Impersonate-User': 'system:serviceaccount:default:x' } }),
    ],
    'acting as a group alone': [get(MAPS, { headers: { 'Impersonate-Group': 'system:masters' } })],
    'acting as somebody with groups and more': [
      post(
        `${REVIEWS}/selfsubjectaccessreviews`,
        {
          apiVersion: 'authorization.k8s.io/v1',
          kind: 'SelfSubjectAccessReview',
          spec: { resourceAttributes: { verb: 'get', resource: 'secrets' } },
        },
        {
          headers: {
            'Impersonate-User': 'jim',
            'Impersonate-Group': 'system:masters',
            'Impersonate-Extra-Reason': 'a%20test',
          },
        },
      ),
    ],
    'acting as more of nobody': [get(MAPS, { headers: { 'Impersonate-Extra-Reason': 'x' } })],
    'acting as a service account': [
      post(ROLES, role('r', [rule('configmaps', 'list')]), quiet),
      post(BINDINGS, binding('b', 'r', [{ kind: 'ServiceAccount', name: 'bot', namespace: '{ns}' }]), quiet),
      get(MAPS, { ...as('system:serviceaccount:{ns}:bot'), until: { code: 200 }, silent: true }),
      get(SECRETS, as('system:serviceaccount:{ns}:bot')),
      get(MAPS, as('system:serviceaccount:{ns}:other')),
    ],
    'a binding to a role that has more than one has': [
      ...grant(
        [
          rule('configmaps', 'list'),
          { apiGroups: ['rbac.authorization.k8s.io'], resources: ['rolebindings'], verbs: ['create', 'update'] },
        ],
        MAPS,
      ),
      post(ROLES, role('more', [rule('secrets', 'get')]), quiet),
      post(BINDINGS, binding('mine', 'more', [user('joe-{id}')]), joe),
      post(BINDINGS, binding('same', 'r', [user('jim-{id}')]), joe),
    ],
    'a binding with the right to bind': [
      ...grant(
        [
          rule('configmaps', 'list'),
          { apiGroups: ['rbac.authorization.k8s.io'], resources: ['rolebindings'], verbs: ['create'] },
          {
            apiGroups: ['rbac.authorization.k8s.io'],
            resources: ['roles'],
            verbs: ['bind'],
            resourceNames: ['more'],
          },
        ],
        MAPS,
      ),
      post(ROLES, role('more', [rule('secrets', 'get')]), quiet),
      post(BINDINGS, binding('mine', 'more', [user('joe-{id}')]), joe),
    ],
    'a role changed to grant more than one has': [
      ...grant(
        [
          rule('configmaps', 'list'),
          { apiGroups: ['rbac.authorization.k8s.io'], resources: ['roles'], verbs: ['update', 'patch'] },
        ],
        MAPS,
      ),
      patch('merge', `${ROLES}/r`, { rules: [rule('secrets', '*')] }, joe),
      patch('merge', `${ROLES}/r`, { metadata: { labels: { a: 'b' } } }, { ...joe, silent: true }),
      get(`${ROLES}/r`),
    ],
    'a token for an audience': [
      post(
        '/api/v1/namespaces/{ns}/serviceaccounts',
        { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'bot' } },
        quiet,
      ),
      post(
        '/api/v1/namespaces/{ns}/serviceaccounts/bot/token',
        {
          apiVersion: 'authentication.k8s.io/v1',
          kind: 'TokenRequest',
          spec: { audiences: ['elsewhere'], expirationSeconds: 700 },
        },
        { silent: true, save: { token: 'status.token' } },
      ),
      get(MAPS, { headers: { Authorization: 'Bearer $token' } }),
    ],
    'a token that ends with a secret': [
      post(
        '/api/v1/namespaces/{ns}/serviceaccounts',
        { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'bot' } },
        quiet,
      ),
      post(SECRETS, { apiVersion: 'v1', kind: 'Secret', metadata: { name: 's' } }, quiet),
      post(
        '/api/v1/namespaces/{ns}/serviceaccounts/bot/token',
        {
          apiVersion: 'authentication.k8s.io/v1',
          kind: 'TokenRequest',
          spec: { expirationSeconds: 700, boundObjectRef: { apiVersion: 'v1', kind: 'Secret', name: 's' } },
        },
        { silent: true, save: { token: 'status.token' } },
      ),
      get(MAPS, { headers: { Authorization: 'Bearer $token' } }),
      del(`${SECRETS}/s`, undefined, quiet),
      get(MAPS, { headers: { Authorization: 'Bearer $token' }, until: { code: 401 } }),
    ],
    'a token bound to nothing there': [
      post(
        '/api/v1/namespaces/{ns}/serviceaccounts',
        { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'bot' } },
        quiet,
      ),
      post('/api/v1/namespaces/{ns}/serviceaccounts/bot/token', {
        apiVersion: 'authentication.k8s.io/v1',
        kind: 'TokenRequest',
        spec: { boundObjectRef: { apiVersion: 'v1', kind: 'Secret', name: 'none' } },
      }),
    ],
    'an aggregated role': [
      post(
        `${RBAC}/clusterroles`,
        {
          apiVersion: 'rbac.authorization.k8s.io/v1',
          kind: 'ClusterRole',
          metadata: { name: '{id}' },
          aggregationRule: { clusterRoleSelectors: [{ matchLabels: { part: '{id}' } }] },
        },
        quiet,
      ),
      post(
        `${RBAC}/clusterroles`,
        {
          apiVersion: 'rbac.authorization.k8s.io/v1',
          kind: 'ClusterRole',
          metadata: { name: '{id}-part', labels: { part: '{id}' } },
          rules: [rule('secrets', 'get')],
        },
        quiet,
      ),
      get(`${RBAC}/clusterroles/{id}`, { until: { includes: '"secrets"' }, silent: true }),
    ],
  }),
];
