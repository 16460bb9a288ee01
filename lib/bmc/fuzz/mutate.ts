// Damages what a BMC might send: bytes as a bad line or a bad firmware would, JSON values as a bad service would.

/** Numbers in [0, 1). */
export type Random = () => number;

const upTo = (random: Random, most: number) => Math.floor(random() * most);
const oneOf = <T>(random: Random, from: readonly T[]): T => from[upTo(random, from.length)]!;

/** Where counters, signs and lengths turn over. */
const EDGES = [0x00, 0x01, 0x0f, 0x10, 0x3f, 0x40, 0x7f, 0x80, 0xc0, 0xc1, 0xfe, 0xff];
const MOST_ADDED = 80;

type Change = (bytes: Buffer, random: Random) => Buffer;

const CHANGES: readonly Change[] = [
  (bytes, random) => replaced(bytes, random, (byte) => byte ^ (1 << upTo(random, 8))),
  (bytes, random) => replaced(bytes, random, () => upTo(random, 256)),
  (bytes, random) => replaced(bytes, random, () => oneOf(random, EDGES)),
  (bytes, random) => bytes.subarray(0, upTo(random, bytes.length + 1)),
  (bytes, random) => bytes.subarray(upTo(random, bytes.length + 1)),
  (bytes, random) => spliced(bytes, random, 0, Buffer.of(upTo(random, 256))),
  (bytes, random) => spliced(bytes, random, 1, Buffer.alloc(0)),
  (bytes, random) => spliced(bytes, random, 0, Buffer.alloc(upTo(random, MOST_ADDED), oneOf(random, EDGES))),
  (bytes, random) => spliced(bytes, random, upTo(random, 4), bytes.subarray(upTo(random, bytes.length + 1))),
];

function replaced(bytes: Buffer, random: Random, by: (byte: number) => number): Buffer {
  if (bytes.length === 0) return bytes;
  const copy = Buffer.from(bytes);
  const at = upTo(random, copy.length);
  copy[at] = by(copy[at]!);
  return copy;
}

function spliced(bytes: Buffer, random: Random, removed: number, added: Buffer): Buffer {
  const at = upTo(random, bytes.length + 1);
  return Buffer.concat([bytes.subarray(0, at), added, bytes.subarray(at + removed)]);
}

/** One to four changes to a copy. */
export function mutatedBytes(bytes: Buffer, random: Random): Buffer {
  let result = bytes;
  for (let changes = 1 + upTo(random, 4); changes > 0; changes--) result = oneOf(random, CHANGES)(result, random);
  return result;
}

/** What no service should send, and some do: other types, edges, and names that JavaScript's objects have of their own. */
const STRANGE: readonly unknown[] = [
  null,
  true,
  0,
  -1,
  1e308,
  '',
  ' ',
  '\0\u001b[2J',
  'constructor',
  '__proto__',
  'toString',
  'hasOwnProperty',
  '/redfish/v1/../../etc/passwd',
  '//elsewhere/redfish/',
  'x'.repeat(5000),
  [],
  {},
  [[[[]]]],
  [null, 1, 'text', {}],
  { '@odata.id': 7 },
  { '@odata.id': 'https://elsewhere/redfish/v1' },
];

/** A copy with one to four values somewhere in it replaced, removed or put under another's name. */
export function mutatedJson(value: unknown, random: Random): unknown {
  let result = value;
  for (let changes = 1 + upTo(random, 4); changes > 0; changes--) result = changedSomewhere(result, random);
  return result;
}

function changedSomewhere(value: unknown, random: Random): unknown {
  if (typeof value !== 'object' || value === null || random() < 0.1) return oneOf(random, STRANGE);
  if (Array.isArray(value)) {
    if (value.length === 0) return [oneOf(random, STRANGE)];
    const at = upTo(random, value.length);
    return value.with(at, changedSomewhere(value[at], random));
  }
  const entries = Object.entries(value);
  if (entries.length === 0) return oneOf(random, STRANGE);
  const at = upTo(random, entries.length);
  const [key, inner] = entries[at]!;
  const choice = random();
  if (choice < 0.1) return Object.fromEntries(entries.toSpliced(at, 1));
  if (choice < 0.2) return Object.fromEntries(entries.with(at, [key, oneOf(random, entries)[1]]));
  return Object.fromEntries(entries.with(at, [key, changedSomewhere(inner, random)]));
}
