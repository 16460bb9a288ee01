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

function isEmptyContainer(value: Json | undefined): boolean {
  return value === undefined || value === null || Object.keys(value).length === 0;
}

/** The fields that a value sets: leaves, items of lists, keys of maps, and what is null or an empty map. */
export function fieldSetOf(value: Json, schema: Schema): FieldSet {
  const builder = new FieldSetBuilder();
  const visit = (current: Json, of: Schema | undefined, path: PathElement[]): void => {
    const form = formOf(of, current);
    if (form === 'leaf') {
      if (path.length > 0) builder.add(path);
      return;
    }
    for (const [element, item] of membersOf(current, of)) {
      const to = [...path, element];
      const declared = element.startsWith('f:') && of?.properties && Object.hasOwn(of.properties, element.slice(2));
      const isEmptyMap = isObject(item) && isEmptyContainer(item);
      if (!declared || item === null || isEmptyMap) builder.add(to);
      visit(item, below(of, element), to);
    }
  };
  visit(value, schema, []);
  return builder.build();
}

/** Which fields differ. A container that appears or goes is told itself, too. */
export function compare(before: Json, after: Json, schema: Schema): Comparison {
  const [added, modified, removed] = [new FieldSetBuilder(), new FieldSetBuilder(), new FieldSetBuilder()];
  const visit = (
    left: Json | undefined,
    right: Json | undefined,
    of: Schema | undefined,
    path: PathElement[],
  ): void => {
    if (equal(left, right)) return;
    const tell = () => {
      if (left === undefined) added.add(path);
      else if (right === undefined) removed.add(path);
      else modified.add(path);
    };
    const forms = [left, right].filter((side) => side !== undefined && side !== null).map((side) => formOf(of, side));
    // Null takes whatever form the other side has.
    const sameKind =
      (left ?? null) === null || (right ?? null) === null || Array.isArray(left) === Array.isArray(right);
    const leaf = forms.length === 0 || forms.includes('leaf') || !sameKind;
    if (leaf || (isEmptyContainer(left) && isEmptyContainer(right))) {
      tell();
      return;
    }
    const [theirs, ours] = [membersOf(left, of), membersOf(right, of)];
    for (const element of new Set([...theirs.keys(), ...ours.keys()])) {
      visit(theirs.get(element), ours.get(element), below(of, element), [...path, element]);
    }
    if (left === undefined) added.add(path);
    else if (right === undefined) removed.add(path);
  };
  visit(before, after, schema, []);
  return { added: added.build(), modified: modified.build(), removed: removed.build() };
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
    const named = element.startsWith('f:') && schema?.properties && Object.hasOwn(schema.properties, element.slice(2));
    if (named) members.add(element);
  }
  return new FieldSet(members, children);
}
