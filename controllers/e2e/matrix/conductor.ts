// Moves time on, kills the operator and cuts it off, each only when nobody makes headway any more: so a deadline never strikes those
// who were about to meet it, and one death serves all that wait for it.
import { setTimeout } from 'node:timers/promises';
import { Turns } from '../../../lib/bmc/turns.ts';
import { NO_FAULTS } from '../../../lib/sim/bmc/faults.ts';
import type { SimulatedFleet } from '../../../lib/sim/fleet.ts';
import type { Gate } from './gate.ts';
import type { Operators } from './operators.ts';
import type { WarpClock } from './warp-clock.ts';

/** Nobody has made headway for so long. */
const QUIET_MS = 1000;
/** Where a BMC is out of order, headway takes longer: it is asked again and again. */
const QUIET_AROUND_BMC_MS = 4000;
const LOOK_MS = 100;
const LATE_MS = 2 * LOOK_MS;
/** How far time is moved on: less than an agent may be silent first, further as long as nothing comes of it. */
const WARP = { leastMs: 20_000, mostMs: 400_000 };
const NEVER = new AbortController().signal;
const OUTAGE_MS = 1500;

export interface Conductor {
  readonly hold: (by: 'killed' | 'cut off') => Promise<void>;
  /** At once, whoever makes headway. */
  strike(by: 'killed' | 'cut off'): Promise<void>;
  run(signal: AbortSignal): Promise<void>;
}

export function createConductor(on: {
  gate: Gate;
  clock: WarpClock;
  operators: Operators;
  fleet: SimulatedFleet;
  say: (what: string) => void;
}): Conductor {
  const { gate, clock, operators, fleet, say } = on;
  const held: { by: 'killed' | 'cut off'; release: () => void }[] = [];
  let warpMs = WARP.leastMs;

  function released(by: 'killed' | 'cut off'): number {
    const those = held.filter((one) => one.by === by);
    for (const one of those) {
      held.splice(held.indexOf(one), 1);
      one.release();
    }
    return those.length;
  }

  async function strike(by: 'killed' | 'cut off'): Promise<void> {
    if (by === 'killed') {
      const death = operators.kill();
      const count = released(by);
      await death;
      await operators.start();
      say(`killed at ${count} places at once`);
    } else {
      gate.close(true);
      const count = released(by);
      await setTimeout(OUTAGE_MS);
      gate.close(false);
      say(`cut off at ${count} places at once`);
    }
    warpMs = WARP.leastMs;
  }

  /** Whatever has been waited for longest. */
  async function moveOn(): Promise<void> {
    const [first] = held;
    if (first) return strike(first.by);
    clock.warp(warpMs);
    warpMs = Math.min(warpMs * 2, WARP.mostMs);
  }

  const turns = new Turns();

  return {
    strike: (by) => turns.run(NEVER, () => strike(by)),
    hold: (by) => new Promise((resolve) => held.push({ by, release: resolve })),
    async run(signal) {
      let changes = 0;
      for (const machine of fleet.machines) machine.onChange(() => changes++);
      const headway = () => `${gate.passed} ${changes}`;
      let last = headway();
      let quietMs = 0;
      while (!signal.aborted) {
        const began = performance.now();
        await setTimeout(LOOK_MS);
        const now = headway();
        if (now !== last) warpMs = WARP.leastMs;
        // A look that comes late, or a call without an answer, says that this machine is busy, not that nobody gets on.
        const isBusy = performance.now() - began > LATE_MS || gate.underWay > 0;
        quietMs = now === last && !isBusy ? quietMs + LOOK_MS : 0;
        last = now;
        const isBmcOut = fleet.machines.some(({ name }) => fleet.bmc(name).faults !== NO_FAULTS);
        if (quietMs < (isBmcOut ? QUIET_AROUND_BMC_MS : QUIET_MS)) continue;
        quietMs = 0;
        await turns.run(NEVER, moveOn);
      }
    },
  };
}
