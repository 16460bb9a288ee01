// Kubernetes quantities ("4", "500m", "8Gi") as exact integers: millicores for CPU, bytes for memory and disks.

const SUFFIX: Record<string, bigint> = {
  '': 1n,
  k: 10n ** 3n,
  M: 10n ** 6n,
  G: 10n ** 9n,
  T: 10n ** 12n,
  P: 10n ** 15n,
  Ki: 2n ** 10n,
  Mi: 2n ** 20n,
  Gi: 2n ** 30n,
  Ti: 2n ** 40n,
  Pi: 2n ** 50n,
};

export class QuantityError extends Error {
  override readonly name = 'QuantityError';
}

/** The quantity in thousandths, exact. Throws QuantityError for what is not a non-negative quantity. */
function thousandths(quantity: number | string): bigint {
  const match = /^(\d+)(?:\.(\d{1,18}))?(m|k|M|G|T|P|Ki|Mi|Gi|Ti|Pi)?$/.exec(String(quantity));
  if (!match)
    throw new QuantityError(`"${quantity}" is not a quantity: expected a number with a suffix such as 500m, 4, 8Gi`);
  const [, whole = '', fraction = '', suffix = ''] = match;
  const digits = BigInt(whole + fraction);
  const scale = 10n ** BigInt(fraction.length);
  const numerator = suffix === 'm' ? digits : digits * SUFFIX[suffix]! * 1000n;
  return (numerator + scale - 1n) / scale;
}

const ceilDiv = (a: bigint, b: bigint) => (a + b - 1n) / b;

function exact(value: bigint, quantity: number | string): number {
  if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw new QuantityError(`"${quantity}" is too large`);
  return Number(value);
}

/** CPU in millicores; fractions of one are rounded up, as Kubernetes does. */
export const millicores = (quantity: number | string): number => exact(thousandths(quantity), quantity);

/** Bytes; fractions of one are rounded up. */
export const bytes = (quantity: number | string): number => exact(ceilDiv(thousandths(quantity), 1000n), quantity);

/** Millicores in canonical form: whole cores where they are. */
export const formatMillicores = (value: number): string => (value % 1000 === 0 ? String(value / 1000) : `${value}m`);

/** Bytes in canonical form: the largest binary suffix that keeps the value whole. */
export function formatBytes(value: number): string {
  for (const suffix of ['Pi', 'Ti', 'Gi', 'Mi', 'Ki'] as const) {
    const unit = Number(SUFFIX[suffix]);
    if (value >= unit && value % unit === 0) return `${value / unit}${suffix}`;
  }
  return String(value);
}
