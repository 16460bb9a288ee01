// Objects seen through their schema, field by field: which fields an object sets, how two differ, what merging gives, and what
// is left when fields are taken away (structured-merge-diff's typed values).
import { equal, isObject, type Json, type JsonObject } from '../json.ts';
import { listKey } from '../schema/lists.ts';
import { propertySchema, type Schema } from '../schema/schema.ts';
import { FieldSet, FieldSetBuilder, keyElement, type PathElement } from './field-set.ts';

export type Comparison = { readonly added: FieldSet; readonly modified: FieldSet; readonly removed: FieldSet };

type Form = 'leaf' | 'map' | 'list';

/** What the schema makes of a value: something to go into, or a leaf that is owned as a whole. */
function formOf(schema: Schema | undefined, value: Json | undefined): Form {
  if (isObject(value)) return schema?.['x-kubernetes-map-type'] === 'atomic' ? 'leaf' : 'map';
  if (Array.isArray(value)) {
    const listType = schema?.['x-kubernetes-list-type'];
    return listType === 'map' || listType === 'set' ? 'list' : 'leaf';
  }
  return 'leaf';
}

function elementOf(item: Json, schema: Schema): PathElement {
  if (schema['x-kubernetes-list-type'] !== 'map') return `v:${JSON.stringify(item)}`;
  const keys = schema['x-kubernetes-list-map-keys'] ?? [];
  const key: JsonObject = listKey(item, keys);
  for (const name of keys) {
    const fallback = schema.items?.properties?.[name]?.default;
    if (key[name] === undefined && fallback !== undefined) key[name] = fallback;
  }
  return keyElement(key);
}

/** A container's members by path element, in their order. */
function membersOf(value: Json | undefined, schema: Schema | undefined): Map<PathElement, Json> {
  const members = new Map<PathElement, Json>();
  if (isObject(value)) {
    for (const key in value) if (value[key] !== undefined) members.set(`f:${key}`, value[key]);
  } else if (Array.isArray(value)) {
    for (const item of value) members.set(elementOf(item, schema!), item);
  }
  return members;
}

function below(schema: Schema | undefined, element: PathElement): Schema | undefined {
  if (!schema) return undefined;
  return element.startsWith('f:') ? propertySchema(schema, element.slice(2)) : schema.items;
}

function property(schema: Schema | undefined, key: string): Schema | undefined {
  return schema && propertySchema(schema, key);
}

function isEmptyContainer(value: Json | undefined): boolean {
  return value === undefined || value === null || Object.keys(value).length === 0;
}

/** The fields that a value sets: leaves, items of lists, keys of maps, and what is null or an empty map. */
export function fieldSetOf(value: Json, schema: Schema | undefined): FieldSet {
  if (formOf(schema, value) === 'leaf') return FieldSet.empty; // its owner is told by whoever holds it
  const fields = new FieldSetBuilder();
  for (const [element, item] of membersOf(value, schema)) {
    const of = below(schema, element);
    const isEmptyMap = isObject(item) && isEmptyContainer(item);
    if (!isDeclared(schema, element) || item === null || isEmptyMap || formOf(of, item) === 'leaf') fields.add(element);
    fields.addBelow(element, fieldSetOf(item, of));
  }
  return fields.build();
}

function isDeclared(schema: Schema | undefined, element: PathElement): boolean {
  return (
    element.startsWith('f:') && schema?.properties !== undefined && Object.hasOwn(schema.properties, element.slice(2))
  );
}

/** Which fields differ. A container that appears or goes is told itself, too. */
export function compare(before: Json, after: Json, schema: Schema | undefined): Comparison {
  const found = { added: new FieldSetBuilder(), modified: new FieldSetBuilder(), removed: new FieldSetBuilder() };
  if (isObject(before) && isObject(after)) {
    // Most fields stay as they are: nothing is made for those.
    for (const key in before) {
      const left = before[key];
      if (left !== undefined && left !== after[key]) differ(found, 'f:', key, left, after[key], property(schema, key));
    }
    for (const key in after) {
      if (before[key] === undefined) differ(found, 'f:', key, undefined, after[key], property(schema, key));
    }
  } else {
    const [theirs, ours] = [membersOf(before, schema), membersOf(after, schema)];
    for (const [element, left] of theirs) differ(found, '', element, left, ours.get(element), below(schema, element));
    for (const [element, right] of ours) {
      if (!theirs.has(element)) differ(found, '', element, undefined, right, below(schema, element));
    }
  }
  return { added: found.added.build(), modified: found.modified.build(), removed: found.removed.build() };
}

/** Notes how one member differs. Its path element is the prefix with the name. */
function differ(
  { added, modified, removed }: Record<keyof Comparison, FieldSetBuilder>,
  prefix: string,
  name: string,
  left: Json | undefined,
  right: Json | undefined,
  schema: Schema | undefined,
): void {
  if (left === right) return;
  if (left === undefined || right === undefined) {
    const side = left === undefined ? added : removed;
    side.add(prefix + name);
    side.addBelow(prefix + name, allBelow((left === undefined ? right : left)!, schema));
  } else if (!haveMembers(left, right, schema)) {
    if (!equal(left, right)) modified.add(prefix + name);
  } else {
    const inner = compare(left, right, schema);
    added.addBelow(prefix + name, inner.added);
    modified.addBelow(prefix + name, inner.modified);
    removed.addBelow(prefix + name, inner.removed);
  }
}

/** Whether two values are compared by their members. Null takes whatever form the other one has. */
function haveMembers(left: Json, right: Json, schema: Schema | undefined): boolean {
  if (typeof left !== 'object' || typeof right !== 'object') return false;
  if (isEmptyContainer(left) && isEmptyContainer(right)) return false;
  if (left === null) return formOf(schema, right) !== 'leaf';
  if (right === null) return formOf(schema, left) !== 'leaf';
  const form = formOf(schema, left);
  return form !== 'leaf' && form === formOf(schema, right);
}

/** Everything that is below a value, containers too. */
function allBelow(value: Json, schema: Schema | undefined): FieldSet {
  if (formOf(schema, value) === 'leaf') return FieldSet.empty;
  const fields = new FieldSetBuilder();
  for (const [element, item] of membersOf(value, schema)) {
    fields.add(element);
    fields.addBelow(element, allBelow(item, below(schema, element)));
  }
  return fields.build();
}

/** The live value with everything that the configuration sets; lists by key keep the configuration's order among its items. */
export function merge(live: Json | undefined, config: Json | undefined, schema: Schema | undefined): Json {
  if (config === undefined) return live ?? null;
  const form = formOf(schema, config);
  if (live === undefined || live === null || form === 'leaf' || formOf(schema, live) !== form) return config;
  const [theirs, ours] = [membersOf(live, schema), membersOf(config, schema)];
  if (form === 'map') {
    const result: JsonObject = { ...(live as JsonObject) };
    for (const [element, value] of ours) {
      result[element.slice(2)] = merge(theirs.get(element), value, below(schema, element));
    }
    return result;
  }
  return mergedOrder([...theirs.keys()], [...ours.keys()]).map((element) =>
    merge(theirs.get(element), ours.get(element), schema?.items),
  );
}

/**
 * Interleaves two orders: items that only the live list has keep their place before the next common item; the common ones
 * and the new ones come as the configuration orders them.
 */
function mergedOrder(live: readonly PathElement[], config: readonly PathElement[]): PathElement[] {
  const [inLive, inConfig] = [new Set(live), new Set(config)];
  const result: PathElement[] = [];
  let [i, j] = [0, 0];
  while (i < live.length || j < config.length) {
    const [theirs, ours] = [live[i], config[j]];
    if (theirs !== undefined && !inConfig.has(theirs)) {
      result.push(theirs);
      i++;
    } else if (ours !== undefined) {
      if (inLive.has(ours) && theirs === ours) i++;
      result.push(ours);
      j++;
    } else {
      i++;
    }
  }
  return [...new Set(result)];
}

/** The value without the members of the set and what is below them. Containers stay, even empty. */
export function removeItems(value: Json, fields: FieldSet, schema: Schema | undefined): Json {
  const form = formOf(schema, value);
  if (form === 'leaf' || fields.isEmpty) return value;
  const kept: [PathElement, Json][] = [];
  for (const [element, item] of membersOf(value, schema)) {
    if (fields.members.has(element)) continue;
    const inner = fields.children.get(element);
    kept.push([element, inner ? removeItems(item, inner, below(schema, element)) : item]);
  }
  if (form === 'list') return kept.map(([, item]) => item);
  return Object.fromEntries(kept.map(([element, item]) => [element.slice(2), item]));
}

/** Makes every named field that something is a member below a member too; map keys and list items stay as they are. */
export function withNamedFields(fields: FieldSet, schema: Schema | undefined): FieldSet {
  const members = new Set(fields.members);
  const children = new Map<PathElement, FieldSet>();
  for (const [element, inner] of fields.children) {
    const of = below(schema, element);
    children.set(element, withNamedFields(inner, of));
    if (isDeclared(schema, element)) members.add(element);
  }
  return new FieldSet(members, children);
}
