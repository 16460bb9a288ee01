// Strategic merge patch, for built-in kinds: lists merge by key where the schema says so, and directives delete or replace.
import { asText, clone, equal, isObject, type Json, type JsonObject } from '../json.ts';
import { propertySchema, type Schema } from '../schema/schema.ts';
import { ApiError, badRequest } from '../status.ts';

const DIRECTIVE = '$patch';
const DELETE_FROM = '$deleteFromPrimitiveList/';
const ORDER = '$setElementOrder/';
const RETAIN = '$retainKeys';

/**
 * The patched object; neither argument is changed.
 * @throws ApiError 400 for a directive that is not known.
 */
export function strategicMergePatch(target: JsonObject, patch: JsonObject, schema: Schema): JsonObject {
  const directive = patch[DIRECTIVE];
  if (directive === 'replace') {
    const { [DIRECTIVE]: _, ...rest } = patch;
    return withoutDirectives(clone(rest)) as JsonObject;
  }
  if (directive === 'delete') return {};
  if (directive !== undefined && directive !== 'merge') throw unknownDirective(directive);
  let result: JsonObject = { ...target };
  const retained = patch[RETAIN];
  if (Array.isArray(retained)) {
    result = Object.fromEntries(Object.entries(result).filter(([key]) => retained.includes(key)));
  }
  for (const [key, value] of Object.entries(patch)) {
    if (key === DIRECTIVE || key === RETAIN || key.startsWith(ORDER) || value === undefined) continue;
    if (key.startsWith(DELETE_FROM)) {
      deleteFromPrimitives(result, key.slice(DELETE_FROM.length), value);
    } else {
      mergeField(result, key, value, patch[ORDER + key], propertySchema(schema, key));
    }
  }
  for (const [key, order] of Object.entries(patch)) {
    const name = key.slice(ORDER.length);
    if (key.startsWith(ORDER) && !(name in patch)) {
      const current = result[name];
      const field = propertySchema(schema, name);
      if (Array.isArray(current) && Array.isArray(order)) {
        result[name] = arrange(current, order, current, mergeKey(field));
      }
    }
  }
  return result;
}

function unknownDirective(directive: Json): Error {
  return new ApiError(500, '', `unknown patch type: ${asText(directive)}`);
}

function mergeKey(schema: Schema | undefined): string | undefined {
  return schema?.['x-kubernetes-patch-merge-key'];
}

function merges(schema: Schema | undefined): boolean {
  return (schema?.['x-kubernetes-patch-strategy'] ?? '').split(',').includes('merge');
}

function mergeField(
  result: JsonObject,
  key: string,
  value: Json,
  order: Json | undefined,
  schema: Schema | undefined,
): void {
  const current = result[key];
  if (value === null) {
    delete result[key];
  } else if (isObject(value)) {
    const replace = (schema?.['x-kubernetes-patch-strategy'] ?? '').split(',').includes('replace');
    const base = isObject(current) && !replace ? current : {};
    result[key] = strategicMergePatch(base, value, schema ?? {});
    if (value[DIRECTIVE] === 'delete') delete result[key];
  } else if (Array.isArray(value) && merges(schema)) {
    const before = Array.isArray(current) ? current : [];
    const merged = mergeLists(before, value, schema!);
    result[key] = arrange(merged, Array.isArray(order) ? order : value, before, mergeKey(schema));
  } else {
    result[key] = withoutDirectives(clone(value));
  }
}

function mergeLists(current: readonly Json[], patch: readonly Json[], schema: Schema): Json[] {
  const key = mergeKey(schema);
  if (key === undefined) {
    return [...current, ...patch.filter((item) => !current.some((known) => equal(known, item)))];
  }
  const replaces = patch.some((item) => isObject(item) && item[DIRECTIVE] === 'replace' && item[key] === undefined);
  let result = replaces ? [] : [...current];
  for (const item of patch) {
    if (!isObject(item)) throw badRequest('delete directive or merge key expected in a list of objects');
    const name = item[key];
    if (name === undefined) {
      if (item[DIRECTIVE] === 'replace') continue;
      throw badRequest(`map: ${JSON.stringify(item)} does not contain declared merge key: ${key}`);
    }
    const same = (other: Json) => isObject(other) && equal(other[key], name);
    if (item[DIRECTIVE] === 'delete') {
      result = result.filter((other) => !same(other));
      continue;
    }
    const index = result.findIndex(same);
    const base = index < 0 ? {} : (result[index] as JsonObject);
    const merged = strategicMergePatch(base, item, schema.items ?? {});
    if (index < 0) result.push(merged);
    else result[index] = merged;
  }
  return result;
}

function deleteFromPrimitives(result: JsonObject, key: string, values: Json): void {
  const current = result[key];
  if (!Array.isArray(current) || !Array.isArray(values)) return;
  result[key] = current.filter((item) => !values.some((value) => equal(value, item)));
}

/**
 * Orders merged items: those that the patch names come as it names them, the others as they were on the server, and where
 * both are known to the server a server's own item goes first if it did before.
 */
function arrange(
  items: readonly Json[],
  patchOrder: readonly Json[],
  serverOrder: readonly Json[],
  key: string | undefined,
): Json[] {
  const nameOf = (item: Json) => JSON.stringify(key !== undefined && isObject(item) ? (item[key] ?? null) : item);
  const ranksOf = (order: readonly Json[]) => new Map(order.map((item, index) => [nameOf(item), index]));
  const [patchRanks, serverRanks] = [ranksOf(patchOrder), ranksOf(serverOrder)];
  const rank = (ranks: Map<string, number>) => (a: Json, b: Json) => ranks.get(nameOf(a))! - ranks.get(nameOf(b))!;
  const patched = items.filter((item) => patchRanks.has(nameOf(item))).sort(rank(patchRanks));
  const others = items.filter((item) => !patchRanks.has(nameOf(item))).sort(rank(serverRanks));
  const result: Json[] = [];
  while (patched.length > 0 || others.length > 0) {
    const [first, second] = [others[0], patched[0]];
    const [left, right] = [
      first === undefined ? -1 : serverRanks.get(nameOf(first))!,
      second === undefined ? -1 : (serverRanks.get(nameOf(second)) ?? -1),
    ];
    const serverFirst = second === undefined || (first !== undefined && right >= 0 && left < right);
    result.push(serverFirst ? others.shift()! : patched.shift()!);
  }
  return result;
}

/** A patch's value that becomes part of the object must not carry directives along. */
function withoutDirectives(value: Json): Json {
  if (Array.isArray(value)) {
    return value
      .filter((item) => !(isObject(item) && item[DIRECTIVE] !== undefined && Object.keys(item).length === 1))
      .map(withoutDirectives);
  }
  if (!isObject(value)) return value;
  const kept = Object.entries(value).filter(([key]) => key !== DIRECTIVE && key !== RETAIN && !key.startsWith(ORDER));
  return Object.fromEntries(kept.map(([key, item]) => [key, item === undefined ? item : withoutDirectives(item)]));
}
