// What sensors say is wrong with each machine, so that it is told once and not at every flicker. In memory: the sensors know.

import { type Condition, setCondition } from '../../lib/runtime/conditions.ts';
import type { Status } from './status.ts';

export interface Problem {
  /** The sensor's name. */
  readonly name: string;
  readonly severity: 'warning' | 'critical';
}

/** Problems that two readings in a row agree on, the gravest first. */
export interface SeenHealth {
  readonly problems: readonly Problem[];
}

interface Seen {
  readonly told: readonly Problem[];
  /** What the last reading said; it is told when the next one says the same. */
  readonly last: string;
}

const MOST_NAMED = 5;

const same = (problems: readonly Problem[]) => JSON.stringify(problems);

function ordered(problems: readonly Problem[]): Problem[] {
  return problems.toSorted((a, b) => a.severity.localeCompare(b.severity) || a.name.localeCompare(b.name));
}

export class HealthBoard {
  readonly #seen = new Map<string, Seen>();

  /** Undefined until two readings have agreed. */
  of(device: string): SeenHealth | undefined {
    const seen = this.#seen.get(device);
    return seen && { problems: seen.told };
  }

  /** Notes a reading. True when what is to be told has changed by it. The first reading of all counts at once. */
  saw(device: string, problems: readonly Problem[]): boolean {
    const now = ordered(problems);
    const before = this.#seen.get(device);
    const agreed = !before || before.last === same(now);
    const told = agreed ? now : before.told;
    this.#seen.set(device, { told, last: same(now) });
    return !before || same(told) !== same(before.told);
  }

  forget(device: string): void {
    this.#seen.delete(device);
  }
}

/** "CPU1 Temp critical, FAN1 warning and 3 more"; sensors by name, without values, which move all the time. */
export function healthText(problems: readonly Problem[]): string {
  const named = problems.slice(0, MOST_NAMED).map(({ name, severity }) => `${name} ${severity}`);
  const more = problems.length - named.length;
  return named.join(', ') + (more > 0 ? ` and ${more} more` : '');
}

/** The status with the condition Healthy as the sensors have it; as it was while they have not been read yet. */
export function withHealth(
  status: Status,
  seen: SeenHealth | undefined,
  observedGeneration: number | undefined,
  now: string,
): Status {
  if (!seen) return status;
  const { problems } = seen;
  const grave = problems.some(({ severity }) => severity === 'critical');
  const told =
    problems.length === 0
      ? { status: 'True' as const, reason: 'SensorsGood' as const, message: 'no sensor reports a problem' }
      : {
          status: 'False' as const,
          reason: grave ? ('SensorsCritical' as const) : ('SensorsWarning' as const),
          message: healthText(problems),
        };
  const before = (status.conditions ?? []) as readonly Condition[];
  const conditions = setCondition(before, { type: 'Healthy', ...told, observedGeneration }, now);
  return conditions === before ? status : { ...status, conditions: conditions as NonNullable<Status['conditions']> };
}
