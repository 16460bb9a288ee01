// Whose turn it is to call the API server: so many at once, the others in order; those that are in no hurry when nobody else is there.

export interface Slots {
  /** Resolves when it is the caller's turn, which ends when what it gives is disposed of. Rejects with the signal's reason. */
  take(signal: AbortSignal): Promise<Disposable>;
  /** The same for one that steps aside while others have their turn, or wait for it, for LONGEST_ASIDE_MS at most. */
  takeAside(signal: AbortSignal): Promise<Disposable>;
}

/** So that those in no hurry still get on, if slowly, where there is never a pause. */
const LONGEST_ASIDE_MS = 20;

/** Lets `limit` in at once. */
export function createSlots(limit: number): Slots {
  let free = limit;
  const waiting = new Set<() => void>();
  const aside = new Set<() => void>();
  const slot = {
    [Symbol.dispose]() {
      const [next] = waiting;
      if (next) {
        waiting.delete(next);
        next();
      } else free++;
      if (free === limit) for (const idle of aside) idle();
    },
  };

  function take(signal: AbortSignal): Promise<Disposable> {
    if (signal.aborted) return Promise.reject(signal.reason);
    if (free > 0) {
      free--;
      return Promise.resolve(slot);
    }
    return new Promise((resolve, reject) => {
      const enter = () => {
        signal.removeEventListener('abort', leave);
        resolve(slot);
      };
      const leave = () => {
        waiting.delete(enter);
        reject(signal.reason);
      };
      waiting.add(enter);
      signal.addEventListener('abort', leave, { once: true });
    });
  }

  /** Resolves when nobody has a turn, when that took too long, or when `signal` aborts. */
  function idle(signal: AbortSignal): Promise<void> {
    if (free === limit || signal.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const go = () => {
        aside.delete(go);
        clearTimeout(timer);
        signal.removeEventListener('abort', go);
        resolve();
      };
      const timer = setTimeout(go, LONGEST_ASIDE_MS);
      aside.add(go);
      signal.addEventListener('abort', go, { once: true });
    });
  }

  return {
    take,
    async takeAside(signal) {
      await idle(signal);
      return take(signal);
    },
  };
}
