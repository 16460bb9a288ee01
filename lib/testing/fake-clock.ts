// A clock that stands still until a test moves it.
import { setImmediate } from 'node:timers/promises';
import type { Clock } from '../runtime/clock.ts';

export interface FakeClock extends Clock {
  /** Moves time on: what falls due fires in order, each at its own time, and what that starts is let run. */
  advance(ms: number): Promise<void>;
  /** Moves time on while nothing fires, as for a process that is stopped. */
  freeze(ms: number): void;
  /** Timers waiting. */
  pending(): number;
}

/** Starts at `now` (milliseconds since 1970) by the wall clock and at 0 by the monotonic one. */
export function createFakeClock(now = Date.UTC(2026, 0, 1)): FakeClock {
  let elapsed = 0;
  let sequence = 0;
  const timers = new Map<number, { due: number; fire: () => void }>();

  const nextDue = (until: number) =>
    [...timers].filter(([, timer]) => timer.due <= until).sort(([a, x], [b, y]) => x.due - y.due || a - b)[0];

  return {
    now: () => now + elapsed,
    monotonic: () => elapsed,
    after(ms, fire) {
      const id = sequence++;
      timers.set(id, { due: elapsed + Math.max(0, ms), fire });
      return { cancel: () => timers.delete(id) };
    },
    pending: () => timers.size,
    freeze(ms) {
      elapsed += ms;
    },
    async advance(ms) {
      const until = elapsed + ms;
      await setImmediate();
      for (let next = nextDue(until); next; next = nextDue(until)) {
        const [id, timer] = next;
        timers.delete(id);
        elapsed = Math.max(elapsed, timer.due);
        timer.fire();
        await setImmediate();
      }
      elapsed = until;
    },
  };
}
