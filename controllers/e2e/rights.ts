// What the operator may ask of the API server: the RBAC rules that manifests/ installs, held against each request that it
// makes. A request without a right fails as it would in a cluster, and a right without a request is told.
import { readFileSync } from 'node:fs';
import { loadAll } from 'js-yaml';
import { OPERATOR_NAMESPACE } from '../../lib/api/names.ts';
import { GROUP } from '../../lib/api/resources.ts';
import { ApiError, isForbidden } from '../../lib/kube/errors.ts';
import type { Exchange, Transport } from '../../lib/kube/transport.ts';

/** What RBAC judges a request by. */
export interface Attributes {
  readonly verb: string;
  readonly group: string;
  /** With its subresource: `devices/status`. */
  readonly resource: string;
  readonly namespace?: string | undefined;
  readonly name?: string | undefined;
}

/** One verb on one resource, everywhere or in one namespace, on all objects or on those named. */
interface Grant {
  readonly verb: string;
  readonly group: string;
  readonly resource: string;
  readonly namespace: string | undefined;
  readonly names: readonly string[] | undefined;
}

interface Rule {
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly verbs: readonly string[];
  readonly resourceNames?: readonly string[];
}
interface Manifest {
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly rules?: readonly Rule[];
  readonly roleRef?: { readonly kind: string; readonly name: string };
}

const RULES = new URL('../../manifests/base/rbac.yaml', import.meta.url).pathname;

/** The grants of every role that a binding gives away; those of the namespace first, so that they count before general ones. */
export function readGrants(yaml = readFileSync(RULES, 'utf8')): Grant[] {
  const manifests = loadAll(yaml) as Manifest[];
  const grants = manifests.flatMap(({ kind, roleRef }) => {
    const role = roleRef && manifests.find((one) => one.kind === roleRef.kind && one.metadata.name === roleRef.name);
    const namespace = kind === 'RoleBinding' ? OPERATOR_NAMESPACE : undefined;
    return (role?.rules ?? []).flatMap((rule) => grantsOf(rule, namespace));
  });
  return grants.sort((a, b) => Number(b.namespace !== undefined) - Number(a.namespace !== undefined));
}

function grantsOf({ apiGroups, resources, verbs, resourceNames }: Rule, namespace: string | undefined): Grant[] {
  return apiGroups.flatMap((group) =>
    resources.flatMap((resource) => verbs.map((verb) => ({ verb, group, resource, namespace, names: resourceNames }))),
  );
}

const VERBS = { POST: 'create', PUT: 'update', PATCH: 'patch', DELETE: 'delete' } as const;
/** group, namespace, resource, name, subresource: the paths of Kubernetes' API conventions. */
const PATH =
  /^\/(?:api|apis\/(?<group>[^/]+))\/[^/]+(?:\/namespaces\/(?<namespace>[^/]+))?\/(?<resource>[^/]+)(?:\/(?<name>[^/]+))?(?:\/(?<subresource>[^/]+))?$/;

/** As the API server's RequestInfo tells them. @throws on a path that names no resource */
export function attributesOf({ method, path }: Pick<Exchange, 'method' | 'path'>): Attributes {
  const url = new URL(path, 'http://server');
  const parts = PATH.exec(url.pathname)?.groups;
  if (!parts) throw new Error(`${method} ${path}: no path of a resource`);
  const { group = '', namespace, resource, subresource } = parts;
  const read = parts.name !== undefined ? 'get' : url.searchParams.get('watch') === 'true' ? 'watch' : 'list';
  const selected = /^metadata\.name=([^,]+)$/.exec(url.searchParams.get('fieldSelector') ?? '')?.[1];
  return {
    verb: method === 'GET' ? read : VERBS[method],
    group,
    resource: subresource ? `${resource}/${subresource}` : resource!,
    namespace,
    name: parts.name ?? selected,
  };
}

/** Rights that a request needs beside its own: who holds up another object's deletion must be let to (OwnerReferencesPermissionEnforcement). */
function implied({ method, body }: Exchange): Attributes[] {
  if (method === 'GET' || method === 'DELETE') return [];
  const { metadata } = (body ?? {}) as { metadata?: { ownerReferences?: readonly Owner[] } };
  return (metadata?.ownerReferences ?? [])
    .filter(({ blockOwnerDeletion }) => blockOwnerDeletion)
    .map(({ apiVersion, kind, name }) => ({
      verb: 'update',
      group: apiVersion.includes('/') ? apiVersion.split('/', 1)[0]! : '',
      resource: `${kind.toLowerCase()}s/finalizers`,
      name,
    }));
}
interface Owner {
  readonly apiVersion: string;
  readonly kind: string;
  readonly name: string;
  readonly blockOwnerDeletion?: boolean;
}

const covers = (grant: Grant, asked: Attributes): boolean =>
  grant.verb === asked.verb &&
  grant.group === asked.group &&
  grant.resource === asked.resource &&
  (grant.namespace === undefined || grant.namespace === asked.namespace) &&
  (grant.names === undefined || (asked.name !== undefined && grant.names.includes(asked.name)));

const told = ({ verb, group, resource, namespace }: Grant | Attributes): string =>
  `${verb} ${resource}${group && `.${group}`}${namespace ? ` in ${namespace}` : ''}`;

/** Rights, and which of them were used. */
export class Rights {
  readonly #grants: readonly Grant[];
  readonly #used = new Set<Grant>();
  readonly #refused = new Set<string>();

  constructor(grants = readGrants()) {
    this.#grants = grants;
  }

  /** Notes the right that lets the request pass. @throws ApiError 403 as the API server words it, where there is none */
  require(exchange: Exchange): void {
    for (const asked of [attributesOf(exchange), ...implied(exchange)]) {
      const grant = this.#grants.find((one) => covers(one, asked));
      if (!grant) throw this.refusal(new ApiError(403, 'Forbidden', `the operator has no right to ${told(asked)}`));
      this.#used.add(grant);
      // Where the server refuses to send what is there on a watch, it is listed.
      if (asked.verb === 'watch' && exchange.path.includes('sendInitialEvents=true')) {
        for (const one of this.#grants) if (covers(one, { ...asked, verb: 'list' })) this.#used.add(one);
      }
    }
  }

  /** Notes an error if it is one of a missing right, the server's too; gives it back. */
  refusal(error: unknown): unknown {
    if (isForbidden(error) && / no right to | cannot \w+ resource /.test(error.message))
      this.#refused.add(error.message);
    return error;
  }

  /** What was asked for in vain. */
  refused(): string[] {
    return [...this.#refused];
  }

  /** Rights on what the server has that nothing has asked for, such as `delete devices.bmp.dev`. */
  unused(servedGroups: ReadonlySet<string>): string[] {
    return this.#grants.filter((grant) => servedGroups.has(grant.group) && !this.#used.has(grant)).map(told);
  }
}

/** The same way to the server, for requests that `rights` allow. */
export function guarded(transport: Transport, rights: Rights): Transport {
  return {
    async call(exchange) {
      rights.require(exchange);
      try {
        return await transport.call(exchange);
      } catch (error) {
        throw rights.refusal(error);
      }
    },
    async *stream(exchange) {
      rights.require(exchange);
      try {
        yield* transport.stream(exchange);
      } catch (error) {
        throw rights.refusal(error);
      }
    },
    close: () => transport.close(),
  };
}

/** The same, but of the first write of each kind to each kind of ours, and to events, the answer is lost after it took hold. */
export function losingFirstAnswers(transport: Transport): Transport {
  const lost = new Set<string>();
  return {
    ...transport,
    async call(exchange) {
      const answer = await transport.call(exchange);
      const { verb, group, resource } = attributesOf(exchange);
      const kind = `${verb} ${resource}`;
      const spared = exchange.method === 'GET' || (group !== GROUP && resource !== 'events');
      if (spared || lost.has(kind)) return answer;
      lost.add(kind);
      throw new ApiError(0, 'Unreachable', `${kind}: the answer was lost on purpose`);
    },
  };
}
