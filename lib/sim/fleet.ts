// The simulated fleet: machines with their BMCs on the wire, and the image mirror that they install from.
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Log } from '../observe/log.ts';
import { type Clock, systemClock } from '../runtime/clock.ts';
import { SimulatedBmc } from './bmc/bmc.ts';
import { SimulatedMachine } from './machine/machine.ts';
import { type MachineProfile, machineProfile } from './machine/profile.ts';
import { type JournalEntry, type Timings, WATCHABLE } from './machine/types.ts';
import { type BmcAccount, type Manifest, machineManifests, sharedManifests } from './manifests.ts';
import { type Mirror, type MirroredImage, startMirror } from './mirror.ts';
import { FleetStore } from './store.ts';

export type { Fault, JournalEntry, MachineState, Timings } from './machine/types.ts';
export { INSTANT, WATCHABLE } from './machine/types.ts';
export type { Manifest } from './manifests.ts';

export interface FleetOptions {
  readonly count: number;
  /** Where the fleet lives on, ports included; without it nothing outlives the process. */
  readonly dir?: string;
  /** The first machine's BMC port, the next ones follow; 0: any free ones. Default 6231. A port once taken is kept in `dir`. */
  readonly basePort?: number;
  /** Where a machine boots from the network, as DHCP tells it: the operator's `bootUrl`; undefined: it is not answered. */
  readonly bootUrl: (macAddress: string) => string | undefined;
  /** Default: fast enough to watch, slow enough to see. */
  readonly timings?: Partial<Timings>;
  /** Two fleets of one seed have the same machines. 1 to 255, default 1. */
  readonly seed?: number;
  readonly clock?: Clock;
  readonly log: Log;
}

export interface SimulatedFleet {
  readonly machines: readonly SimulatedMachine[];
  /** @throws RangeError when there is none of that name, as bmc() and address(). */
  machine(name: string): SimulatedMachine;
  /** Its BMC on the wire, for faults of the wire. */
  bmc(name: string): SimulatedBmc;
  /** ipmi://127.0.0.1:PORT */
  address(name: string): string;
  /** What the mirror serves. */
  readonly images: readonly MirroredImage[];
  /** @throws RangeError when the mirror has none of that name. */
  imageUrl(name: string): string;
  readonly mirror: Pick<Mirror, 'fault'>;
  /** Everything to import the fleet: Site, DeviceTypes, Images, and per machine a Device and the Secret of its BMC. */
  manifests(): readonly Manifest[];
  /** What happened to the machines, in order: what crash tests check. */
  record(): readonly JournalEntry[];
  /** Ends as a power cut does: with a directory, the next start goes on from there. */
  close(): Promise<void>;
}

/** Every BMC of a simulated fleet, until it is given another. No secret: it guards nothing. */
export const ACCOUNT: BmcAccount = { username: 'admin', password: 'simulated' };

const DEFAULT_BASE_PORT = 6231;
const MEMORY = ':memory:';

interface Member {
  readonly machine: SimulatedMachine;
  readonly bmc: SimulatedBmc;
  readonly address: string;
}

/** The image mirror's TCP port stands before the BMCs' UDP ports. */
const mirrorPort = ({ basePort = DEFAULT_BASE_PORT }: FleetOptions): number => (basePort === 0 ? 0 : basePort - 1);

/** @throws when a port is taken, or RangeError when the directory holds a fleet of another seed. */
export async function startFleet(options: FleetOptions): Promise<SimulatedFleet> {
  const { count, dir, seed = 1 } = options;
  await using opened = new AsyncDisposableStack();
  if (dir !== undefined) await mkdir(dir, { recursive: true });
  const store = opened.use(new FleetStore(dir === undefined ? MEMORY : join(dir, 'fleet.db')));
  keepSeed(store, seed);

  const mirror = opened.adopt(await startMirror(keptPort(store, 'mirror', mirrorPort(options))), (each) =>
    each.close(),
  );
  store.saveSetting('port mirror', String(mirror.port));
  const members = new Map<string, Member>();
  for (let index = 0; index < count; index++) {
    const member = await startMember(options, store, machineProfile(seed, index), index);
    opened.defer(() => member.bmc.close());
    opened.defer(() => member.machine.close());
    members.set(member.machine.name, member);
  }
  for (const { machine } of members.values()) machine.restore();

  const member = (name: string): Member => {
    const found = members.get(name);
    if (!found) throw new RangeError(`the fleet has no machine ${name}`);
    return found;
  };
  const running = opened.move();
  return {
    machines: [...members.values()].map(({ machine }) => machine),
    machine: (name) => member(name).machine,
    bmc: (name) => member(name).bmc,
    address: (name) => member(name).address,
    images: mirror.images,
    imageUrl(name) {
      const found = mirror.images.find((image) => image.name === name);
      if (!found) throw new RangeError(`the mirror has no image ${name}`);
      return found.url;
    },
    mirror,
    manifests: () => [
      ...sharedManifests(mirror.images),
      ...[...members.values()].flatMap(({ machine, address }) => machineManifests(machine.profile, address, ACCOUNT)),
    ],
    record: () => store.journal(),
    close: () => running.disposeAsync(),
  };
}

async function startMember(
  options: FleetOptions,
  store: FleetStore,
  profile: MachineProfile,
  index: number,
): Promise<Member> {
  const { bootUrl, log, clock = systemClock, basePort = DEFAULT_BASE_PORT } = options;
  const timings = { ...WATCHABLE, ...options.timings };
  const machine = new SimulatedMachine({ profile, store, timings, clock, bootUrl, log });
  const kept = `password ${profile.name}`;
  const password = store.setting(kept) ?? ACCOUNT.password;
  const bmc = new SimulatedBmc({
    chassis: machine,
    users: [{ name: ACCOUNT.username, password, privilege: 'administrator' }],
    passwordChanged: (user) => store.saveSetting(kept, user.password.toString('latin1')),
    guid: profile.systemId,
    seed: index + 1,
  });
  const port = await bmc.listen(keptPort(store, profile.name, basePort === 0 ? 0 : basePort + index));
  store.saveSetting(`port ${profile.name}`, String(port));
  return { machine, bmc, address: `ipmi://127.0.0.1:${port}` };
}

/** The port that was taken once: whoever wrote it down looks there again. */
function keptPort(store: FleetStore, whose: string, otherwise: number): number {
  return Number(store.setting(`port ${whose}`) ?? otherwise);
}

/** A directory holds one fleet: with another seed its machines would be others, on the same disks. */
function keepSeed(store: FleetStore, seed: number): void {
  const kept = store.setting('seed') ?? String(seed);
  if (kept !== String(seed)) throw new RangeError(`this directory holds the fleet of seed ${kept}, not of ${seed}`);
  store.saveSetting('seed', kept);
}
