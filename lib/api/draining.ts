// Draining: the Placements on an Instance's machine leave it before it is wiped, installed anew or worked on.
//
// The scheduler moves them, as far as their groups let it; the Device controller waits until the ledger has none. Both go by the
// Instance as it is, ledger and wishes in one object: once a wish stands in it, nothing new is entered, so none left means none.
import type { Device, Instance } from './generated.ts';

export type DrainedFor = 'Release' | 'Reinstall' | 'Maintenance';

/** What the Placements have to leave for; undefined: they may stay. */
export function drainedFor(instance: Instance, device: Device | undefined): DrainedFor | undefined {
  const { metadata, spec, status } = instance;
  if (metadata.deletionTimestamp !== undefined && spec.locked !== true) return 'Release';
  const { reinstall } = spec.requests ?? {};
  const handled = status?.requests?.reinstall;
  if (reinstall && !(handled?.value === reinstall && handled.result === 'Succeeded')) return 'Reinstall';
  return device?.spec.maintenance?.enabled ? 'Maintenance' : undefined;
}

/** The names of those that the ledger still has. */
export const placementsLeft = ({ status }: Instance): readonly string[] =>
  (status?.allocated?.claims ?? []).map(({ name }) => name);

/**
 * Until when a release or a reinstallation waits for them, in milliseconds since the epoch: at most as long as
 * `spec.vmHost.drainSeconds` says, as long as it takes where that says nothing. Undefined: there is nothing to wait for.
 */
export function drainEnd(instance: Instance, now: number): number | undefined {
  if (placementsLeft(instance).length === 0) return undefined;
  const { drainSeconds } = instance.spec.vmHost ?? {};
  if (drainSeconds === undefined) return Number.POSITIVE_INFINITY;
  const since = instance.status?.drain?.since;
  const end = (since === undefined ? now : Date.parse(since)) + drainSeconds * 1000;
  return now < end ? end : undefined;
}

const MOST_NAMED = 5;

/** `2 of 5 Placements are left: a, b`; the number at the beginning where it is known. */
export function drainText(instance: Instance, of = instance.status?.drain?.of): string {
  const names = placementsLeft(instance);
  const count = of === undefined || of < names.length ? `${names.length}` : `${names.length} of ${of}`;
  if (names.length === 0) return `no Placement is left${of ? ` of ${of}` : ''}`;
  const more = names.length > MOST_NAMED ? ` and ${names.length - MOST_NAMED} more` : '';
  return `${count} Placements are left: ${names.slice(0, MOST_NAMED).join(', ')}${more}`;
}
