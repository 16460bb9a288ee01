// Pruning: fields that the schema does not name are dropped, and told (apiextensions/v1, structural schema pruning).
import { isObject, type Json, type JsonObject } from '../json.ts';
import { child, propertySchema, type Schema } from './schema.ts';

/** What every object may hold beside its schema. */
const ROOT = new Set(['apiVersion', 'kind', 'metadata']);

/**
 * Removes unknown fields from an object in place.
 * @param root whether the value is a whole object, whose apiVersion, kind and metadata are known without being named
 * @returns the paths of what was removed, as Go's strict decoder writes them: "spec.a", "spec.list[0].b"
 */
export function prune(value: Json | undefined, schema: Schema, root: boolean): string[] {
  const removed: string[] = [];
  visit(value, schema, root, false, '', removed);
  return removed;
}

function visit(
  value: Json | undefined,
  schema: Schema,
  root: boolean,
  preserve: boolean,
  path: string,
  removed: string[],
): void {
  const keep = preserve ? schema.type === undefined && !schema.properties : false;
  const preserving = schema['x-kubernetes-preserve-unknown-fields'] === true || keep;
  if (Array.isArray(value)) {
    const { items } = schema;
    if (!items) return;
    value.forEach((item, index) => {
      visit(item, items, items['x-kubernetes-embedded-resource'] === true, preserving, `${path}[${index}]`, removed);
    });
  } else if (isObject(value)) {
    visitObject(value, schema, root, preserving, path, removed);
  }
}

function visitObject(
  value: JsonObject,
  schema: Schema,
  root: boolean,
  preserving: boolean,
  path: string,
  removed: string[],
): void {
  if (schema.additionalProperties === true) return;
  for (const key of Object.keys(value)) {
    if (root && ROOT.has(key)) continue;
    const property = propertySchema(schema, key);
    if (property) {
      visit(
        value[key],
        property,
        property['x-kubernetes-embedded-resource'] === true,
        preserving,
        child(path, key),
        removed,
      );
    } else if (!preserving) {
      delete value[key];
      removed.push(child(path, key));
    }
  }
}
