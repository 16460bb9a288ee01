// The functions that Kubernetes adds to CEL (its "CEL libraries" page): quantities, URLs, addresses, regular expressions, lists.
import { isIP } from 'node:net';
import type { Environment } from '@marcbachmann/cel-js';
import { parseQuantity } from './quantity.ts';

type Ordered = bigint | number | string;

class Quantity {
  readonly value: number;
  constructor(text: string) {
    const value = parseQuantity(text);
    if (value === undefined) throw new Error(`${text} is not a quantity`);
    this.value = value;
  }
}

function sorted(list: readonly Ordered[]): boolean {
  return list.every((item, index) => index === 0 || list[index - 1]! <= item);
}

function extreme(list: readonly Ordered[], better: (a: Ordered, b: Ordered) => boolean): Ordered {
  const [first, ...rest] = list;
  if (first === undefined) throw new Error('called on an empty list');
  return rest.reduce((best, item) => (better(item, best) ? item : best), first);
}

/** Declares them in the environment and returns it. */
export function registerKubernetesFunctions(environment: Environment): Environment {
  return environment
    .registerType('kubernetes.Quantity', Quantity)
    .registerFunction('quantity(string): kubernetes.Quantity', (text: string) => new Quantity(text))
    .registerFunction('isQuantity(string): bool', (text: string) => parseQuantity(text) !== undefined)
    .registerFunction(
      'kubernetes.Quantity.isGreaterThan(kubernetes.Quantity): bool',
      (a: Quantity, b: Quantity) => a.value > b.value,
    )
    .registerFunction(
      'kubernetes.Quantity.isLessThan(kubernetes.Quantity): bool',
      (a: Quantity, b: Quantity) => a.value < b.value,
    )
    .registerFunction('kubernetes.Quantity.compareTo(kubernetes.Quantity): int', (a: Quantity, b: Quantity) =>
      BigInt(Math.sign(a.value - b.value)),
    )
    .registerFunction('isURL(string): bool', (text: string) => URL.canParse(text))
    .registerFunction('isIP(string): bool', (text: string) => isIP(text) > 0)
    .registerFunction(
      'string.find(string): string',
      (text: string, pattern: string) => new RegExp(pattern, 'u').exec(text)?.[0] ?? '',
    )
    .registerFunction('string.findAll(string): list<string>', (text: string, pattern: string) =>
      [...text.matchAll(new RegExp(pattern, 'gu'))].map((match) => match[0]),
    )
    .registerFunction('list.isSorted(): bool', sorted)
    .registerFunction('list.min(): dyn', (list: Ordered[]) => extreme(list, (a, b) => a < b))
    .registerFunction('list.max(): dyn', (list: Ordered[]) => extreme(list, (a, b) => a > b));
}
