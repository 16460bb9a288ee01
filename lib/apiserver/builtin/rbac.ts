// rbac.authorization.k8s.io/v1: roles and who has them.
import { asText, equal, isObject, type Json, type KubeObject } from '../json.ts';
import { pathSegment } from '../resources/names.ts';
import type { Resource } from '../resources/resource.ts';
import { type FieldError, fieldError } from '../status.ts';
import { AGE, CREATED_AT, column, NAME } from './columns.ts';
import { define } from './define.ts';
import { atomic, kind, labelSelector, list, object, string } from './notation.ts';

export const RBAC_GROUP = 'rbac.authorization.k8s.io';

const texts = (description: string) => list(description, { type: 'string' });
const rules = list(
  'What is allowed.',
  object(
    'Verbs on resources, or on paths that are no resources.',
    {
      apiGroups: texts('API groups of the resources; "*" for all.'),
      nonResourceURLs: texts('Paths, "*" as their last part standing for anything.'),
      resourceNames: texts('Names that the rule is limited to.'),
      resources: texts('Resources, "resource/subresource", or "*".'),
      verbs: texts('Verbs, or "*".'),
    },
    'verbs',
  ),
);
const roleRef = atomic(
  object(
    'The role that is given.',
    {
      apiGroup: string('API group of the role.'),
      kind: string('Role or ClusterRole.'),
      name: string('Name of the role.'),
    },
    'apiGroup',
    'kind',
    'name',
  ),
);
const subjects = list(
  'Who gets the role.',
  atomic(
    object(
      'A user, group or service account.',
      {
        apiGroup: string('API group of the subject; empty for service accounts.'),
        kind: string('User, Group or ServiceAccount.'),
        name: string('Name of the subject.'),
        namespace: string('Namespace of a service account.'),
      },
      'kind',
      'name',
    ),
  ),
);
const aggregation = object('Roles whose rules are joined into this one.', {
  clusterRoleSelectors: list('Any of these selects a role.', labelSelector('Labels of the role.')),
});

function roleName(binding: KubeObject): string {
  const ref = binding['roleRef'];
  return isObject(ref) ? `${asText(ref['kind'])}/${asText(ref['name'])}` : '';
}

function subjectsOf(wanted: string): (binding: KubeObject) => string {
  return (binding) => {
    const all = Array.isArray(binding['subjects']) ? binding['subjects'].filter(isObject) : [];
    return all
      .filter((subject) => subject['kind'] === wanted)
      .map((subject) =>
        wanted === 'ServiceAccount'
          ? `${asText(subject['namespace'])}/${asText(subject['name'])}`
          : asText(subject['name']),
      )
      .join(', ');
  };
}

const bindingColumns = [
  NAME,
  column('Role', roleName),
  AGE,
  column('Users', subjectsOf('User'), { wide: true }),
  column('Groups', subjectsOf('Group'), { wide: true }),
  column('ServiceAccounts', subjectsOf('ServiceAccount'), { wide: true }),
];

function defaultBinding(binding: KubeObject): void {
  const ref = binding['roleRef'];
  if (isObject(ref) && !ref['apiGroup']) ref['apiGroup'] = RBAC_GROUP;
  for (const subject of Array.isArray(binding['subjects']) ? binding['subjects'] : []) {
    if (!isObject(subject) || subject['apiGroup'] !== undefined) continue;
    if (subject['kind'] === 'User' || subject['kind'] === 'Group') subject['apiGroup'] = RBAC_GROUP;
  }
}

function validateBinding(binding: KubeObject, old: KubeObject | undefined): FieldError[] {
  const errors: FieldError[] = [];
  const ref: { [key: string]: Json | undefined } = isObject(binding['roleRef']) ? binding['roleRef'] : {};
  const kinds = binding.kind === 'RoleBinding' ? ['Role', 'ClusterRole'] : ['ClusterRole'];
  if (ref['apiGroup'] !== RBAC_GROUP)
    errors.push(fieldError.notSupported('roleRef.apiGroup', ref['apiGroup'], [RBAC_GROUP]));
  if (!kinds.includes(asText(ref['kind']))) errors.push(fieldError.notSupported('roleRef.kind', ref['kind'], kinds));
  if (!ref['name']) errors.push(fieldError.required('roleRef.name'));
  if (old && !equal(old['roleRef'], binding['roleRef'])) {
    errors.push(fieldError.invalid('roleRef', binding['roleRef'], 'cannot change roleRef'));
  }
  const all = Array.isArray(binding['subjects']) ? binding['subjects'] : [];
  all.forEach((subject, index) => {
    if (!isObject(subject)) return;
    const path = `subjects[${index}]`;
    if (!subject['name']) errors.push(fieldError.required(`${path}.name`));
    const known = ['ServiceAccount', 'User', 'Group'];
    if (!known.includes(asText(subject['kind'])))
      errors.push(fieldError.notSupported(`${path}.kind`, subject['kind'], known));
    if (subject['kind'] === 'ServiceAccount' && !subject['namespace'])
      errors.push(fieldError.required(`${path}.namespace`));
  });
  return errors;
}

function validateRole(role: KubeObject): FieldError[] {
  const all = Array.isArray(role['rules']) ? role['rules'] : [];
  return all.flatMap((rule, index) => {
    const filled = (name: string) => isObject(rule) && Array.isArray(rule[name]) && rule[name].length > 0;
    const path = `rules[${index}]`;
    const errors: FieldError[] = [];
    if (!filled('verbs')) errors.push(fieldError.required(`${path}.verbs`, 'verbs must contain at least one value'));
    if (filled('nonResourceURLs')) {
      if (role.kind === 'Role') {
        const urls = isObject(rule) ? rule['nonResourceURLs'] : null;
        errors.push(
          fieldError.invalid(`${path}.nonResourceURLs`, urls, 'namespaced rules cannot apply to non-resource URLs'),
        );
      }
      return errors;
    }
    if (!filled('apiGroups'))
      errors.push(fieldError.required(`${path}.apiGroups`, 'resource rules must supply at least one api group'));
    if (!filled('resources'))
      errors.push(fieldError.required(`${path}.resources`, 'resource rules must supply at least one resource'));
    return errors;
  });
}

const role = { validateName: pathSegment, createOnUpdate: true, validate: validateRole };
const binding = {
  validateName: pathSegment,
  createOnUpdate: true,
  defaults: defaultBinding,
  validate: validateBinding,
};

export const RBAC: readonly Resource[] = [
  define({
    group: RBAC_GROUP,
    plural: 'clusterrolebindings',
    kind: 'ClusterRoleBinding',
    namespaced: false,
    columns: bindingColumns,
    schema: kind('Gives a cluster role to subjects, everywhere.', { roleRef, subjects }, 'roleRef'),
    behaviour: binding,
  }),
  define({
    group: RBAC_GROUP,
    plural: 'clusterroles',
    kind: 'ClusterRole',
    namespaced: false,
    columns: [NAME, CREATED_AT],
    schema: kind('Rules for the cluster, or for any namespace.', { aggregationRule: aggregation, rules }),
    behaviour: role,
  }),
  define({
    group: RBAC_GROUP,
    plural: 'rolebindings',
    kind: 'RoleBinding',
    namespaced: true,
    columns: bindingColumns,
    schema: kind('Gives a role to subjects, in its namespace.', { roleRef, subjects }, 'roleRef'),
    behaviour: binding,
  }),
  define({
    group: RBAC_GROUP,
    plural: 'roles',
    kind: 'Role',
    namespaced: true,
    columns: [NAME, CREATED_AT],
    schema: kind('Rules for one namespace.', { rules }),
    behaviour: role,
  }),
];
