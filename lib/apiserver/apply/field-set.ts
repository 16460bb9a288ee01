// Sets of field paths, as managed fields record who owns what (structured-merge-diff's fieldpath.Set, FieldsV1 in JSON).
//
// A path element is its FieldsV1 key: "f:name" a field, 'k:{"name":"x"}' an item of a list by key, 'v:"x"' an item of a set,
// "i:0" an index. Sets are immutable: every operation gives a new one.
import { isObject, type JsonObject } from '../json.ts';

export type PathElement = string;

export class FieldSet {
  /** Elements that are members themselves. */
  readonly members: ReadonlySet<PathElement>;
  /** Elements below which something is a member. No child is empty. */
  readonly children: ReadonlyMap<PathElement, FieldSet>;

  constructor(members: ReadonlySet<PathElement>, children: ReadonlyMap<PathElement, FieldSet>) {
    this.members = members;
    this.children = children;
  }

  static readonly empty = new FieldSet(new Set(), new Map());
  /** Most sets are read, kept as they are and written again: the JSON of whole ones is remembered both ways. */
  static readonly #parsed = new WeakMap<JsonObject, FieldSet>();
  #fields: JsonObject | undefined;

  /** Reads FieldsV1, which nobody may change afterwards. Unknown forms of keys are left out. */
  static parse(fields: JsonObject): FieldSet {
    let found = FieldSet.#parsed.get(fields);
    if (!found) {
      found = FieldSet.#read(fields);
      FieldSet.#parsed.set(fields, found);
    }
    return found;
  }

  static #read(fields: JsonObject): FieldSet {
    const members = new Set<PathElement>();
    const children = new Map<PathElement, FieldSet>();
    for (const key in fields) {
      if (!/^[fkvi]:/.test(key)) continue;
      const element = canonical(key);
      const value = fields[key];
      const below = isObject(value) ? FieldSet.#read(value) : FieldSet.empty;
      if (!below.isEmpty) children.set(element, below);
      if (below.isEmpty || (isObject(value) && '.' in value)) members.add(element);
    }
    return new FieldSet(members, children);
  }

  get isEmpty(): boolean {
    return this.members.size === 0 && this.children.size === 0;
  }

  /** FieldsV1, keys in ascending order. Nobody may change it. */
  toFields(): JsonObject {
    const fields = this.#write();
    if (!FieldSet.#parsed.has(fields)) FieldSet.#parsed.set(fields, this);
    return fields;
  }

  #write(): JsonObject {
    if (this.#fields) return this.#fields;
    const fields: JsonObject = {};
    for (const key of this.#elements()) {
      const child = this.children.get(key);
      if (!child) fields[key] = {};
      else fields[key] = this.members.has(key) ? { '.': {}, ...child.#write() } : child.#write();
    }
    this.#fields = fields;
    return fields;
  }

  /** Every element that is here or has something below it, in ascending order. */
  #elements(): PathElement[] {
    const elements = [...this.members];
    for (const key of this.children.keys()) if (!this.members.has(key)) elements.push(key);
    return elements.sort();
  }

  union(other: FieldSet): FieldSet {
    if (other.isEmpty) return this;
    if (this.isEmpty) return other;
    const children = new Map(this.children);
    for (const [key, below] of other.children) children.set(key, children.get(key)?.union(below) ?? below);
    return new FieldSet(this.members.union(other.members), children);
  }

  intersection(other: FieldSet): FieldSet {
    const children = new Map<PathElement, FieldSet>();
    for (const [key, below] of this.children) {
      const common = other.children.get(key)?.intersection(below);
      if (common && !common.isEmpty) children.set(key, common);
    }
    return new FieldSet(this.members.intersection(other.members), children);
  }

  difference(other: FieldSet): FieldSet {
    if (other.isEmpty) return this;
    const children = new Map<PathElement, FieldSet>();
    for (const [key, below] of this.children) {
      const theirs = other.children.get(key);
      const rest = theirs ? below.difference(theirs) : below;
      if (!rest.isEmpty) children.set(key, rest);
    }
    return new FieldSet(this.members.difference(other.members), children);
  }

  /** Removes members of the other set and everything below them. */
  recursiveDifference(other: FieldSet): FieldSet {
    const children = new Map<PathElement, FieldSet>();
    for (const [key, below] of this.children) {
      if (other.members.has(key)) continue;
      const theirs = other.children.get(key);
      const rest = theirs ? below.recursiveDifference(theirs) : below;
      if (!rest.isEmpty) children.set(key, rest);
    }
    return new FieldSet(this.members.difference(other.members), children);
  }

  equals(other: FieldSet): boolean {
    return (
      this.members.size === other.members.size &&
      this.children.size === other.children.size &&
      [...this.members].every((key) => other.members.has(key)) &&
      [...this.children].every(([key, below]) => other.children.get(key)?.equals(below) ?? false)
    );
  }

  /** Every member, as messages write paths: ".spec.disks[name=\"a\"].size". */
  paths(prefix = ''): string[] {
    const found: string[] = [];
    for (const key of this.#elements()) {
      const path = prefix + printElement(key);
      if (this.members.has(key)) found.push(path);
      found.push(...(this.children.get(key)?.paths(path) ?? []));
    }
    return found;
  }
}

/** Collects what makes up a set: its members, and what is below its elements. */
export class FieldSetBuilder {
  #members: Set<PathElement> | undefined;
  #children: Map<PathElement, FieldSet> | undefined;

  add(element: PathElement): void {
    this.#members ??= new Set();
    this.#members.add(element);
  }

  /** At most once for an element. */
  addBelow(element: PathElement, fields: FieldSet): void {
    if (fields.isEmpty) return;
    this.#children ??= new Map();
    this.#children.set(element, fields);
  }

  build(): FieldSet {
    if (!this.#members && !this.#children) return FieldSet.empty;
    return new FieldSet(this.#members ?? new Set(), this.#children ?? new Map());
  }
}

/** Keys of list items compare as text, so their JSON must be written one way: fields in order. */
function canonical(key: string): PathElement {
  if (!key.startsWith('k:')) return key;
  return keyElement(JSON.parse(key.slice(2)) as JsonObject);
}

export function keyElement(key: JsonObject): PathElement {
  const ordered = Object.fromEntries(Object.entries(key).sort(([a], [b]) => (a < b ? -1 : 1)));
  return `k:${JSON.stringify(ordered)}`;
}

function printElement(element: PathElement): string {
  const body = element.slice(2);
  if (element.startsWith('f:')) return `.${body}`;
  if (element.startsWith('k:')) {
    const pairs = Object.entries(JSON.parse(body) as JsonObject);
    return `[${pairs.map(([name, value]) => `${name}=${JSON.stringify(value)}`).join(',')}]`;
  }
  if (element.startsWith('v:')) return `[=${body}]`;
  return `[${body}]`;
}
