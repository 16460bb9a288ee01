// apiextensions.k8s.io/v1 CustomResourceDefinition.

import { validateDefinition } from '../crd/validate.ts';
import { equal, isObject, type Json, type JsonObject, type KubeObject } from '../json.ts';
import type { Resource } from '../resources/resource.ts';
import { CREATED_AT, NAME } from './columns.ts';
import { define } from './define.ts';
import { boolean, conditions, free, int32, kind, list, object, string } from './notation.ts';

export const CRD_CLEANUP = 'customresourcecleanup.apiextensions.k8s.io';

const texts = (description: string) => list(description, { type: 'string' });
const names = object(
  'How the resource is named.',
  {
    categories: texts('Groups of resources that it is listed with, such as "all".'),
    kind: string('Kind of the objects.'),
    listKind: string('Kind of lists of them.'),
    plural: string('Name in paths.'),
    shortNames: texts('Short names for the command line.'),
    singular: string('Name of one, for the command line.'),
  },
  'kind',
  'plural',
);

const column = object(
  'A column of `kubectl get`.',
  {
    description: string('What it shows.'),
    format: string('OpenAPI format of the value.'),
    jsonPath: string('Where the value is.'),
    name: string('Heading.'),
    priority: int32('0: always shown; above: with -o wide.'),
    type: string('OpenAPI type of the value.'),
  },
  'jsonPath',
  'name',
  'type',
);

const version = object(
  'One version of the resource.',
  {
    additionalPrinterColumns: list('Columns of `kubectl get`; the age alone when empty.', column),
    deprecated: boolean('Whether its use is answered with a warning.'),
    deprecationWarning: string('The warning.'),
    name: string('Name in paths, such as v1.'),
    schema: object('How objects are validated, pruned and defaulted.', {
      openAPIV3Schema: free('A structural OpenAPI v3 schema.'),
    }),
    selectableFields: list(
      'Fields for field selectors.',
      object('A field.', { jsonPath: string('Where it is.') }, 'jsonPath'),
    ),
    served: boolean('Whether the version can be used.'),
    storage: boolean('Whether objects are stored in it; true for one version.'),
    subresources: object('Subresources.', {
      scale: object(
        'Lets autoscalers and `kubectl scale` in.',
        {
          labelSelectorPath: string('Where the selector is, as text, in status.'),
          specReplicasPath: string('Where the wanted number is.'),
          statusReplicasPath: string('Where the observed number is.'),
        },
        'specReplicasPath',
        'statusReplicasPath',
      ),
      status: free('Separates status from the rest.'),
    }),
  },
  'name',
  'served',
  'storage',
);

function withDefaults(definition: KubeObject): void {
  const spec = definition['spec'];
  if (!isObject(spec)) return;
  spec['conversion'] ??= { strategy: 'None' };
  const given = spec['names'];
  if (isObject(given)) {
    if (!given['singular'] && typeof given['kind'] === 'string') given['singular'] = given['kind'].toLowerCase();
    if (!given['listKind'] && typeof given['kind'] === 'string') given['listKind'] = `${given['kind']}List`;
  }
  const status = definition['status'];
  if (!isObject(status)) return;
  const stored = status['storedVersions'];
  if (!Array.isArray(stored) || stored.length === 0) status['storedVersions'] = storedVersions(definition);
}

function storedVersions(definition: KubeObject): Json[] {
  const spec = definition['spec'] as JsonObject | undefined;
  const versions = Array.isArray(spec?.['versions']) ? spec['versions'].filter(isObject) : [];
  return versions.filter((item) => item['storage'] === true).map((item) => item['name'] ?? '');
}

export const APIEXTENSIONS: readonly Resource[] = [
  define({
    group: 'apiextensions.k8s.io',
    plural: 'customresourcedefinitions',
    kind: 'CustomResourceDefinition',
    namespaced: false,
    shortNames: ['crd', 'crds'],
    categories: ['api-extensions'],
    columns: [NAME, CREATED_AT],
    status: true,
    generations: true,
    blank: { spec: { names: {} }, status: { acceptedNames: {} } },
    schema: kind(
      'A kind that users add to the API.',
      {
        spec: object(
          'The kind.',
          {
            conversion: object(
              'How objects change between versions.',
              { strategy: string('None: only apiVersion changes.'), webhook: free('Not supported by this server.') },
              'strategy',
            ),
            group: string('API group.'),
            names,
            preserveUnknownFields: boolean('Always false.'),
            scope: string('Namespaced or Cluster.'),
            versions: list('Versions of the resource.', version),
          },
          'group',
          'names',
          'scope',
          'versions',
        ),
        status: object('What the server made of it.', {
          acceptedNames: names,
          conditions: conditions('NamesAccepted, Established and others.'),
          storedVersions: texts('Versions that objects may be stored in.'),
          observedGeneration: {
            type: 'integer',
            format: 'int64',
            description: 'The generation that the status is about.',
          },
        }),
      },
      'spec',
    ),
    behaviour: {
      defaults: withDefaults,
      prepare: (definition, old) => {
        if (old) {
          const status = isObject(definition['status']) ? definition['status'] : {};
          const stored = Array.isArray(status['storedVersions']) ? status['storedVersions'] : [];
          const unchanged = stored.length > 0 && equal(old['spec'] ?? null, definition['spec'] ?? null);
          const missing = unchanged ? [] : storedVersions(definition).filter((name) => !stored.includes(name));
          definition['status'] = { ...status, storedVersions: [...stored, ...missing] };
        } else {
          definition['status'] = {
            acceptedNames: { kind: '', plural: '' },
            conditions: null,
            storedVersions: storedVersions(definition),
          };
        }
      },
      validate: validateDefinition,
      // The objects go first.
      onDelete: (definition, now) => {
        const finalizers = definition.metadata.finalizers ?? [];
        if (!finalizers.includes(CRD_CLEANUP)) definition.metadata.finalizers = [...finalizers, CRD_CLEANUP];
        const status = isObject(definition['status']) ? definition['status'] : {};
        const conditions = Array.isArray(status['conditions']) ? status['conditions'] : [];
        if (conditions.some((condition) => isObject(condition) && condition['type'] === 'Terminating')) return;
        const terminating = {
          lastTransitionTime: now,
          message: 'CustomResourceDefinition marked for deletion; CustomResource deletion will begin soon',
          reason: 'InstanceDeletionPending',
          status: 'True',
          type: 'Terminating',
        };
        definition['status'] = { ...status, conditions: [...conditions, terminating] };
      },
    },
  }),
];
