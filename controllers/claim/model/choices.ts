// Random choices that a seed brings back.
import { createRandom } from '../../../lib/testing/random.ts';

export interface Choices {
  /** A whole number below `limit`. */
  below(limit: number): number;
  pick<T>(items: readonly T[]): T;
  chance(probability: number): boolean;
}

export function createChoices(seed: number): Choices {
  const next = createRandom(seed);
  const below = (limit: number) => Math.floor(next() * limit);
  return { below, pick: (items) => items[below(items.length)]!, chance: (probability) => next() < probability };
}
