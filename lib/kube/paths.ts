// URLs of the Kubernetes API: where a kind, an object and a subresource are served.
import { ApiError } from './errors.ts';
import { apiVersionOf, type ObjectName, type Resource } from './resource.ts';

export type Query = Record<string, string | number | boolean | undefined>;

/** The path of a kind, in one namespace or in all of them. */
export function collectionPath(resource: Resource, namespace: string | undefined): string {
  const base = `${resource.group === '' ? '/api' : '/apis'}/${apiVersionOf(resource)}`;
  const scope = resource.namespaced && namespace ? `/namespaces/${segment(namespace, 'namespace')}` : '';
  return `${base}${scope}/${resource.plural}`;
}

/** The path of one object. Throws when the name, or the namespace of a namespaced kind, is missing: that is a collection's. */
export function objectPath(resource: Resource, { name, namespace }: ObjectName, subresource?: string): string {
  if (resource.namespaced && !namespace) throw badRequest(`${resource.kind} ${name}: a namespace is needed`);
  return `${collectionPath(resource, namespace)}/${segment(name, 'name')}${subresource ? `/${subresource}` : ''}`;
}

/** The path with those of the parameters that have a value. */
export function withQuery(path: string, query: Query): string {
  const parameters = new URLSearchParams();
  for (const [key, value] of Object.entries(query)) if (value !== undefined) parameters.set(key, String(value));
  const text = parameters.toString();
  return text === '' ? path : `${path}?${text}`;
}

function segment(value: string, what: string): string {
  if (!value || value === '.' || value === '..' || value.includes('/') || value.includes('%')) {
    throw badRequest(`${what} ${JSON.stringify(value)} cannot be part of a path`);
  }
  return encodeURIComponent(value);
}

const badRequest = (message: string) => new ApiError(400, 'BadRequest', message);
