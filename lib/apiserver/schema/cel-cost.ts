// What a CEL rule may cost at most, told from its text and the sizes that its schema allows (apiextensions' cost estimation).
//
// A list without maxItems is as long as a request can make it. Real servers also count what long texts cost, so that this
// estimate is not higher than theirs.
import type { ASTNode } from '@marcbachmann/cel-js';
import { celName, parseRule } from './cel.ts';
import { OPERATIONS, ROUND } from './cel-prices.ts';
import type { Schema } from './schema.ts';

/** Bytes of a request (apiserver's DefaultMaxRequestSizeBytes). */
const REQUEST_BYTES = 3 * 2 ** 20;

type Scope = ReadonlyMap<string, Schema | undefined>;

/** The fewest bytes that a value takes in JSON. */
function leastBytes(schema: Schema | undefined): number {
  switch (schema?.type) {
    case 'string':
    case 'array':
      return 2;
    case 'boolean':
      return 4;
    case 'object': {
      const required = schema.required ?? [];
      const named = required.map((name) => name.length + 3 + leastBytes(schema.properties?.[name]));
      return 2 + named.reduce((sum, bytes) => sum + bytes, 0);
    }
    default:
      return 1;
  }
}

/** How many items or entries a value can have; 1 for what is not known to have any. */
function mostElements(schema: Schema | undefined): number {
  if (schema?.type === 'array') {
    return schema.maxItems ?? Math.floor((REQUEST_BYTES - 2) / (leastBytes(schema.items) + 1));
  }
  if (schema?.type === 'object' && typeof schema.additionalProperties === 'object') {
    // An entry has a key in quotes, a colon and a comma.
    return schema.maxProperties ?? Math.floor((REQUEST_BYTES - 2) / (leastBytes(schema.additionalProperties) + 6));
  }
  return 1;
}

const elementOf = (schema: Schema | undefined): Schema | undefined =>
  schema?.items ?? (typeof schema?.additionalProperties === 'object' ? schema.additionalProperties : undefined);

const isNode = (value: unknown): value is ASTNode => typeof value === 'object' && value !== null && 'op' in value;

/** Nodes directly below, in lists too. */
function below(value: unknown): ASTNode[] {
  if (isNode(value)) return [value];
  return Array.isArray(value) ? value.flatMap(below) : [];
}

/** The schema of what an expression gives, where that can be told. */
function schemaAt(node: ASTNode, scope: Scope): Schema | undefined {
  const args: readonly unknown[] = Array.isArray(node.args) ? node.args : [node.args];
  const [first, second, third] = args;
  if (node.op === 'id') return scope.get(String(first));
  if (node.op === '.' && isNode(first)) {
    const inner = schemaAt(first, scope);
    const name = Object.keys(inner?.properties ?? {}).find((property) => celName(property) === second);
    return name === undefined ? elementOf(inner?.items ? undefined : inner) : inner?.properties?.[name];
  }
  if (node.op === '[]' && isNode(first)) return elementOf(schemaAt(first, scope));
  if (node.op === 'rcall' && first === 'filter' && isNode(second)) return schemaAt(second, scope);
  if (node.op === 'rcall' && first === 'map' && isNode(second) && Array.isArray(third)) {
    const most = mostElements(schemaAt(second, scope));
    return { type: 'array', maxItems: most };
  }
  return undefined;
}

function costOf(node: ASTNode, scope: Scope): number {
  const args: readonly unknown[] = Array.isArray(node.args) ? node.args : [node.args];
  const [name, receiver, inner] = args;
  const rounds = node.op === 'rcall' ? ROUND.get(String(name)) : undefined;
  if (rounds !== undefined && isNode(receiver) && Array.isArray(inner) && isNode(inner[0])) {
    const over = schemaAt(receiver, scope);
    // A loop over a map goes over its keys.
    const variable = inner[0].op === 'id' ? inner[0].args : '';
    const within = new Map(scope).set(variable, over?.items);
    const each = below(inner.slice(1)).reduce((sum, part) => sum + costOf(part, within), rounds);
    return costOf(receiver, scope) + mostElements(over) * each;
  }
  return below(node.args).reduce((sum, part) => sum + costOf(part, scope), OPERATIONS[node.op] ?? 1);
}

/**
 * What a rule can cost at worst, in the real server's unit.
 * @param times how many values of the schema an object can have
 * @throws Error when the rule does not parse
 */
export function ruleCost(rule: string, schema: Schema, times: number): number {
  const scope: Scope = new Map([
    ['self', schema],
    ['oldSelf', schema],
  ]);
  return Math.max(1, costOf(parseRule(rule), scope)) * times;
}

/** How many values of the schema of its elements a value can have, when there can be `times` of the value itself. */
export function timesBelow(schema: Schema, times: number): number {
  const fewest = leastBytes(elementOf(schema)) + 1;
  return Math.min(times * mostElements(schema), Math.floor(REQUEST_BYTES / fewest));
}

/** What is wrong with a cost; undefined when it is within its budget. */
export function excess(cost: number, budget: number): string | undefined {
  if (cost <= budget) return undefined;
  const factor = cost / budget;
  const told = factor > 100 ? 'more than 100x' : `${factor.toFixed(1)}x`;
  return `exceeds budget by factor of ${told} (try simplifying the rule, or adding maxItems, maxProperties, and maxLength where arrays, maps, and strings are declared)`;
}
