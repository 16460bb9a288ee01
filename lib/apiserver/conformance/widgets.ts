// The custom resources that cases are about: a namespaced one with all that a schema can say, and a cluster-scoped one in two
// versions.
import type { JsonObject } from '../json.ts';
import { RULED_SCHEMA } from './ruled.ts';

export const CONFORMANCE_GROUP = 'conformance.bmp.dev';
export const WIDGETS = `/apis/${CONFORMANCE_GROUP}/v1/namespaces/{ns}/widgets`;
export const ALL_WIDGETS = `/apis/${CONFORMANCE_GROUP}/v1/widgets`;
export const GADGETS = `/apis/${CONFORMANCE_GROUP}/v1/gadgets`;
export const GADGETS_BETA = `/apis/${CONFORMANCE_GROUP}/v1beta1/gadgets`;

const text = { type: 'string' };
const integer = { type: 'integer' };

export const WIDGET_SPEC: JsonObject = {
  type: 'object',
  properties: {
    power: { type: 'string', enum: ['On', 'Off'] },
    size: { type: 'integer', minimum: 1, maximum: 10 },
    ratio: { type: 'number', minimum: 0, exclusiveMinimum: true },
    step: { type: 'integer', multipleOf: 5 },
    small: { type: 'integer', format: 'int32' },
    name: { type: 'string', minLength: 2, maxLength: 5, pattern: '^[a-z]+$' },
    enabled: { type: 'boolean' },
    at: { type: 'string', format: 'date-time' },
    address: { type: 'string', format: 'ipv4' },
    maybe: { type: 'string', nullable: true },
    port: { 'x-kubernetes-int-or-string': true },
    mode: { type: 'string', default: 'fast' },
    nested: {
      type: 'object',
      required: ['key'],
      properties: { key: text, depth: { type: 'integer', default: 1 } },
    },
    tags: { type: 'array', items: text, 'x-kubernetes-list-type': 'set' },
    steps: { type: 'array', items: integer, minItems: 1, maxItems: 3 },
    disks: {
      type: 'array',
      'x-kubernetes-list-type': 'map',
      'x-kubernetes-list-map-keys': ['name'],
      items: {
        type: 'object',
        required: ['name'],
        properties: { name: text, size: integer, kind: { type: 'string', default: 'ssd' } },
      },
    },
    labels: { type: 'object', additionalProperties: text, maxProperties: 3 },
    limits: { type: 'object', additionalProperties: integer, minProperties: 1 },
    atom: { type: 'object', 'x-kubernetes-map-type': 'atomic', properties: { a: text, b: text } },
    free: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true, properties: { known: integer } },
    either: {
      type: 'object',
      properties: { a: text, b: text },
      oneOf: [{ required: ['a'] }, { required: ['b'] }],
    },
    any: { type: 'object', properties: { a: text, b: text }, anyOf: [{ required: ['a'] }, { required: ['b'] }] },
    both: { type: 'object', properties: { a: text, b: text }, allOf: [{ required: ['a'] }, { required: ['b'] }] },
    except: { type: 'object', properties: { a: text, b: text }, not: { required: ['a', 'b'] } },
    replicas: { type: 'integer', minimum: 0 },
  },
};

const widgetSchema: JsonObject = {
  type: 'object',
  description: 'A thing to try the API on.',
  properties: {
    spec: WIDGET_SPEC,
    status: {
      type: 'object',
      properties: {
        phase: text,
        replicas: integer,
        selector: text,
        note: { type: 'string', maxLength: 8 },
      },
    },
  },
};

/** A definition of the conformance group. */
export function definition(names: { plural: string; kind: string; scope: string }, versions: JsonObject[]): JsonObject {
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${names.plural}.${CONFORMANCE_GROUP}` },
    spec: {
      group: CONFORMANCE_GROUP,
      scope: names.scope,
      names: {
        kind: names.kind,
        listKind: `${names.kind}List`,
        plural: names.plural,
        singular: names.kind.toLowerCase(),
      },
      versions,
    },
  };
}

const widgets = definition({ plural: 'widgets', kind: 'Widget', scope: 'Namespaced' }, [
  {
    name: 'v1',
    served: true,
    storage: true,
    schema: { openAPIV3Schema: widgetSchema },
    subresources: {
      status: {},
      scale: {
        specReplicasPath: '.spec.replicas',
        statusReplicasPath: '.status.replicas',
        labelSelectorPath: '.status.selector',
      },
    },
    selectableFields: [{ jsonPath: '.spec.power' }, { jsonPath: '.spec.size' }],
    additionalPrinterColumns: [
      { name: 'Power', type: 'string', jsonPath: '.spec.power', description: 'Whether it is on.' },
      { name: 'Size', type: 'integer', jsonPath: '.spec.size', format: 'int32' },
      { name: 'Ratio', type: 'number', jsonPath: '.spec.ratio' },
      { name: 'Enabled', type: 'boolean', jsonPath: '.spec.enabled' },
      { name: 'First', type: 'string', jsonPath: '.spec.disks[0].name' },
      { name: 'Root', type: 'integer', jsonPath: '.spec.disks[?(@.name=="root")].size' },
      { name: 'Tags', type: 'string', jsonPath: '.spec.tags', priority: 1 },
      { name: 'At', type: 'date', jsonPath: '.spec.at', priority: 1 },
    ],
  },
]);
Object.assign((widgets['spec'] as JsonObject)['names'] as JsonObject, { shortNames: ['wd'], categories: ['things'] });

const gadgetSchema = (properties: JsonObject): JsonObject => ({
  type: 'object',
  properties: { spec: { type: 'object', properties } },
});

const gadgets = definition({ plural: 'gadgets', kind: 'Gadget', scope: 'Cluster' }, [
  {
    name: 'v1beta1',
    served: true,
    storage: false,
    deprecated: true,
    schema: { openAPIV3Schema: gadgetSchema({ a: text, old: text }) },
  },
  {
    name: 'v1',
    served: true,
    storage: true,
    schema: { openAPIV3Schema: gadgetSchema({ a: text, b: { type: 'string', default: 'x' } }) },
  },
]);

const ruleds = definition({ plural: 'ruleds', kind: 'Ruled', scope: 'Namespaced' }, [
  { name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: RULED_SCHEMA } },
]);

export const DEFINITIONS: readonly JsonObject[] = [widgets, gadgets, ruleds];
