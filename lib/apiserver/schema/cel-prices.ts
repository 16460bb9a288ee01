// What parts of a CEL rule cost, in the unit of real servers (cel-go's and apiserver's cost tables): for the estimate when a
// rule is installed, and for the meter when it runs.

/** What a round of a loop costs beside its body: reading and testing what the loop carries along, or making a new list. */
export const ROUND: ReadonlyMap<string, number> = new Map([
  ['all', 3],
  ['exists', 4],
  ['exists_one', 2],
  ['existsOne', 2],
  ['map', 12],
  ['filter', 12],
]);

/** Operations; all others cost 1. */
export const OPERATIONS: { readonly [op: string]: number } = {
  value: 0,
  '&&': 0,
  '||': 0,
  '?:': 0,
  list: 10,
  map: 30,
};

/** The most that one run of a rule may cost (apiserver's PerCallLimit). */
export const CALL_LIMIT = 1_000_000;
/** The most that all rules may cost in one validation of an object (RuntimeCELCostBudget). */
export const OBJECT_BUDGET = 10_000_000;
/** The most that one rule may be estimated to cost, and all rules of a schema together. */
export const RULE_BUDGET = 10_000_000;
export const SCHEMA_BUDGET = 100_000_000;

const TEXT = 0.1;
const PATTERN = 0.25;

/** Of texts and lists their length, of maps the number of entries, of all else 1. */
export function sizeOf(value: unknown): number {
  if (typeof value === 'string' || Array.isArray(value)) return value.length;
  return isMap(value) ? Object.keys(value).length : 1;
}

export function isMap(value: unknown): value is { readonly [key: string]: unknown } {
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || prototype === Object.prototype;
}

const traversal = (value: unknown): number => Math.ceil(sizeOf(value) * TEXT);
const search = (text: unknown, pattern: unknown): number =>
  Math.ceil((sizeOf(text) + 1) * TEXT) * Math.ceil(sizeOf(pattern) * PATTERN);
const least = (a: unknown, b: unknown): number => Math.ceil(Math.min(sizeOf(a), sizeOf(b)) * TEXT);
const both = (a: unknown, b: unknown): number => Math.ceil((sizeOf(a) + sizeOf(b)) * TEXT);
const rewriting = (text: unknown): number => Math.ceil(sizeOf(text) * 2 * TEXT);
/** A text within a text; in a list, a look at every item. Looking from the end costs real servers less. */
const place = (a: unknown, b: unknown): number =>
  Array.isArray(a) ? a.length : traversal(a) * Math.max(1, traversal(b));

/** Operators and functions whose price depends on what they are given, a receiver first. */
export const SIZED: ReadonlyMap<string, (first: unknown, second: unknown) => number> = new Map(
  Object.entries({
    '==': least,
    '!=': least,
    '<': least,
    '<=': least,
    '>': least,
    '>=': least,
    '+': (a, b) => (typeof a === 'string' ? both(a, b) : 1),
    in: (_item, list) => (Array.isArray(list) ? list.length : 1),
    startsWith: traversal,
    endsWith: traversal,
    bytes: traversal,
    string: traversal,
    contains: (text, part) => traversal(text) * traversal(part),
    matches: search,
    find: search,
    findAll: search,
    isSorted: sizeOf,
    sum: sizeOf,
    min: sizeOf,
    max: sizeOf,
    indexOf: place,
    lastIndexOf: place,
    url: traversal,
    lowerAscii: traversal,
    upperAscii: traversal,
    substring: traversal,
    trim: traversal,
    replace: rewriting,
    split: rewriting,
    quantity: traversal,
    isQuantity: traversal,
    ip: traversal,
    isIP: traversal,
    cidr: traversal,
    isCIDR: traversal,
  } satisfies { [name: string]: (first: unknown, second: unknown) => number }),
);
