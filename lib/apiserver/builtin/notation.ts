// A short notation for the schemas of built-in kinds: descriptions first, so that a definition reads as documentation.
import type { Json } from '../json.ts';
import { OBJECT_META } from '../resources/metadata.ts';
import type { Schema } from '../schema/schema.ts';

type Properties = { [name: string]: Schema };

export const string = (description: string): Schema => ({ type: 'string', description });
export const boolean = (description: string): Schema => ({ type: 'boolean', description });
export const int32 = (description: string): Schema => ({ type: 'integer', format: 'int32', description });
export const int64 = (description: string): Schema => ({ type: 'integer', format: 'int64', description });
export const time = (description: string): Schema => ({
  type: 'string',
  format: 'date-time',
  nullable: true,
  description,
});
export const bytes = (description: string): Schema => ({ type: 'string', format: 'byte', description });
export const oneOf = (description: string, ...values: string[]): Schema => ({
  type: 'string',
  description,
  enum: values,
});
export const quantity = (description: string): Schema => ({
  'x-kubernetes-int-or-string': true,
  description,
});

export const object = (description: string, properties: Properties, ...required: string[]): Schema => ({
  type: 'object',
  description,
  ...(required.length > 0 ? { required } : {}),
  properties,
});
export const free = (description: string): Schema => ({
  type: 'object',
  description,
  'x-kubernetes-preserve-unknown-fields': true,
});
export const map = (description: string, values: Schema): Schema => ({
  type: 'object',
  description,
  additionalProperties: values,
});
export const strings = (description: string): Schema => map(description, { type: 'string' });

/** A list owned and replaced as a whole. */
export const list = (description: string, items: Schema): Schema => ({
  type: 'array',
  description,
  items,
  'x-kubernetes-list-type': 'atomic',
});
/** A list of unique scalars. */
export const set = (description: string, items: Schema): Schema => ({
  type: 'array',
  description,
  items,
  'x-kubernetes-list-type': 'set',
  'x-kubernetes-patch-strategy': 'merge',
});
/** A list whose items are told apart by a key. */
export const listBy = (key: string, description: string, items: Schema): Schema => ({
  type: 'array',
  description,
  items,
  'x-kubernetes-list-type': 'map',
  'x-kubernetes-list-map-keys': [key],
  'x-kubernetes-patch-strategy': 'merge',
  'x-kubernetes-patch-merge-key': key,
});
export const atomic = (schema: Schema): Schema => ({ ...schema, 'x-kubernetes-map-type': 'atomic' });
export const withDefault = (schema: Schema, value: Json): Schema => ({ ...schema, default: value });

/** A whole kind: apiVersion, kind and metadata come with it. */
export const kind = (description: string, properties: Properties, ...required: string[]): Schema => ({
  type: 'object',
  description,
  ...(required.length > 0 ? { required } : {}),
  properties: {
    apiVersion: string('Version of the schema that the object is written in.'),
    kind: string('Kind of the object.'),
    metadata: { ...OBJECT_META, description: "Standard object's metadata." },
    ...properties,
  },
});

/** meta/v1 Condition. */
export const conditions = (description: string): Schema =>
  listBy(
    'type',
    description,
    object(
      'One aspect of the state.',
      {
        type: string('Which aspect.'),
        status: string('True, False or Unknown.'),
        observedGeneration: int64('The generation that this was found at.'),
        lastTransitionTime: time('When the status last changed.'),
        reason: string('Why, as one word for machines.'),
        message: string('Why, for people.'),
      },
      'type',
      'status',
    ),
  );

export const objectReference = (description: string): Schema =>
  atomic(
    object(description, {
      apiVersion: string('API version of the object.'),
      fieldPath: string('The part of the object that is meant.'),
      kind: string('Kind of the object.'),
      name: string('Name of the object.'),
      namespace: string('Namespace of the object.'),
      resourceVersion: string('The version that is meant.'),
      uid: string('UID of the object.'),
    }),
  );

export const labelSelector = (description: string): Schema =>
  atomic(
    object(description, {
      matchExpressions: list(
        'Requirements, all of which must hold.',
        object(
          'A requirement on one label.',
          {
            key: string('The label.'),
            operator: string('In, NotIn, Exists or DoesNotExist.'),
            values: list('The values to compare with.', { type: 'string' }),
          },
          'key',
          'operator',
        ),
      ),
      matchLabels: strings('Labels and the values that they must have.'),
    }),
  );
