// Validation of whole objects before they are stored: metadata, schema, list types, rules, and what the kind itself demands.
import { at, equal, isObject, type Json, type JsonObject, type KubeObject } from '../json.ts';
import { finalizerWarnings, validateMetadata } from '../resources/metadata.ts';
import type { ScalePaths } from '../resources/resource.ts';
import { validateRules } from '../schema/cel.ts';
import { validateListTypes } from '../schema/lists.ts';
import type { Schema } from '../schema/schema.ts';
import { validate } from '../schema/validate.ts';
import { type FieldError, fieldError, invalid } from '../status.ts';
import type { Call } from './call.ts';

/** @throws ApiError 422 with everything that is wrong */
export function validateObject(call: Call, object: KubeObject, live: KubeObject | undefined): void {
  const { resource } = call;
  const errors = [
    ...validateMetadata(object, live, resource),
    ...(resource.custom ? validateCustom(call, object, live) : (resource.behaviour.validate?.(object, live) ?? [])),
  ];
  if (errors.length > 0) {
    throw invalid({ group: resource.group, kind: resource.kind }, object.metadata.name ?? '', errors);
  }
  if (resource.custom) call.warnings.push(...finalizerWarnings(object.metadata, live?.metadata));
}

/** Errors after which rules cannot be relied on to evaluate. */
const BLOCKING = new Set([
  'FieldValueNotSupported',
  'FieldValueRequired',
  'FieldValueTooLong',
  'FieldValueTooMany',
  'FieldValueTypeInvalid',
]);

const NOT_CHECKED =
  'some validation rules were not checked because the object was invalid; correct the existing errors to complete validation';

/** A part of an object that is validated on its own. */
interface Part {
  readonly value: Json | undefined;
  readonly schema: Schema;
  readonly path: string;
}

const withoutMetadata = new WeakMap<Schema, Schema>();

/** The schema of whole objects, whose metadata is checked for all kinds alike. */
function bodySchema(schema: Schema): Schema {
  let body = withoutMetadata.get(schema);
  if (!body) {
    const { metadata: _known, ...properties } = schema.properties ?? {};
    body = { ...schema, properties };
    withoutMetadata.set(schema, body);
  }
  return body;
}

/** The whole object without its metadata; through the status subresource, status alone. */
function partOf(call: Call, object: KubeObject): Part {
  const { schema } = call.version;
  if (call.request.subresource === 'status') {
    return { value: object['status'], schema: schema.properties?.['status'] ?? {}, path: 'status' };
  }
  return { value: object, schema: bodySchema(schema), path: '' };
}

function validateCustom(call: Call, object: KubeObject, live: KubeObject | undefined): FieldError[] {
  const { version } = call;
  const part = partOf(call, object);
  const errors = part.value === undefined ? [] : below(part.path, validate(part.value, part.schema, ''));
  const fresh = live ? errors.filter((error) => !unchanged(error, object, live)) : errors;
  if (version.scale) fresh.push(...validateScale(object, version.scale));
  const lists = validateListTypes(object, version.schema, '');
  // Lists that were wrong before stay so until somebody puts them right.
  const wereWrong = lists.length > 0 && live !== undefined && validateListTypes(live, version.schema, '').length > 0;
  if (!wereWrong) fresh.push(...lists);
  if (!version.rules) return fresh;
  if (fresh.some((error) => BLOCKING.has(error.type)))
    return [...fresh, fieldError.invalid('<nil>', null, NOT_CHECKED)];
  const { errors: refused, tolerated } = validateRules(
    seenByRules(object),
    live && seenByRules(live),
    version.schema,
    '',
  );
  call.warnings.push(...tolerated.map(({ field, detail }) => `${field}: ${detail}`));
  return [...fresh, ...refused];
}

/** Of metadata, rules see the name alone. */
function seenByRules({ metadata, ...rest }: KubeObject): JsonObject {
  const { name, generateName } = metadata;
  return { ...rest, metadata: { ...(name ? { name } : {}), ...(generateName ? { generateName } : {}) } };
}

/** Errors of a part, with their places in the whole; the texts keep naming them within the part. */
function below(path: string, errors: readonly FieldError[]): FieldError[] {
  if (path === '') return [...errors];
  const inside = (place: string) => (place === '' ? path : place.startsWith('<') ? place : `${path}.${place}`);
  return errors.map((error) => ({ ...error, field: inside(error.field), at: inside(error.at ?? error.field) }));
}

/** Ratcheting: what was wrong before and has not changed does not stand in the way of other changes. */
function unchanged(error: FieldError, object: KubeObject, live: KubeObject): boolean {
  const keys = (error.at ?? error.field).split(/[.[\]]+/).filter(Boolean);
  const follow = (root: Json | undefined): Json | undefined =>
    keys.reduce<Json | undefined>(
      (value, key) => (Array.isArray(value) ? value[Number(key)] : isObject(value) ? value[key] : undefined),
      root,
    );
  const now = follow(object);
  return keys.length > 0 && now !== undefined && equal(now, follow(live));
}

const INT32 = 2 ** 31 - 1;

function validateScale(object: KubeObject, paths: ScalePaths): FieldError[] {
  const errors: FieldError[] = [];
  for (const keys of [paths.specReplicas, paths.statusReplicas]) {
    const path = `.${keys.join('.')}`;
    const value = at(object, keys);
    const holder = at(object, keys.slice(0, -1));
    if (holder !== undefined && !isObject(holder)) {
      const why = `accessor error: ${goValue(holder)} is of the type ${goType(holder)}, expected map[string]interface{}`;
      errors.push(fieldError.invalid(path, 0, `${path} ${why}`));
    } else if (value !== undefined && !Number.isInteger(value)) {
      const why = `accessor error: ${goValue(value)} is of the type ${goType(value)}, expected int64`;
      errors.push(fieldError.invalid(path, 0, `${path} ${why}`));
    } else if (Number(value ?? 0) < 0) {
      errors.push(fieldError.invalid(path, value, 'should be a non-negative integer'));
    } else if (Number(value ?? 0) > INT32) {
      errors.push(fieldError.invalid(path, value, `should be less than or equal to ${INT32}`));
    }
  }
  return errors;
}

function goType(value: Json): string {
  if (value === null) return '<nil>';
  if (Array.isArray(value)) return '[]interface {}';
  if (typeof value === 'number') return Number.isInteger(value) ? 'int64' : 'float64';
  return typeof value === 'boolean' ? 'bool' : typeof value === 'object' ? 'map[string]interface {}' : 'string';
}

function goValue(value: Json): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}
