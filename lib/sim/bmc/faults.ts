// What may go wrong with a simulated BMC, on request and the same way every time for the same seed.

export interface Faults {
  /** Share of datagrams lost, each way; 0 to 1. */
  readonly loss: number;
  /** Share of answers sent twice. */
  readonly duplication: number;
  /** Share of answers in which one byte is flipped. */
  readonly corruption: number;
  /** Milliseconds that an answer is held back, drawn evenly; a wide range reorders. */
  readonly delay: readonly [least: number, most: number];
  /** Hears nothing, says nothing. */
  readonly silent: boolean;
  /** No password is right any more. */
  readonly wrongCredentials: boolean;
  /** Accepts every power command and does nothing. */
  readonly powerStuck: boolean;
  /** The host ignores being asked to shut down. */
  readonly softOffIgnored: boolean;
  /** Carries out every power command, repeated ones once more, and the answers are lost. */
  readonly powerAnswersLost: boolean;
  /** Refuses every new session for want of a slot. */
  readonly sessionsExhausted: boolean;
  /** Refuses to lend the machine a disc, and to take one back. */
  readonly mediaRefused: boolean;
  /** Says that it has, and has not. */
  readonly mediaStuck: boolean;
}

export const NO_FAULTS: Faults = {
  loss: 0,
  duplication: 0,
  corruption: 0,
  delay: [0, 0],
  silent: false,
  wrongCredentials: false,
  powerStuck: false,
  softOffIgnored: false,
  powerAnswersLost: false,
  sessionsExhausted: false,
  mediaRefused: false,
  mediaStuck: false,
};

/** Numbers from 0 up to 1, reproducible: Marsaglia's xorshift32. */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0 || 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    state >>>= 0;
    return state / 0x1_0000_0000;
  };
}

/** When to send an answer, in milliseconds from now, and with which bytes: none, one or two of them. */
export function disturb(faults: Faults, random: () => number, answer: Buffer): { delay: number; datagram: Buffer }[] {
  if (faults.silent || random() < faults.loss) return [];
  const copies = random() < faults.duplication ? 2 : 1;
  const [least, most] = faults.delay;
  return Array.from({ length: copies }, () => ({
    delay: least + random() * (most - least),
    datagram: random() < faults.corruption ? flipped(answer, random) : answer,
  }));
}

function flipped(answer: Buffer, random: () => number): Buffer {
  const datagram = Buffer.from(answer);
  const at = Math.floor(random() * datagram.length);
  datagram[at]! ^= 1 << Math.floor(random() * 8);
  return datagram;
}
