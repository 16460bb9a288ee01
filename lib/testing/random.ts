// Random numbers that a seed brings back: what failed once can be run again.

/** Numbers in [0, 1), the same for the same seed (Marsaglia's 32-bit xorshift). */
export function createRandom(seed: number): () => number {
  // Small seeds give small first numbers: spread them over the word. The state must not be 0.
  let state = Math.imul(seed, 0x9e3779b1) | 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
}
