// ObjectMeta: its schema, and its validation on creation and update (apimachinery api/validation/objectmeta.go).
import { equal, type KubeObject, type Metadata } from '../json.ts';
import type { Schema } from '../schema/schema.ts';
import { type FieldError, fieldError } from '../status.ts';
import { labelValue, qualifiedName } from './names.ts';
import type { Resource } from './resource.ts';

const string = (description: string): Schema => ({ type: 'string', description });
const time = (description: string): Schema => ({ type: 'string', format: 'date-time', description, nullable: true });
const strings = (description: string): Schema => ({
  type: 'object',
  description,
  additionalProperties: { type: 'string' },
});

export const OWNER_REFERENCE: Schema = {
  type: 'object',
  description: 'An object that this one belongs to: when all of its owners are gone, it is deleted.',
  required: ['apiVersion', 'kind', 'name', 'uid'],
  'x-kubernetes-map-type': 'atomic',
  properties: {
    apiVersion: string('API version of the owner.'),
    blockOwnerDeletion: {
      type: 'boolean',
      description: 'Whether a foreground deletion of the owner waits for this object.',
    },
    controller: { type: 'boolean', description: 'Whether the owner is the controller that manages this object.' },
    kind: string('Kind of the owner.'),
    name: string('Name of the owner.'),
    uid: string('UID of the owner.'),
  },
};

/** meta/v1 ObjectMeta as a structural schema. */
export const OBJECT_META: Schema = {
  type: 'object',
  description: 'Metadata that every persisted object has.',
  properties: {
    annotations: strings('Free-form values for tools; not for selecting.'),
    creationTimestamp: time('When the server created the object. Read-only.'),
    deletionGracePeriodSeconds: {
      type: 'integer',
      format: 'int64',
      description: 'Seconds left to shut down gracefully. Read-only.',
    },
    deletionTimestamp: time('When deletion was asked for; the object goes once its finalizers are gone. Read-only.'),
    finalizers: {
      type: 'array',
      description: 'What must be done before the object may go; each is removed by the one who did it.',
      items: { type: 'string' },
      'x-kubernetes-list-type': 'set',
      'x-kubernetes-patch-strategy': 'merge',
    },
    generateName: string('Prefix from which the server makes a unique name when name is empty.'),
    generation: { type: 'integer', format: 'int64', description: 'Counts changes of the desired state. Read-only.' },
    labels: strings('Values to organise and select objects by.'),
    managedFields: {
      type: 'array',
      description: 'Which manager owns which fields. Written by the server.',
      'x-kubernetes-list-type': 'atomic',
      items: {
        type: 'object',
        properties: {
          apiVersion: string('Version that the fields are named in.'),
          fieldsType: string('Form of fieldsV1; always "FieldsV1".'),
          fieldsV1: {
            type: 'object',
            description: 'The fields, as a tree.',
            'x-kubernetes-preserve-unknown-fields': true,
          },
          manager: string('Who.'),
          operation: string('Apply or Update.'),
          subresource: string('Through which subresource; empty for the object itself.'),
          time: time('When the set of fields last changed.'),
        },
      },
    },
    name: string('Unique among the objects of its kind in its namespace. Cannot change.'),
    namespace: string('The namespace that the object is in. Cannot change.'),
    ownerReferences: {
      type: 'array',
      description: 'The objects that this one belongs to.',
      items: OWNER_REFERENCE,
      'x-kubernetes-list-type': 'map',
      'x-kubernetes-list-map-keys': ['uid'],
      'x-kubernetes-patch-merge-key': 'uid',
      'x-kubernetes-patch-strategy': 'merge',
    },
    resourceVersion: string('Version of the object, opaque, for concurrency control and watches. Read-only.'),
    selfLink: string('No longer used.'),
    uid: string('Unique over time and space. Read-only.'),
  },
};

const ANNOTATIONS_LIMIT = 256 * 1024;

/** What is wrong with an object's metadata. `old` is missing on creation. */
export function validateMetadata(object: KubeObject, old: KubeObject | undefined, resource: Resource): FieldError[] {
  const { metadata } = object;
  return [
    ...validateName(metadata, resource),
    ...validateNamespace(metadata, resource),
    ...validateLabels(metadata),
    ...validateAnnotations(metadata),
    ...validateOwners(metadata),
    ...validateFinalizers(metadata, resource),
    ...(old ? validateUpdate(metadata, old.metadata) : []),
  ];
}

function validateName(metadata: Metadata, resource: Resource): FieldError[] {
  const errors: FieldError[] = [];
  const { name, generateName } = metadata;
  const check = (field: string, value: string, prefix: boolean) => {
    for (const problem of resource.behaviour.validateName(value, prefix)) {
      errors.push(fieldError.invalid(field, value, problem));
    }
  };
  if (generateName) check('metadata.generateName', generateName, true);
  if (!name) errors.push(fieldError.required('metadata.name', 'name or generateName is required'));
  else check('metadata.name', name, false);
  return errors;
}

function validateNamespace(metadata: Metadata, resource: Resource): FieldError[] {
  if (resource.namespaced) return metadata.namespace ? [] : [fieldError.required('metadata.namespace')];
  return metadata.namespace ? [fieldError.forbidden('metadata.namespace', 'not allowed on this type')] : [];
}

function validateLabels(metadata: Metadata): FieldError[] {
  const field = 'metadata.labels';
  return Object.entries(metadata.labels ?? {}).flatMap(([key, value]) => [
    ...qualifiedName(key).map((problem) => fieldError.invalid(field, key, problem)),
    ...labelValue(value).map((problem) => fieldError.invalid(field, value, problem)),
  ]);
}

function validateAnnotations(metadata: Metadata): FieldError[] {
  const field = 'metadata.annotations';
  const entries = Object.entries(metadata.annotations ?? {});
  const errors = entries.flatMap(([key]) =>
    qualifiedName(key.toLowerCase()).map((problem) => fieldError.invalid(field, key, problem)),
  );
  const size = entries.reduce((sum, [key, value]) => sum + Buffer.byteLength(key) + Buffer.byteLength(value), 0);
  if (size > ANNOTATIONS_LIMIT)
    errors.push(fieldError.tooLong(field, `may not be more than ${ANNOTATIONS_LIMIT} bytes`));
  return errors;
}

function validateOwners(metadata: Metadata): FieldError[] {
  const errors: FieldError[] = [];
  const owners = metadata.ownerReferences ?? [];
  for (const owner of owners) {
    const path = 'metadata.ownerReferences';
    const needs = (field: 'apiVersion' | 'kind' | 'name' | 'uid', what: string) => {
      if (!owner[field]) errors.push(fieldError.invalid(`${path}.${field}`, owner[field] ?? '', what));
    };
    needs('apiVersion', 'version must not be empty');
    needs('kind', 'must not be empty');
    needs('name', 'must not be empty');
    needs('uid', 'must not be empty');
  }
  const controllers = owners.filter((owner) => owner.controller);
  if (controllers.length > 1) {
    const [first, second] = controllers;
    errors.push(
      fieldError.invalid(
        'metadata.ownerReferences',
        owners,
        `Only one reference can have Controller set to true. Found "true" in references for ${first!.kind}/${first!.name} and ${second!.kind}/${second!.name}`,
      ),
    );
  }
  return errors;
}

/** Finalizers of the API itself need no domain. */
const STANDARD_FINALIZERS = new Set(['kubernetes', 'orphan', 'foregroundDeletion']);

const isStandalone = (name: string): boolean => !name.includes('/') && !STANDARD_FINALIZERS.has(name);

function validateFinalizers(metadata: Metadata, resource: Resource): FieldError[] {
  const field = 'metadata.finalizers';
  return (metadata.finalizers ?? []).flatMap((name) => [
    ...qualifiedName(name).map((problem) => fieldError.invalid(field, name, problem)),
    // Custom resources only get a warning.
    ...(isStandalone(name) && resource.group === ''
      ? [fieldError.invalid(field, name, 'name is neither a standard finalizer name nor is it fully qualified')]
      : []),
  ]);
}

/** Advice about finalizers that an object did not have before. */
export function finalizerWarnings(metadata: Metadata, old: Metadata | undefined): string[] {
  const added = (metadata.finalizers ?? []).filter((name) => !old?.finalizers?.includes(name));
  return added.filter(isStandalone).map((name) => {
    const better = name.includes('.') ? 'finalizer name including a path (/)' : 'finalizer name';
    const advice = `prefer a domain-qualified ${better} to avoid accidental conflicts with other finalizer writers`;
    return `metadata.finalizers: ${JSON.stringify(name)}: ${advice}`;
  });
}

function validateUpdate(metadata: Metadata, old: Metadata): FieldError[] {
  const errors: FieldError[] = [];
  const immutable = (
    name: 'name' | 'namespace' | 'uid' | 'creationTimestamp' | 'deletionTimestamp' | 'deletionGracePeriodSeconds',
  ) => {
    if (!equal(metadata[name], old[name])) {
      errors.push(fieldError.invalid(`metadata.${name}`, metadata[name], 'field is immutable'));
    }
  };
  for (const name of [
    'name',
    'namespace',
    'uid',
    'creationTimestamp',
    'deletionTimestamp',
    'deletionGracePeriodSeconds',
  ] as const) {
    immutable(name);
  }
  if (old.deletionTimestamp) {
    const added = (metadata.finalizers ?? []).filter((name) => !(old.finalizers ?? []).includes(name));
    if (added.length > 0) {
      const list = added.map((name) => JSON.stringify(name)).join(', ');
      errors.push(
        fieldError.forbidden(
          'metadata.finalizers',
          `no new finalizers can be added if the object is being deleted, found new finalizers []string{${list}}`,
        ),
      );
    }
  }
  if ((metadata.generation ?? 0) < (old.generation ?? 0)) {
    errors.push(fieldError.invalid('metadata.generation', metadata.generation, 'must not be decremented'));
  }
  return errors;
}
