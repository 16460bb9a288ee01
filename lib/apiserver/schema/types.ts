// Whether a value could be decoded into the Go types behind a schema, and what its decoder says when it could not.
import { isObject, type Json } from '../json.ts';
import { isDateTime } from './formats.ts';
import { propertySchema, type Schema } from './schema.ts';

export interface TypeMismatch {
  /** Dotted path of Go struct fields: indexes and keys of maps are no part of it. */
  readonly field: string;
  /** What the value is, in JSON's words: "number", "array". */
  readonly actual: string;
  /** The Go type that it should be. */
  readonly expected: string;
  /** The value is text that is not base64. */
  readonly base64?: { readonly position: number };
  /** The value is text that is no time. */
  readonly time?: string;
}

/** The first value below that does not have its schema's type; nulls fit everywhere. */
export function typeMismatch(value: Json | undefined, schema: Schema, path = ''): TypeMismatch | undefined {
  if (value === undefined || value === null) return undefined;
  if (!fits(value, schema)) return { field: path, actual: typeName(value), expected: goType(schema) };
  if (schema.format === 'byte' && typeof value === 'string') {
    const position = value.search(/[^A-Za-z0-9+/=\r\n]/);
    const broken = position >= 0 || value.replace(/[\r\n]/g, '').length % 4 !== 0;
    return broken ? { field: path, actual: '', expected: '', base64: { position: Math.max(0, position) } } : undefined;
  }
  if (schema.format === 'date-time' && typeof value === 'string' && !isDateTime(value)) {
    return { field: path, actual: '', expected: '', time: value };
  }
  if (Array.isArray(value) && schema.items) {
    for (const item of value) {
      const found = typeMismatch(item, schema.items, path);
      if (found) return found;
    }
  } else if (isObject(value)) {
    for (const key in value) {
      const property = propertySchema(schema, key);
      const named = schema.properties && Object.hasOwn(schema.properties, key);
      const found = property && typeMismatch(value[key], property, named ? (path ? `${path}.${key}` : key) : path);
      if (found) return found;
    }
  }
  return undefined;
}

function fits(value: Json, schema: Schema): boolean {
  switch (schema.type) {
    case 'string':
      return typeof value === 'string';
    case 'integer':
      return Number.isInteger(value);
    case 'number':
      return typeof value === 'number';
    case 'boolean':
      return typeof value === 'boolean';
    case 'array':
      return Array.isArray(value);
    case 'object':
      return isObject(value);
    default:
      return !schema['x-kubernetes-int-or-string'] || typeof value === 'string' || typeof value === 'number';
  }
}

function typeName(value: Json): string {
  if (Array.isArray(value)) return 'array';
  if (typeof value === 'number') return Number.isInteger(value) ? 'number' : `number ${value}`;
  return typeof value === 'boolean' ? 'bool' : typeof value;
}

function goType(schema: Schema): string {
  switch (schema.type) {
    case 'integer':
      return schema.format === 'int32' ? 'int32' : 'int64';
    case 'boolean':
      return 'bool';
    case 'array':
      return `[]${goType(schema.items ?? {})}`;
    case 'object':
      return typeof schema.additionalProperties === 'object'
        ? `map[string]${goType(schema.additionalProperties)}`
        : 'struct';
    default:
      return schema.format === 'date-time' ? 'Time' : schema.format === 'byte' ? '[]uint8' : 'string';
  }
}
