// What a restless user asks for: an endless sequence of changes that follows from a seed alone, and what is wanted after each.
import { createRandom } from '../../../lib/testing/random.ts';

/** The image's own, or written in netplan's form. */
export const NETWORKS = ['own', 'dhcp', 'bond'] as const;

/** What an Instance shall be. */
export interface Wish {
  readonly deviceType: string;
  readonly image: string;
  readonly power: 'On' | 'Off';
  readonly hostsVMs: boolean;
  /** How many public keys its user has. */
  readonly keys: number;
  readonly network: (typeof NETWORKS)[number];
  /** Values of spec.requests. */
  readonly requests: Readonly<Partial<Record<'restart' | 'reinstall' | 'resetPassword', string>>>;
}

export type Change =
  | { readonly type: 'create-instance'; readonly name: string; readonly wish: Wish }
  | { readonly type: 'change-instance'; readonly name: string; readonly wish: Wish }
  | { readonly type: 'delete-instance'; readonly name: string }
  | { readonly type: 'create-placement'; readonly name: string; readonly cpu: number }
  | { readonly type: 'delete-placement'; readonly name: string }
  | { readonly type: 'maintenance'; readonly device: string; readonly enabled: boolean }
  | { readonly type: 'put-away'; readonly device: string; readonly offered: boolean };

export interface Population {
  readonly devices: readonly string[];
  /** Types to ask for, and images. */
  readonly deviceTypes: readonly string[];
  readonly images: readonly string[];
  /** About so many Instances and Placements live at any time. */
  readonly instances: number;
  readonly placements: number;
}

/** What is wanted at the moment. */
export interface Wanted {
  readonly instances: ReadonlyMap<string, Wish>;
  readonly placements: ReadonlySet<string>;
  readonly inMaintenance: ReadonlySet<string>;
  readonly withdrawn: ReadonlySet<string>;
}

export interface User {
  readonly wanted: Wanted;
  next(): Change;
  /** What is left to ask for so that every device is on offer again, or in use. */
  conclude(): Change[];
}

export function createUser(seed: number, population: Population): User {
  const random = createRandom(seed);
  const instances = new Map<string, Wish>();
  const placements = new Set<string>();
  const inMaintenance = new Set<string>();
  const withdrawn = new Set<string>();
  let count = 0;
  /** The most devices that are withheld at a time. */
  const withheld = Math.ceil(population.devices.length / 20);

  const pick = <T>(items: Iterable<T>): T => {
    const all = [...items];
    return all[Math.floor(random() * all.length)]!;
  };
  const one = <T extends Change>(change: T): Change => change;

  function createInstance(): Change {
    const name = `instance-${++count}`;
    const wish: Wish = {
      deviceType: pick(population.deviceTypes),
      image: pick(population.images),
      power: random() < 0.9 ? 'On' : 'Off',
      hostsVMs: random() < 0.3,
      keys: 1,
      network: 'own',
      requests: {},
    };
    instances.set(name, wish);
    return one({ type: 'create-instance', name, wish });
  }

  function changeInstance(change: (wish: Wish) => Wish): Change {
    const name = pick(instances.keys());
    const wish = change(instances.get(name)!);
    instances.set(name, wish);
    return one({ type: 'change-instance', name, wish });
  }

  const request = (name: keyof Wish['requests']) => (wish: Wish) => ({
    ...wish,
    requests: { ...wish.requests, [name]: `${name}-${++count}` },
  });

  function toggle<T extends Change>(set: Set<string>, change: (device: string, is: boolean) => T): Change {
    const device = set.size >= withheld ? pick(set) : pick(population.devices);
    const is = !set.delete(device);
    if (is) set.add(device);
    return change(device, is);
  }

  function changePlacement(): Change {
    if (placements.size >= population.placements || (placements.size > 0 && random() < 0.4)) {
      const name = pick(placements);
      placements.delete(name);
      return one({ type: 'delete-placement', name });
    }
    const name = `placement-${++count}`;
    placements.add(name);
    return one({ type: 'create-placement', name, cpu: 1 + Math.floor(random() * 4) });
  }

  const kinds: readonly (readonly [share: number, make: () => Change])[] = [
    [
      20,
      () => {
        const name = pick(instances.keys());
        instances.delete(name);
        return one({ type: 'delete-instance', name });
      },
    ],
    [16, () => changeInstance((wish) => ({ ...wish, power: wish.power === 'On' ? 'Off' : 'On' }))],
    [10, () => changeInstance((wish) => request('reinstall')({ ...wish, image: pick(population.images) }))],
    [12, () => changeInstance(request('restart'))],
    [8, () => changeInstance(request('resetPassword'))],
    [4, () => changeInstance((wish) => ({ ...wish, keys: (wish.keys % 3) + 1 }))],
    [4, () => changeInstance((wish) => ({ ...wish, network: pick(NETWORKS) }))],
    [22, changePlacement],
    [6, () => toggle(inMaintenance, (device, enabled) => ({ type: 'maintenance', device, enabled }) as const)],
    [6, () => toggle(withdrawn, (device, is) => ({ type: 'put-away', device, offered: !is }) as const)],
  ];
  const total = kinds.reduce((sum, [share]) => sum + share, 0);

  return {
    wanted: { instances, placements, inMaintenance, withdrawn },
    next() {
      if (instances.size < population.instances) return createInstance();
      const at = random() * total;
      let sum = 0;
      for (const [share, make] of kinds) {
        sum += share;
        if (at < sum) return make();
      }
      return createInstance();
    },
    conclude() {
      const changes: Change[] = [
        ...[...inMaintenance].map((device) => ({ type: 'maintenance', device, enabled: false }) as const),
        ...[...withdrawn].map((device) => ({ type: 'put-away', device, offered: true }) as const),
      ];
      inMaintenance.clear();
      withdrawn.clear();
      return changes;
    },
  };
}
