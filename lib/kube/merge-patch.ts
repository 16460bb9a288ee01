// RFC 7386 merge patches, made from the difference of two JSON values, and the equality they rest on.

type Json = Record<string, unknown>;

/**
 * The smallest merge patch that turns `from` into `to`; undefined when they are equal. A field that is undefined counts
 * as absent, and an absent one is removed with null. Lists are replaced whole.
 */
export function mergePatch(from: object, to: object): Json | undefined {
  const patch: Json = {};
  const [old, wanted] = [from as Json, to as Json];
  for (const key of new Set([...Object.keys(old), ...Object.keys(wanted)])) {
    const change = valuePatch(old[key], wanted[key]);
    if (change !== undefined) patch[key] = change;
  }
  return Object.keys(patch).length === 0 ? undefined : patch;
}

function valuePatch(old: unknown, wanted: unknown): unknown {
  if (equal(old, wanted)) return undefined;
  if (wanted === undefined) return null;
  if (isObject(old) && isObject(wanted)) return mergePatch(old, wanted);
  return isObject(wanted) ? withoutAbsent(wanted) : wanted;
}

/** A new object stands in the patch as it is, where an absent field must not be there at all. */
function withoutAbsent(value: Json): Json {
  return mergePatch({}, value) ?? {};
}

/** Equal as JSON: the order of fields does not matter, undefined is absent. */
export function equal(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (Array.isArray(a) && Array.isArray(b))
    return a.length === b.length && a.every((item, index) => equal(item, b[index]));
  if (!isObject(a) || !isObject(b)) return false;
  for (const key of Object.keys(a)) if (!equal(a[key], b[key])) return false;
  for (const key of Object.keys(b)) if (b[key] !== undefined && a[key] === undefined) return false;
  return true;
}

const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
