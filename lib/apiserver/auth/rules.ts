// Role rules (rbac/v1 PolicyRule): what they allow, and whether some of them cover another. Pure.
import { isObject, type Json } from '../json.ts';

export interface Rule {
  readonly verbs: readonly string[];
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly resourceNames: readonly string[];
  readonly nonResourceURLs: readonly string[];
}

/** What a request wants to do. */
export type Attributes =
  | {
      readonly verb: string;
      readonly group: string;
      readonly resource: string;
      readonly subresource: string;
      readonly namespace: string;
      readonly name: string;
    }
  | { readonly verb: string; readonly path: string };

const texts = (value: Json | undefined): string[] =>
  Array.isArray(value) ? value.filter((item) => typeof item === 'string') : [];

/** The rules of a Role's or ClusterRole's `rules`. */
export function parseRules(value: Json | undefined): Rule[] {
  return (Array.isArray(value) ? value.filter(isObject) : []).map((rule) => ({
    verbs: texts(rule['verbs']),
    apiGroups: texts(rule['apiGroups']),
    resources: texts(rule['resources']),
    resourceNames: texts(rule['resourceNames']),
    nonResourceURLs: texts(rule['nonResourceURLs']),
  }));
}

const has = (list: readonly string[], wanted: string): boolean => list.includes('*') || list.includes(wanted);

// "pods", "pods/log", "*" for all, and "*/scale" for one subresource of everything.
function hasResource(list: readonly string[], resource: string, subresource: string): boolean {
  const full = subresource ? `${resource}/${subresource}` : resource;
  return has(list, full) || (subresource !== '' && list.includes(`*/${subresource}`));
}

function hasPath(list: readonly string[], path: string): boolean {
  return list.some((known) => (known.endsWith('*') ? path.startsWith(known.slice(0, -1)) : known === path));
}

export function allows(rule: Rule, wanted: Attributes): boolean {
  if (!has(rule.verbs, wanted.verb)) return false;
  if ('path' in wanted) return hasPath(rule.nonResourceURLs, wanted.path);
  return (
    has(rule.apiGroups, wanted.group) &&
    hasResource(rule.resources, wanted.resource, wanted.subresource) &&
    (rule.resourceNames.length === 0 || rule.resourceNames.includes(wanted.name))
  );
}

/** A rule split into the smallest pieces: one verb, one resource or path, one name. */
function pieces(rule: Rule): Rule[] {
  const empty = { apiGroups: [], resources: [], resourceNames: [], nonResourceURLs: [] };
  const names = rule.resourceNames.length > 0 ? rule.resourceNames.map((name) => [name]) : [[]];
  const onResources = rule.verbs.flatMap((verb) =>
    rule.apiGroups.flatMap((group) =>
      rule.resources.flatMap((resource) =>
        names.map((resourceNames) => ({
          ...empty,
          verbs: [verb],
          apiGroups: [group],
          resources: [resource],
          resourceNames,
        })),
      ),
    ),
  );
  const onPaths = rule.verbs.flatMap((verb) =>
    rule.nonResourceURLs.map((path) => ({ ...empty, verbs: [verb], nonResourceURLs: [path] })),
  );
  return [...onResources, ...onPaths];
}

function covers(owned: Rule, piece: Rule): boolean {
  const [verb = ''] = piece.verbs;
  if (!has(owned.verbs, verb)) return false;
  const [path] = piece.nonResourceURLs;
  if (path !== undefined) return hasPath(owned.nonResourceURLs, path);
  const [group = ''] = piece.apiGroups;
  const [resource = '', subresource = ''] = (piece.resources[0] ?? '').split('/', 2);
  return (
    has(owned.apiGroups, group) &&
    hasResource(owned.resources, resource, subresource) &&
    (owned.resourceNames.length === 0 || piece.resourceNames.some((name) => owned.resourceNames.includes(name)))
  );
}

/** The pieces of wanted rules that the owned ones do not cover: what would be an escalation to grant. */
export function uncovered(owned: readonly Rule[], wanted: readonly Rule[]): Rule[] {
  return wanted.flatMap(pieces).filter((piece) => !owned.some((rule) => covers(rule, piece)));
}
