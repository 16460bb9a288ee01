// The one way in which a decoder of this folder fails.

/** What was received is not what the specification says it must be. No decoder throws anything else. */
export class WireError extends Error {
  override readonly name = 'WireError';
}

/** Throws a WireError unless at least `length` bytes are there. */
export function need(bytes: Buffer, length: number, what: string): void {
  if (bytes.length < length) throw new WireError(`${what}: ${bytes.length} bytes, at least ${length} needed`);
}
