// A clock that runs as the system's does, and can be moved on: deadlines of a quarter of an hour need no waiting once nothing
// else is going on.
import { type Clock, systemClock, type Timer } from '../../../lib/runtime/clock.ts';

export interface WarpClock extends Clock {
  /** Moves time on by so many milliseconds: timers that are due then fire. */
  warp(ms: number): void;
}

export function createWarpClock(): WarpClock {
  let ahead = 0;
  const waiting = new Set<{ due: number; timer: Timer; fire: () => void }>();
  const monotonic = () => systemClock.monotonic() + ahead;
  return {
    now: () => systemClock.now() + ahead,
    monotonic,
    after(ms, fire) {
      const entry = {
        due: monotonic() + ms,
        timer: systemClock.after(ms, () => entry.fire()),
        fire: () => {
          waiting.delete(entry);
          fire();
        },
      };
      waiting.add(entry);
      return {
        cancel() {
          waiting.delete(entry);
          entry.timer.cancel();
        },
      };
    },
    warp(ms) {
      ahead += ms;
      for (const entry of waiting) {
        entry.timer.cancel();
        entry.timer = systemClock.after(entry.due - monotonic(), () => entry.fire());
      }
    },
  };
}
