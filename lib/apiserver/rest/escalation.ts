// Nobody may grant what they do not have: roles are limited to the writer's own rules, and bindings to roles so limited, unless
// the writer may "escalate" or "bind" (rbac escalation checks).
import type { Attributes, Rule } from '../auth/rules.ts';
import { parseRules, uncovered } from '../auth/rules.ts';
import { asText, equal, isObject, type KubeObject } from '../json.ts';
import { groupResource } from '../resources/resource.ts';
import { forbidden, notFound } from '../status.ts';
import type { Call } from './call.ts';

const GROUP = 'rbac.authorization.k8s.io';
const ROLES = new Set(['Role', 'ClusterRole']);

/** @throws ApiError 403 for a role or binding that would grant more than the writer has; 404 for a binding to no role */
export function checkEscalation(call: Call, object: KubeObject, live: KubeObject | undefined): void {
  if (call.resource.group !== GROUP) return;
  const { authorizer } = call.cluster;
  const namespace = call.request.namespace;
  const may = (verb: string, plural: string, name: string): boolean => {
    const wanted: Attributes = { verb, group: GROUP, resource: plural, subresource: '', namespace, name };
    return authorizer.decide(call.user, wanted).allowed;
  };
  const name = object.metadata.name ?? '';
  if (ROLES.has(object.kind)) {
    if (equal(object['rules'], live?.['rules']) || may('escalate', call.resource.plural, name)) return;
    refuse(call, name, parseRules(object['rules']));
    return;
  }
  const reference = isObject(object['roleRef']) ? object['roleRef'] : {};
  if (live && equal(object['subjects'], live['subjects'])) return;
  const roleName = asText(reference['name']);
  const plural = reference['kind'] === 'Role' ? 'roles' : 'clusterroles';
  if (may('bind', plural, roleName)) return;
  const rules = authorizer.rulesOfRole(reference, namespace);
  if (!rules) throw notFound({ group: GROUP, resource: plural }, roleName);
  refuse(call, name, rules);
}

function refuse(call: Call, name: string, wanted: readonly Rule[]): void {
  const owned = call.cluster.authorizer.rules(call.user, call.request.namespace);
  const more = uncovered(owned, wanted);
  if (more.length === 0) return;
  const { user } = call;
  const groups = user.groups.map((group) => JSON.stringify(group)).join(' ');
  const list = more.map(describe).join('\n');
  const why = `user ${JSON.stringify(user.name)} (groups=[${groups}]) is attempting to grant RBAC permissions not currently held:\n${list}`;
  throw forbidden(groupResource(call.resource), name, why);
}

function describe(rule: Rule): string {
  const part = (title: string, values: readonly string[]) =>
    values.length > 0 ? [`${title}:[${values.map((value) => JSON.stringify(value)).join(' ')}]`] : [];
  const parts = [
    ...part('APIGroups', rule.apiGroups),
    ...part('Resources', rule.resources),
    ...part('ResourceNames', rule.resourceNames),
    ...part('NonResourceURLs', rule.nonResourceURLs),
    ...part('Verbs', rule.verbs),
  ];
  return `{${parts.join(', ')}}`;
}
