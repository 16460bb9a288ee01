// What a request asks for, read from its method, path and query; no state, nothing looked up.
import { badRequest, methodNotAllowed } from '../status.ts';

export type Verb = 'get' | 'list' | 'watch' | 'create' | 'update' | 'patch' | 'delete' | 'deletecollection';

/** A request for a resource, as kube-apiserver's RequestInfo. Empty strings mean absent. */
export interface ResourceRequest {
  readonly verb: Verb;
  readonly group: string;
  readonly version: string;
  readonly namespace: string;
  readonly resource: string;
  readonly name: string;
  readonly subresource: string;
}

const WITH_NAME = new Map<string, Verb>([
  ['GET', 'get'],
  ['HEAD', 'get'],
  ['PUT', 'update'],
  ['PATCH', 'patch'],
  ['DELETE', 'delete'],
]);
const WITHOUT_NAME = new Map<string, Verb>([
  ['GET', 'list'],
  ['HEAD', 'list'],
  ['POST', 'create'],
  ['DELETE', 'deletecollection'],
]);
/** What follows a namespace's name and belongs to the namespace itself. */
const NAMESPACE_SUBRESOURCES = new Set(['status', 'finalize']);

/** Decoded path segments. @throws ApiError 400 for a broken percent encoding. */
export function segments(path: string): string[] {
  try {
    const parts = path.split('/').filter(Boolean);
    return path.includes('%') ? parts.map(decodeURIComponent) : parts;
  } catch (error) {
    if (error instanceof URIError) throw badRequest(`malformed path ${path}`);
    throw error;
  }
}

/**
 * Reads /api/v1/… and /apis/GROUP/VERSION/… below the version.
 * @returns undefined for a path that is not a resource's.
 */
export function parseResourceRequest(
  method: string,
  path: string,
  query: URLSearchParams,
): ResourceRequest | undefined {
  const parts = segments(path);
  const group = parts[0] === 'apis' ? parts[1] : '';
  const version = parts[0] === 'apis' ? parts[2] : parts[1];
  let rest = parts.slice(parts[0] === 'apis' ? 3 : 2);
  if (group === undefined || !version || rest.length === 0 || (parts[0] !== 'apis' && parts[0] !== 'api'))
    return undefined;
  // The old form of a watch: /watch before the resource.
  const oldWatch = rest[0] === 'watch' && rest.length > 1;
  if (oldWatch) rest = rest.slice(1);
  let namespace = '';
  if (rest[0] === 'namespaces' && rest[1] !== undefined) {
    namespace = rest[1];
    if (rest[2] !== undefined && !NAMESPACE_SUBRESOURCES.has(rest[2])) rest = rest.slice(2);
  }
  // Nothing is deeper than a subresource: what is gets the answer of one that is not there.
  const [resource, name = '', ...deeper] = rest;
  const subresource = deeper.join('/');
  if (!resource) return undefined;
  // A create under a name is how custom resources may be posted, and subresources always.
  let verb =
    (method === 'POST' ? 'create' : undefined) ??
    (name ? WITH_NAME : WITHOUT_NAME).get(method) ??
    WITH_NAME.get(method);
  if (verb === undefined) throw methodNotAllowed();
  const watching = oldWatch || isTrue(query.get('watch'));
  if (watching && (verb === 'list' || (verb === 'get' && oldWatch))) verb = 'watch';
  return { verb, group, version, namespace, resource, name, subresource };
}

/** A query flag as Go's strconv reads it: present with no value, "1" or "true" mean true. */
export function isTrue(value: string | null): boolean {
  return value !== null && value !== '0' && value.toLowerCase() !== 'false';
}
