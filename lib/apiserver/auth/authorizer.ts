// RBAC: which rules a user has, by the roles and bindings in the store.
import { asText, isObject, type JsonObject, type KubeObject } from '../json.ts';
import type { Store } from '../store/store.ts';
import { type Attributes, allows, parseRules, type Rule } from './rules.ts';
import { MASTERS, parseServiceAccount, type User } from './user.ts';

const collection = (plural: string): string => `${plural}.rbac.authorization.k8s.io`;

export interface Decision {
  readonly allowed: boolean;
  /** Why it was allowed; what went wrong looking when it was not. */
  readonly reason: string;
}

export class Authorizer {
  readonly #store: Store;

  constructor(store: Store) {
    this.#store = store;
  }

  decide(user: User, wanted: Attributes): Decision {
    if (user.groups.includes(MASTERS)) return { allowed: true, reason: '' };
    const missing: string[] = [];
    const namespace = 'namespace' in wanted ? wanted.namespace : '';
    for (const { binding, rules } of this.#grants(user, namespace, missing)) {
      if (rules.some((rule) => allows(rule, wanted))) return { allowed: true, reason: describe(binding, user) };
    }
    return { allowed: false, reason: missing.length > 0 ? `RBAC: ${missing.join(', ')}` : '' };
  }

  /** All rules that a user has in a namespace, "" for those that hold everywhere. */
  rules(user: User, namespace: string): Rule[] {
    if (user.groups.includes(MASTERS)) {
      const all = ['*'];
      const nothing: string[] = [];
      return [
        { verbs: all, apiGroups: all, resources: all, resourceNames: nothing, nonResourceURLs: nothing },
        { verbs: all, apiGroups: nothing, resources: nothing, resourceNames: nothing, nonResourceURLs: all },
      ];
    }
    return Array.from(this.#grants(user, namespace, []), ({ rules }) => rules).flat();
  }

  /** The rules of the role that a binding refers to; undefined when it is not there. */
  rulesOfRole(reference: JsonObject, namespace: string): Rule[] | undefined {
    const name = asText(reference['name']);
    const role =
      reference['kind'] === 'Role'
        ? this.#store.get(collection('roles'), `${namespace}/${name}`)
        : this.#store.get(collection('clusterroles'), name);
    return role && parseRules(role.object['rules']);
  }

  *#grants(user: User, namespace: string, missing: string[]): Generator<{ binding: KubeObject; rules: Rule[] }> {
    const places = [
      { plural: 'clusterrolebindings', prefix: '' },
      ...(namespace ? [{ plural: 'rolebindings', prefix: `${namespace}/` }] : []),
    ];
    for (const { plural, prefix } of places) {
      for (const { object } of this.#store.list(collection(plural), { prefix })) {
        const subjects = Array.isArray(object['subjects']) ? object['subjects'].filter(isObject) : [];
        if (!subjects.some((subject) => applies(subject, user, namespace))) continue;
        const reference = isObject(object['roleRef']) ? object['roleRef'] : {};
        const rules = this.rulesOfRole(reference, namespace);
        if (rules) yield { binding: object, rules };
        else
          missing.push(
            `${asText(reference['kind']).toLowerCase()}.rbac.authorization.k8s.io ${JSON.stringify(asText(reference['name']))} not found`,
          );
      }
    }
  }
}

function applies(subject: JsonObject, user: User, namespace: string): boolean {
  const name = asText(subject['name']);
  switch (subject['kind']) {
    case 'User':
      return user.name === name;
    case 'Group':
      return user.groups.includes(name);
    default: {
      const account = parseServiceAccount(user.name);
      return account?.name === name && account.namespace === (asText(subject['namespace']) || namespace);
    }
  }
}

function describe(binding: KubeObject, user: User): string {
  const { name = '', namespace } = binding.metadata;
  const reference = isObject(binding['roleRef']) ? binding['roleRef'] : {};
  const kind = namespace ? 'RoleBinding' : 'ClusterRoleBinding';
  const place = namespace ? `${name}/${namespace}` : name;
  const role = `${asText(reference['kind'])} ${JSON.stringify(asText(reference['name']))}`;
  const account = parseServiceAccount(user.name);
  const subjects = Array.isArray(binding['subjects']) ? binding['subjects'].filter(isObject) : [];
  const found = subjects.find((subject) => applies(subject, user, namespace ?? '')) ?? {};
  const to =
    found['kind'] === 'ServiceAccount' && account
      ? `ServiceAccount "${account.name}/${account.namespace}"`
      : `${asText(found['kind'])} ${JSON.stringify(asText(found['name']))}`;
  return `RBAC: allowed by ${kind} ${JSON.stringify(place)} of ${role} to ${to}`;
}

/** The refusal's text: who may not do what, and where. */
export function refusal(user: User, wanted: Attributes, decision: Decision): string {
  const why = decision.reason ? `: ${decision.reason}` : '';
  const who = `User ${JSON.stringify(user.name)} cannot ${wanted.verb}`;
  if ('path' in wanted) return `${who} path ${JSON.stringify(wanted.path)}${why}`;
  const resource = wanted.subresource ? `${wanted.resource}/${wanted.subresource}` : wanted.resource;
  const where = wanted.namespace ? `in the namespace ${JSON.stringify(wanted.namespace)}` : 'at the cluster scope';
  return `${who} resource ${JSON.stringify(resource)} in API group ${JSON.stringify(wanted.group)} ${where}${why}`;
}
