// x-kubernetes-list-type: the items of sets and the keys of maps must be unique.
import { isObject, type Json, type JsonObject } from '../json.ts';
import { type FieldError, fieldError } from '../status.ts';
import { child, propertySchema, type Schema } from './schema.ts';

/** Duplicates in lists of type set and map, anywhere below the value. */
export function validateListTypes(value: Json | undefined, schema: Schema, path: string): FieldError[] {
  const errors: FieldError[] = [];
  visit(value, schema, path, errors);
  return errors;
}

function visit(value: Json | undefined, schema: Schema, path: string, errors: FieldError[]): void {
  if (Array.isArray(value)) {
    const { items } = schema;
    if (schema['x-kubernetes-list-type'] === 'set') refuseRepeated(value, (item) => item, path, errors);
    if (schema['x-kubernetes-list-type'] === 'map') {
      const keys = schema['x-kubernetes-list-map-keys'] ?? [];
      refuseRepeated(value, (item) => listKey(item, keys), path, errors);
    }
    if (items) for (const [index, item] of value.entries()) visit(item, items, `${path}[${index}]`, errors);
  } else if (isObject(value)) {
    for (const key in value) {
      const property = propertySchema(schema, key);
      if (property) visit(value[key], property, child(path, key), errors);
    }
  }
}

/** The part of an item that names it among its siblings. */
export function listKey(item: Json | undefined, keys: readonly string[]): JsonObject {
  const key: JsonObject = {};
  if (isObject(item)) for (const name of keys) if (item[name] !== undefined) key[name] = item[name];
  return key;
}

function refuseRepeated(items: Json[], keyOf: (item: Json) => Json, path: string, errors: FieldError[]): void {
  const seen = new Set<string>();
  items.forEach((item, index) => {
    const key = keyOf(item);
    const text = JSON.stringify(key);
    if (seen.has(text)) errors.push(fieldError.duplicate(`${path}[${index}]`, key));
    seen.add(text);
  });
}
