// Amounts of resources as the API writes them, and as the scheduler counts them.
import { bytes, millicores } from '../../api/quantity.ts';
import { quantity } from '../quota.ts';
import type { Resources } from '../types.ts';

type Quantities = Readonly<Record<string, number | string | undefined>>;

/** Millicores of cpu; bytes of memory and storage, and whole units of everything else, rounded up. Throws QuantityError. */
export const amountOf = (name: string, value: number | string): number =>
  name === 'cpu' ? millicores(value) : bytes(value);

/** What is there of it. Throws QuantityError. */
export const amountsIn = (quantities: Quantities): Resources =>
  Object.fromEntries(
    Object.entries(quantities).flatMap(([name, value]) => (value === undefined ? [] : [[name, amountOf(name, value)]])),
  );

export const quantitiesOf = (amounts: Resources): Record<string, string> =>
  Object.fromEntries(Object.entries(amounts).map(([name, amount]) => [name, quantity(name, amount)]));

export function sumOf(list: readonly Resources[]): Resources {
  const sum: Record<string, number> = {};
  for (const amounts of list) {
    for (const [name, amount] of Object.entries(amounts)) sum[name] = (sum[name] ?? 0) + amount;
  }
  return sum;
}
