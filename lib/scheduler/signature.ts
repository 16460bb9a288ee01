// What plugins sign of a request, as one flat list, and a map by such lists: how a request finds its class.
//
// It is done for every decision, so no text is put together: numbers and short strings are mixed into a hash as they are,
// and lists with the same hash are compared part by part.
import type { Signature } from './plugin.ts';

/** A symbol opens and closes what was a list, and goes before the JSON of an object: so different signatures differ. */
export type Part = string | number | boolean | undefined | symbol;

const OPEN = Symbol('[');
const CLOSE = Symbol(']');
const JSON_OF = Symbol('{}');

/** Appends a signature to a list. */
export function flatten(signature: Signature | undefined, into: Part[]): void {
  if (typeof signature !== 'object') into.push(signature);
  else if (Array.isArray(signature)) {
    into.push(OPEN);
    for (let index = 0; index < signature.length; index++) flatten(signature[index] as Signature, into);
    into.push(CLOSE);
  } else into.push(JSON_OF, JSON.stringify(signature));
}

/** A whole number, the same for equal lists (FNV-1a over 32-bit words). */
export function hashOf(parts: readonly Part[]): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < parts.length; index++) {
    const part = parts[index];
    if (typeof part === 'string') {
      for (let at = 0; at < part.length; at++) hash = Math.imul(hash ^ part.charCodeAt(at), 0x01000193);
    } else if (typeof part === 'number') {
      hash = Math.imul(hash ^ (part | 0), 0x01000193);
      hash = Math.imul(hash ^ ((part / 2 ** 32) | 0), 0x01000193);
    } else hash = Math.imul(hash ^ (part === undefined ? 1 : part === true ? 2 : 3), 0x01000193);
  }
  return hash;
}

function isEqual(left: readonly Part[], right: readonly Part[]): boolean {
  if (left.length !== right.length) return false;
  for (let index = 0; index < left.length; index++) if (left[index] !== right[index]) return false;
  return true;
}

interface Entry<V> {
  readonly parts: readonly Part[];
  readonly value: V;
}

/** Values by lists. */
export class SignatureMap<V> {
  readonly #buckets = new Map<number, Entry<V>[]>();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** `hash` is the list's own. */
  get(hash: number, parts: readonly Part[]): V | undefined {
    const bucket = this.#buckets.get(hash);
    if (bucket === undefined) return undefined;
    for (let index = 0; index < bucket.length; index++) {
      if (isEqual(bucket[index]!.parts, parts)) return bucket[index]!.value;
    }
    return undefined;
  }

  /** The list must not be in the map. */
  add(hash: number, parts: readonly Part[], value: V): void {
    const bucket = this.#buckets.get(hash);
    const entry = { parts: [...parts], value };
    if (bucket) bucket.push(entry);
    else this.#buckets.set(hash, [entry]);
    this.#size++;
  }

  delete(hash: number, value: V): void {
    const left = (this.#buckets.get(hash) ?? []).filter((entry) => entry.value !== value);
    if (left.length > 0) this.#buckets.set(hash, left);
    else this.#buckets.delete(hash);
    this.#size--;
  }

  *values(): Iterable<V> {
    for (const bucket of this.#buckets.values()) for (const { value } of bucket) yield value;
  }

  clear(): void {
    this.#buckets.clear();
    this.#size = 0;
  }
}
