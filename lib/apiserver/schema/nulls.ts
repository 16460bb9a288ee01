// Nulls in built-in types, as Go decodes them: a field that is null is not set; in a list or a map null is its type's zero value.
import { isObject, type Json, type JsonObject } from '../json.ts';
import type { Schema } from './schema.ts';

const ZEROES: { readonly [type: string]: () => Json } = {
  string: () => '',
  integer: () => 0,
  number: () => 0,
  boolean: () => false,
  array: () => [],
  object: () => ({}),
};

/** Takes nulls out, in place; what the schema does not know is left as it is. */
export function zeroNulls(value: Json | undefined, schema: Schema): void {
  if (Array.isArray(value) && schema.items) {
    for (const [index, item] of value.entries()) value[index] = zeroed(item, schema.items) ?? null;
  } else if (isObject(value)) zeroFields(value, schema);
}

function zeroFields(value: JsonObject, { properties, additionalProperties }: Schema): void {
  for (const key of Object.keys(value)) {
    const property = properties && Object.hasOwn(properties, key) ? properties[key] : undefined;
    if (property) {
      if (value[key] === null) delete value[key];
      else zeroNulls(value[key], property);
    } else if (typeof additionalProperties === 'object') value[key] = zeroed(value[key], additionalProperties);
  }
}

function zeroed(item: Json | undefined, schema: Schema): Json | undefined {
  if (item === null) return ZEROES[schema.type ?? '']?.() ?? null;
  zeroNulls(item, schema);
  return item;
}
