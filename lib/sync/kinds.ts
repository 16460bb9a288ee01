// The kinds that are synced, in the order in which they come: what others refer to first. They go the other way round.
import * as resources from '../api/resources.ts';
import { apiVersionOf, type KubeObject, type Resource } from '../kube/resource.ts';
import { isRecord } from './manifest.ts';

/** A schema as a CRD holds it (apiextensions.k8s.io/v1 JSONSchemaProps). */
export interface Schema {
  readonly [keyword: string]: unknown;
}

export interface Kind {
  readonly resource: Resource;
  /** Each wave is applied before the next one. */
  readonly wave: number;
  /** False where the deletion would take along what others have made: the objects of a namespace or of a definition. */
  readonly isPruned: boolean;
  /** Of the whole object. */
  readonly schema: Schema;
}

export const CONFIG_MAPS: Resource = {
  group: '',
  version: 'v1',
  plural: 'configmaps',
  kind: 'ConfigMap',
  namespaced: true,
};

const WAVES: readonly (readonly Resource[])[] = [
  [resources.NAMESPACES],
  [resources.CUSTOM_RESOURCE_DEFINITIONS],
  [resources.SECRETS, CONFIG_MAPS],
  [resources.SITES, resources.DEVICE_TYPES, resources.IMAGES],
  [resources.DEVICES, resources.HOSTS, resources.CAPACITY_QUOTAS],
  [resources.INSTANCES],
  [resources.PLACEMENTS],
];
const KEPT: readonly Resource[] = [resources.NAMESPACES, resources.CUSTOM_RESOURCE_DEFINITIONS];

const TEXTS: Schema = { type: 'object', additionalProperties: { type: 'string' } };
const BASE64S: Schema = {
  type: 'object',
  additionalProperties: { type: 'string', pattern: '^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$' },
};
const OPEN: Schema = { type: 'object', 'x-kubernetes-preserve-unknown-fields': true };
/** What people write of the built-in kinds. */
const BUILT_IN: Readonly<Record<string, Schema>> = {
  Namespace: { type: 'object', properties: { spec: OPEN } },
  CustomResourceDefinition: { type: 'object', required: ['spec'], properties: { spec: OPEN } },
  Secret: {
    type: 'object',
    properties: { type: { type: 'string' }, immutable: { type: 'boolean' }, data: BASE64S, stringData: TEXTS },
  },
  ConfigMap: {
    type: 'object',
    properties: { immutable: { type: 'boolean' }, data: TEXTS, binaryData: BASE64S },
  },
};

interface Definition extends KubeObject {
  readonly spec: {
    readonly group: string;
    readonly names: { readonly kind: string };
    readonly versions: readonly { readonly name: string; readonly schema: { readonly openAPIV3Schema: Schema } }[];
  };
}
const isDefinition = (object: KubeObject): object is Definition => 'spec' in object && isRecord(object.spec);

/** The synced kinds by {@link kindId}, with the schemas that these CRDs give them. */
export function syncedKinds(definitions: readonly KubeObject[]): ReadonlyMap<string, Kind> {
  const schemaOf = ({ group, kind, version }: Resource): Schema => {
    const definition = definitions
      .filter(isDefinition)
      .find(({ spec }) => spec.group === group && spec.names.kind === kind);
    return (
      definition?.spec.versions.find(({ name }) => name === version)?.schema.openAPIV3Schema ?? BUILT_IN[kind] ?? OPEN
    );
  };
  return new Map(
    WAVES.flatMap((wave, index) =>
      wave.map((resource) => [
        kindId({ apiVersion: apiVersionOf(resource), kind: resource.kind }),
        { resource, wave: index, isPruned: !KEPT.includes(resource), schema: schemaOf(resource) },
      ]),
    ),
  );
}

export const kindId = ({ apiVersion, kind }: { apiVersion: string; kind: string }): string => `${apiVersion}/${kind}`;

/** `Device/r1-07`, `Instance/default/web-1`: how people are told of an object. */
export const nameOf = ({ kind, metadata: { namespace, name } }: KubeObject): string =>
  `${kind}/${namespace ? `${namespace}/` : ''}${name}`;
