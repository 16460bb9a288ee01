// The window that drops replayed packets of a session (IPMI 2.0 §6.12.14): 16 ahead of the newest, 15 behind, each once.

const AHEAD = 16;
const BEHIND = 15;

/** Sequence numbers are 32 bits and skip 0. Each side of a session keeps one window for what it receives. */
export class ReplayWindow {
  #newest: number;
  #seen = 0; // bit n: newest - n was received

  /** Sessions begin after 0. */
  constructor(newest = 0) {
    this.#newest = newest;
  }

  /** True once for every number inside the window. To be asked only after the packet's signature held. */
  accept(sequence: number): boolean {
    if (sequence === 0) return false;
    const ahead = (sequence - this.#newest) | 0; // wraps as the numbers do
    if (ahead > 0) return this.#advance(sequence, ahead);
    if (-ahead > BEHIND || this.#seen & (1 << -ahead)) return false;
    this.#seen |= 1 << -ahead;
    return true;
  }

  #advance(sequence: number, ahead: number): boolean {
    if (ahead > AHEAD) return false;
    this.#newest = sequence;
    this.#seen = ((this.#seen << ahead) | 1) & 0xffff;
    return true;
  }
}

/** The number after this one: 32 bits, never 0. */
export function nextSequence(sequence: number): number {
  return sequence >= 0xffff_ffff ? 1 : sequence + 1;
}
