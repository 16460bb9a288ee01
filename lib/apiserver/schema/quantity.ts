// Quantities as Kubernetes writes them (apimachinery resource.Quantity): "100m", "8Gi", "1e3".

const SUFFIXES = new Map<string, number>([
  ['', 1],
  ['n', 1e-9],
  ['u', 1e-6],
  ['m', 1e-3],
  ['k', 1e3],
  ['M', 1e6],
  ['G', 1e9],
  ['T', 1e12],
  ['P', 1e15],
  ['E', 1e18],
  ['Ki', 2 ** 10],
  ['Mi', 2 ** 20],
  ['Gi', 2 ** 30],
  ['Ti', 2 ** 40],
  ['Pi', 2 ** 50],
  ['Ei', 2 ** 60],
]);

/** The quantity as a number of base units (exact up to 2^53); undefined when the text is no quantity. */
export function parseQuantity(text: string): number | undefined {
  const match = /^([+-]?(?:\d+(?:\.\d*)?|\.\d+))(?:([eE][+-]?\d+)|([a-zA-Z]*))$/.exec(text);
  if (!match) return undefined;
  const [, digits = '', exponent, suffix = ''] = match;
  if (exponent) return Number(digits + exponent);
  const factor = SUFFIXES.get(suffix);
  if (factor === undefined) return undefined;
  // Dividing by a whole power keeps "100m" exact where multiplying by 1e-3 would not.
  return factor < 1 ? Number(digits) / Math.round(1 / factor) : Number(digits) * factor;
}
