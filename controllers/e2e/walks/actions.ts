// What befalls a fleet on a walk: what people ask for, what Git takes back, what breaks and is mended, in an order that follows from a
// seed. Every part of such a list can be walked as well: what has become pointless is passed over. Pure.
import { createRandom } from '../../../lib/testing/random.ts';
import { type Change, createUser, type Population, type Wish } from '../hostile/changes.ts';

export const MACHINE_FAULTS = ['agent-silent', 'boot-hangs', 'other-serial'] as const;
export const BMC_FAULTS = ['silent', 'powerStuck', 'sessionsExhausted', 'powerAnswersLost', 'softOffIgnored'] as const;

export type Action =
  | { readonly type: 'change'; readonly change: Change }
  /** Git goes back to what was wanted earlier; what was asked for once is not asked for again by that. */
  | { readonly type: 'revert'; readonly name: string; readonly to: Pick<Wish, 'power' | 'hostsVMs'> }
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

  function changed(): Action {
    const change = user.next();
    if (change.type === 'create-instance' || change.type === 'change-instance')
      earlier.set(change.name, [...(earlier.get(change.name) ?? []), change.wish]);
    if (change.type === 'delete-instance') earlier.delete(change.name);
    return { type: 'change', change };
  }

  function breaks(name: string): Action {
    broken.add(name);
    return random() < 0.5
      ? { type: 'break', device: name, what: pick(MACHINE_FAULTS) }
      : { type: 'break-bmc', device: name, what: pick(BMC_FAULTS) };
  }

  function next(): Action {
    const lot = random();
    if (lot < 0.62) return changed();
    if (lot < 0.68) {
      const [name, wishes] = pick([...earlier, ['', []] as [string, Wish[]]]);
      const { power, hostsVMs } = wishes.length > 0 ? pick(wishes) : { power: 'On' as const, hostsVMs: false };
      return { type: 'revert', name, to: { power, hostsVMs } };
    }
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
