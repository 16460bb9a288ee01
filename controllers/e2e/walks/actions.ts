// What befalls a fleet on a walk: what people ask for, what Git takes back, what breaks and is mended, in an order that follows from a
// seed. Every part of such a list can be walked as well: what has become pointless is passed over. Pure.
import { createRandom } from '../../../lib/testing/random.ts';
import { type Change, createUser, type Population, type Wish } from '../hostile/changes.ts';

export const MACHINE_FAULTS = ['agent-silent', 'boot-hangs', 'other-serial'] as const;
export const BMC_FAULTS = ['silent', 'powerStuck', 'sessionsExhausted', 'powerAnswersLost', 'softOffIgnored'] as const;

/** What Git takes back; what was asked for once is not asked for again by that. */
export type Reverted = Omit<Wish, 'requests' | 'deviceType'>;

export type Action =
  | { readonly type: 'change'; readonly change: Change }
  /** Git goes back to what was wanted earlier. */
  | { readonly type: 'revert'; readonly name: string; readonly to: Pick<Wish, 'power' | 'hostsVMs'> }
  /** Git brings back what was deleted, as it was wanted last: as soon as the old one is gone. */
  | { readonly type: 'undelete'; readonly name: string; readonly wish: Wish }
  /** A lock refuses the deletion of an Instance, also one that is asked for already. */
  | { readonly type: 'lock'; readonly name: string; readonly locked: boolean }
  /** The Instance on the device is deleted at the moment that the device stands at this step. */
  | { readonly type: 'delete-at'; readonly device: string; readonly step: string }
  | { readonly type: 'break'; readonly device: string; readonly what: (typeof MACHINE_FAULTS)[number] }
  | { readonly type: 'break-bmc'; readonly device: string; readonly what: (typeof BMC_FAULTS)[number] }
  | { readonly type: 'mend'; readonly device: string }
  | { readonly type: 'cut-power'; readonly device: string }
  | { readonly type: 'restart-agent'; readonly device: string }
  | { readonly type: 'kill' }
  | { readonly type: 'cut-off' };

const STEPS = ['network-boot', 'await-agent', 'write-image', 'write-seed', 'power-down', 'disk-boot', 'await-system'];

export function actionsOf(seed: number, count: number, population: Population): Action[] {
  const random = createRandom(seed);
  const user = createUser(seed, population);
  const earlier = new Map<string, Wish[]>();
  const pick = <T>(all: readonly T[]): T => all[Math.floor(random() * all.length)]!;
  const device = () => pick(population.devices);
  const broken = new Set<string>();
  const deleted = new Map<string, Wish>();
  const opposites: Change[] = [];
  let undeleted = 0;

  function changed(): Action {
    const change = user.next();
    if (change.type === 'create-instance' || change.type === 'change-instance')
      earlier.set(change.name, [...(earlier.get(change.name) ?? []), change.wish]);
    if (change.type === 'delete-instance') {
      const wish = earlier.get(change.name)?.at(-1);
      if (wish) deleted.set(change.name, wish);
      earlier.delete(change.name);
    }
    if (change.type === 'maintenance') opposites.push({ ...change, enabled: !change.enabled });
    if (change.type === 'put-away') opposites.push({ ...change, offered: !change.offered });
    return { type: 'change', change };
  }

  /** Git goes back: in what an Instance is, in what a Device is offered for, in what is there at all. */
  function reverts(): Action | undefined {
    const lot = random();
    if (lot < 0.2) {
      const change = opposites.pop();
      return change && { type: 'change', change };
    }
    if (lot < 0.4) {
      const [last] = [...deleted].slice(-1);
      // There are not machines for more than the user would have at a time, and a few.
      if (!last || undeleted >= population.devices.length / 20) return undefined;
      undeleted++;
      deleted.delete(last[0]);
      return { type: 'undelete', name: last[0], wish: last[1] };
    }
    if (earlier.size === 0) return undefined;
    const [name, wishes] = pick([...earlier]);
    const { requests: _, deviceType: _type, ...to } = pick(wishes);
    return { type: 'revert', name, to };
  }

  function breaks(name: string): Action {
    broken.add(name);
    return random() < 0.5
      ? { type: 'break', device: name, what: pick(MACHINE_FAULTS) }
      : { type: 'break-bmc', device: name, what: pick(BMC_FAULTS) };
  }

  function next(): Action {
    const lot = random();
    if (lot < 0.56) return changed();
    if (lot < 0.66) return reverts() ?? changed();
    if (lot < 0.69 && earlier.size > 0)
      return { type: 'lock', name: pick([...earlier.keys()]), locked: random() < 0.6 };
    if (lot < 0.74) return { type: 'delete-at', device: device(), step: pick(STEPS) };
    if (lot < 0.84) return breaks(device());
    if (lot < 0.92) {
      const [name = device()] = broken;
      broken.delete(name);
      return { type: 'mend', device: name };
    }
    if (lot < 0.95) return { type: 'cut-power', device: device() };
    if (lot < 0.97) return { type: 'restart-agent', device: device() };
    return lot < 0.985 ? { type: 'kill' } : { type: 'cut-off' };
  }
  return Array.from({ length: count }, next);
}
