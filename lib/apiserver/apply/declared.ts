// Whether a configuration can be applied at all: every field declared, of its kind, and list items told apart by their keys
// (structured-merge-diff's validation of typed values, with its words).
import { isObject, type Json } from '../json.ts';
import { listKey } from '../schema/lists.ts';
import { child, propertySchema, type Schema } from '../schema/schema.ts';

/** Problems as "path: what", paths with a leading dot. Free-form parts have none. */
export function undeclared(value: Json | undefined, schema: Schema): string[] {
  const problems: string[] = [];
  visit(value, schema, '', problems);
  return problems;
}

function isFree(schema: Schema): boolean {
  return schema['x-kubernetes-preserve-unknown-fields'] === true || schema.additionalProperties === true;
}

function visit(value: Json | undefined, schema: Schema, path: string, problems: string[]): void {
  if (value === undefined || value === null) return;
  const tell = (what: string) => problems.push(`.${path}: ${what}`);
  switch (schema.type) {
    case 'integer':
    case 'number':
      if (typeof value !== 'number') tell(`expected numeric (int or float), got ${goType(value)}`);
      return;
    case 'string':
      if (typeof value !== 'string') tell(`expected string, got ${shown(value)}`);
      return;
    case 'boolean':
      if (typeof value !== 'boolean') tell(`expected boolean, got ${shown(value)}`);
      return;
    case 'array':
      if (Array.isArray(value)) visitList(value, schema, path, problems);
      else tell(`expected list, got ${shown(value)}`);
      return;
    default:
      if (isObject(value)) {
        for (const key in value) {
          const property = propertySchema(schema, key);
          if (property) visit(value[key], property, child(path, key), problems);
          else if (!isFree(schema)) problems.push(`.${child(path, key)}: field not declared in schema`);
        }
      } else if (schema.type === 'object') tell(`expected map, got ${shown(value)}`);
  }
}

function visitList(items: Json[], schema: Schema, path: string, problems: string[]): void {
  const keys = schema['x-kubernetes-list-type'] === 'map' ? (schema['x-kubernetes-list-map-keys'] ?? []) : undefined;
  const seen = new Set<string>();
  items.forEach((item, index) => {
    if (keys && Object.keys(listKey(item, keys)).length === 0 && !hasDefaultKey(schema, keys)) {
      const what = 'associative list with keys has an element that omits all key fields';
      const names = keys.map((name) => JSON.stringify(name)).join(' ');
      problems.push(
        `.${path}: element ${index}: ${what} [${names}] (and doesn't have default values for any key fields)`,
      );
      return;
    }
    if (keys || schema['x-kubernetes-list-type'] === 'set') {
      const key = keys
        ? Object.entries(listKey(item, keys))
            .map(([name, part]) => `${name}=${JSON.stringify(part)}`)
            .join(',')
        : `=${JSON.stringify(item)}`;
      if (seen.has(key)) problems.push(`.${path}: duplicate entries for key [${key}]`);
      seen.add(key);
    }
    if (schema.items) visit(item, schema.items, `${path}[${index}]`, problems);
  });
}

function hasDefaultKey(schema: Schema, keys: readonly string[]): boolean {
  return keys.some((key) => schema.items?.properties?.[key]?.default !== undefined);
}

function goType(value: Json): string {
  if (Array.isArray(value)) return '[]interface {}';
  if (typeof value === 'number') return Number.isInteger(value) ? 'int64' : 'float64';
  return typeof value === 'boolean' ? 'bool' : typeof value === 'object' ? 'map[string]interface {}' : 'string';
}

function shown(value: Json): string {
  return JSON.stringify(value);
}
