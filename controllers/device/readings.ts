// What the BMC said just now, in the status. Pure.
import type { Readings } from './bmc-access.ts';
import type { Status } from './status.ts';

/** `now` is RFC 3339. */
export function withReadings(before: Status, { power, bmc }: Readings, now: string): Status {
  let status = before;
  if (power !== undefined && status.power?.state !== power)
    status = { ...status, power: { state: power, observedAt: now } };
  if (bmc) status = { ...status, bmc };
  const { credentials } = status;
  if (credentials?.tried && credentials.good?.digest !== credentials.tried.digest)
    status = { ...status, credentials: { ...credentials, good: credentials.tried } };
  if (power !== 'Off' || !status.system) return status;
  // A machine that is off runs no system: what it said of itself is of another boot.
  const { system: _, ...rest } = status;
  return rest;
}
