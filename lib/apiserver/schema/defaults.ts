// Defaulting from schemas: missing fields, and nulls where the schema forbids them, take the schema's default.
import { clone, isObject, type Json } from '../json.ts';
import { propertySchema, type Schema } from './schema.ts';

/** Whether anything below the schema has a default: most objects need no walk. */
export function hasDefaults(schema: Schema): boolean {
  const below = [
    ...Object.values(schema.properties ?? {}),
    ...(schema.items ? [schema.items] : []),
    ...(typeof schema.additionalProperties === 'object' ? [schema.additionalProperties] : []),
  ];
  return below.some((property) => property.default !== undefined || hasDefaults(property));
}

/** Fills in defaults in place, outer before inner. */
export function applyDefaults(value: Json | undefined, schema: Schema): void {
  if (Array.isArray(value)) {
    const { items } = schema;
    if (!items) return;
    value.forEach((item, index) => {
      if (item === null && !items.nullable && items.default !== undefined) value[index] = clone(items.default);
      applyDefaults(value[index], items);
    });
    return;
  }
  if (!isObject(value)) return;
  for (const [key, property] of Object.entries(schema.properties ?? {})) {
    const present = Object.hasOwn(value, key) && value[key] !== undefined;
    if (property.default === undefined) continue;
    if (!present || (value[key] === null && !property.nullable)) value[key] = clone(property.default);
  }
  for (const key of Object.keys(value)) {
    const property = propertySchema(schema, key);
    if (!property) continue;
    applyDefaults(value[key], property);
  }
}

/** Drops nulls that the schema does not allow: a client's way to say "not set". */
export function dropForbiddenNulls(value: Json | undefined, schema: Schema): void {
  if (Array.isArray(value)) {
    const { items } = schema;
    if (items) for (const item of value) dropForbiddenNulls(item, items);
    return;
  }
  if (!isObject(value)) return;
  for (const key of Object.keys(value)) {
    const property = propertySchema(schema, key);
    if (!property) continue;
    if (value[key] === null && !property.nullable) delete value[key];
    else dropForbiddenNulls(value[key], property);
  }
}
