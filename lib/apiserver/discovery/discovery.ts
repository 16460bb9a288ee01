// Which groups, versions and resources there are: the legacy documents per group version, and the aggregated one.
import { createHash } from 'node:crypto';
import type { Json, JsonObject } from '../json.ts';
import type { GroupVersion, Registry, Served } from '../resources/registry.ts';
import { apiVersionOf } from '../resources/resource.ts';

const VERBS = ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch'];
const CUSTOM_VERBS = ['delete', 'deletecollection', 'get', 'list', 'patch', 'create', 'update', 'watch'];
const SUBRESOURCE_VERBS = ['get', 'patch', 'update'];

interface Subresource {
  readonly name: string;
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  readonly verbs: readonly string[];
}

function subresources({ resource, version }: Served): Subresource[] {
  const own = { group: resource.group, version: version.name, kind: resource.kind, verbs: SUBRESOURCE_VERBS };
  return [
    ...(resource.collection === 'namespaces' ? [{ ...own, name: 'finalize', verbs: ['update'] }] : []),
    ...(version.status ? [{ ...own, name: 'status' }] : []),
    ...(resource.collection === 'serviceaccounts'
      ? [{ name: 'token', group: 'authentication.k8s.io', version: 'v1', kind: 'TokenRequest', verbs: ['create'] }]
      : []),
    ...(version.scale
      ? [{ name: 'scale', group: 'autoscaling', version: 'v1', kind: 'Scale', verbs: SUBRESOURCE_VERBS }]
      : []),
  ];
}

/** GET /api */
export function coreVersions(address: string): JsonObject {
  return {
    kind: 'APIVersions',
    versions: ['v1'],
    serverAddressByClientCIDRs: [{ clientCIDR: '0.0.0.0/0', serverAddress: address }],
  };
}

/** GET /apis/GROUP; undefined when there is no such group. */
export function groupDocument(registry: Registry, group: string): JsonObject | undefined {
  const versions = registry.versions(group).map(({ version }) => ({ groupVersion: `${group}/${version}`, version }));
  if (versions.length === 0) return undefined;
  return { kind: 'APIGroup', apiVersion: 'v1', name: group, versions, preferredVersion: versions[0]! };
}

/** GET /apis */
export function groupList(registry: Registry): JsonObject {
  const groups = registry
    .groups()
    .filter(Boolean)
    .flatMap((group): JsonObject[] => {
      const found = groupDocument(registry, group);
      return found ? [found] : [];
    });
  return {
    kind: 'APIGroupList',
    apiVersion: 'v1',
    groups: groups.map(({ name, versions, preferredVersion }) => ({ name, versions, preferredVersion })),
  };
}

/** GET /api/v1 and /apis/GROUP/VERSION; undefined when there is no such version. */
export function resourceList(registry: Registry, group: string, version: string): JsonObject | undefined {
  const found = registry.versions(group).find((item) => item.version === version);
  if (!found) return undefined;
  const resources = found.resources.flatMap((served): JsonObject[] => [
    legacyResource(served),
    ...subresources(served).map((subresource) => ({
      name: `${served.resource.plural}/${subresource.name}`,
      singularName: '',
      namespaced: served.resource.namespaced,
      ...(subresource.group === served.resource.group
        ? {}
        : { group: subresource.group, version: subresource.version }),
      kind: subresource.kind,
      verbs: [...subresource.verbs],
    })),
  ]);
  return { kind: 'APIResourceList', apiVersion: 'v1', groupVersion: apiVersionOf(group, version), resources };
}

function verbsOf({ resource }: Served): string[] {
  if (resource.review) return ['create'];
  if (resource.collection === 'namespaces') return VERBS.filter((verb) => verb !== 'deletecollection');
  return [...(resource.custom ? CUSTOM_VERBS : VERBS)];
}

function names({ resource }: Served): JsonObject {
  return {
    ...(resource.shortNames.length > 0 ? { shortNames: [...resource.shortNames] } : {}),
    ...(resource.categories.length > 0 ? { categories: [...resource.categories] } : {}),
  };
}

/** By which clients see that objects are stored in another version: as kube-apiserver makes it. */
function storageVersionHash(resource: Served['resource']): string {
  const text = `${resource.group}/${resource.storage.name}/${resource.kind}`;
  return createHash('sha256').update(text).digest().subarray(0, 8).toString('base64');
}

function legacyResource(served: Served): JsonObject {
  const { resource } = served;
  return {
    name: resource.plural,
    singularName: resource.singular,
    namespaced: resource.namespaced,
    kind: resource.kind,
    verbs: verbsOf(served),
    ...names(served),
    storageVersionHash: storageVersionHash(resource),
  };
}

/** One document of everything: apidiscovery.k8s.io APIGroupDiscoveryList, of /api (core) or /apis. */
export function aggregated(registry: Registry, core: boolean, version: string): JsonObject {
  const groups = registry.groups().filter((group) => (group === '') === core);
  return {
    kind: 'APIGroupDiscoveryList',
    apiVersion: `apidiscovery.k8s.io/${version}`,
    metadata: {},
    items: groups.map((group) => ({
      metadata: group ? { name: group, creationTimestamp: null } : { creationTimestamp: null },
      versions: registry.versions(group).map(aggregatedVersion),
    })),
  };
}

function aggregatedVersion({ version, resources }: GroupVersion): JsonObject {
  const kindOf = (group: string, ofVersion: string, kind: string): Json => ({ group, version: ofVersion, kind });
  return {
    version,
    freshness: 'Current',
    resources: resources.map((served) => {
      const { resource } = served;
      const below = subresources(served).map((subresource) => ({
        subresource: subresource.name,
        responseKind: kindOf(subresource.group, subresource.version, subresource.kind),
        verbs: [...subresource.verbs],
      }));
      return {
        resource: resource.plural,
        responseKind: kindOf(resource.group, version, resource.kind),
        scope: resource.namespaced ? 'Namespaced' : 'Cluster',
        singularResource: resource.singular,
        verbs: verbsOf(served),
        ...names(served),
        ...(below.length > 0 ? { subresources: below } : {}),
      };
    }),
  };
}
