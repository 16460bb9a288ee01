// One at a time: what shares a BMC waits here for its turn.

/** A lock handed on in order of arrival. A waiter that gives up leaves the queue at once. */
export class Turns {
  #busy = false;
  readonly #waiting: (() => void)[] = [];

  /** True while somebody has the turn. */
  get busy(): boolean {
    return this.#busy;
  }

  /**
   * Runs `work` alone. Rejects with the signal's reason when that fires before the turn came; where that is a deadline, with what
   * `late` makes of it.
   */
  async run<T>(signal: AbortSignal, work: () => Promise<T>, late?: (deadline: Error) => Error): Promise<T> {
    try {
      signal.throwIfAborted();
      if (this.#busy) await this.#wait(signal);
    } catch (error) {
      throw late && error instanceof Error && error.name === 'TimeoutError' ? late(error) : error;
    }
    this.#busy = true;
    try {
      return await work();
    } finally {
      const next = this.#waiting.shift();
      if (next) next();
      else this.#busy = false;
    }
  }

  #wait(signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const enter = () => {
        signal.removeEventListener('abort', leave);
        resolve();
      };
      const leave = () => {
        this.#waiting.splice(this.#waiting.indexOf(enter), 1);
        reject(signal.reason as Error);
      };
      this.#waiting.push(enter);
      signal.addEventListener('abort', leave, { once: true });
    });
  }
}
