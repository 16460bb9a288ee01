// Every operation, in an order in which one machine can live through all of them: how each is asked for, and how it is known to have
// come to its end.
import type { Device, Instance } from '../../../lib/api/generated.ts';
import { DEVICES, INSTANCES } from '../../../lib/api/resources.ts';
import type { KubeClient } from '../../../lib/kube/client.ts';
import type { OperationKind } from '../../../lib/provision/operations/operations.ts';
import { isConditionTrue } from '../../../lib/runtime/conditions.ts';
import type { SimulatedMachine } from '../../../lib/sim/machine/machine.ts';

/** One machine with its Device, and the Instance that is put on it, of the same name. */
export interface Traveller {
  readonly name: string;
  readonly machine: SimulatedMachine;
  readonly client: KubeClient;
  readonly device: () => Device | undefined;
  readonly instance: () => Instance | undefined;
  /** Creates the Device and its Secret. */
  readonly register: () => Promise<void>;
  readonly install: () => Promise<void>;
  readonly patchDevice: (spec: object) => Promise<void>;
  readonly patchInstance: (spec: object) => Promise<void>;
  readonly until: (what: string, reached: () => boolean) => Promise<void>;
}

export interface Stop {
  /** Brings the machine to where the operation can be asked for. */
  readonly prepare?: (traveller: Traveller) => Promise<void>;
  readonly ask: (traveller: Traveller) => Promise<void>;
  readonly hasEnded: (traveller: Traveller) => boolean;
  /** What would have been done wrong although it has ended. */
  readonly misfits?: (traveller: Traveller) => string[];
}

const isCalm = (device: Device | undefined): device is Device =>
  device?.status !== undefined && !device.status.error && !device.status.operation;
const isAvailable = ({ device }: Traveller) => {
  const now = device();
  return isCalm(now) && now.status?.phase === 'Available' && now.spec.claimRef === undefined;
};
const isIn =
  (phase: 'Running' | 'Stopped') =>
  ({ device, instance }: Traveller) => {
    const now = instance();
    return isCalm(device()) && now?.status?.phase === phase && isConditionTrue(now.status.conditions, 'Ready');
  };
const isRunning = isIn('Running');
const isGivenBack = (traveller: Traveller) => traveller.instance() === undefined && isAvailable(traveller);

type Request = 'restart' | 'resetPassword' | 'reinstall';

/** A value that was never asked for before: there is one of each in a life. */
const request = (name: Request): Pick<Stop, 'ask' | 'hasEnded'> => ({
  ask: ({ patchInstance }) => patchInstance({ requests: { [name]: 'once' } }),
  hasEnded: (traveller) =>
    isRunning(traveller) && traveller.instance()?.status?.requests?.[name]?.result === 'Succeeded',
});

const takeBack = ({ client, name }: Traveller) => client.delete(INSTANCES, { name, namespace: 'default' });

/** A machine that is up with the live OS, and waits for an agent that never speaks. */
async function isAwaited({ machine, device, until }: Traveller, ask: () => Promise<void>): Promise<void> {
  machine.fault({ kind: 'agent-silent' });
  await ask();
  await until('the agent to be awaited', () => device()?.status?.operation?.step === 'await-agent');
}

export const TOUR: Readonly<Record<OperationKind, Stop>> = {
  Register: { ask: ({ register }) => register(), hasEnded: isAvailable },
  Collect: {
    ask: ({ patchDevice }) => patchDevice({ requests: { collect: 'once' } }),
    hasEnded: (traveller) =>
      isAvailable(traveller) && traveller.device()?.status?.requests?.collect?.result === 'Succeeded',
  },
  PutAway: {
    async prepare({ patchDevice, device, until }) {
      await patchDevice({ putAway: false });
      await until('it to be taken down', () => device()?.status?.phase === 'Imported');
    },
    ask: ({ patchDevice }) => patchDevice({ putAway: true }),
    hasEnded: isAvailable,
  },
  Create: { ask: ({ install }) => install(), hasEnded: isRunning },
  Stop: { ask: ({ patchInstance }) => patchInstance({ power: 'Off' }), hasEnded: isIn('Stopped') },
  Start: {
    async prepare(traveller) {
      await traveller.patchInstance({ power: 'Off' });
      await traveller.until('it to be stopped', () => isIn('Stopped')(traveller));
    },
    ask: ({ patchInstance }) => patchInstance({ power: 'On' }),
    hasEnded: isRunning,
  },
  Restart: request('restart'),
  ResetPassword: request('resetPassword'),
  Reinstall: request('reinstall'),
  ReinstallWiped: {
    ask: ({ patchInstance }) => patchInstance({ reinstallDisks: 'All', requests: { reinstall: 'wiped' } }),
    hasEnded: (traveller) => {
      const { value, result } = traveller.instance()?.status?.requests?.reinstall ?? {};
      return isRunning(traveller) && value === 'wiped' && result === 'Succeeded';
    },
  },
  Clean: {
    async ask(traveller) {
      await takeBack(traveller);
    },
    hasEnded: isGivenBack,
    misfits: ({ machine }) => (machine.disks.every((disk) => disk.isEmpty()) ? [] : ['a disk was not wiped']),
  },
  Release: {
    prepare: (traveller) => isAwaited(traveller, () => traveller.install()),
    async ask(traveller) {
      traveller.machine.fault(undefined);
      await takeBack(traveller);
    },
    hasEnded: isGivenBack,
  },
  Remove: {
    prepare: (traveller) => isAwaited(traveller, () => traveller.patchDevice({ requests: { collect: 'for the end' } })),
    async ask({ client, name, machine }) {
      machine.fault(undefined);
      await client.delete(DEVICES, { name });
    },
    hasEnded: ({ device }) => device() === undefined,
  },
};

/** These have something installed to go by: whoever comes to them has had a creation before. */
const INSTALLED: ReadonlySet<OperationKind> = new Set<OperationKind>([
  'Stop',
  'Start',
  'Restart',
  'ResetPassword',
  'Reinstall',
  'ReinstallWiped',
  'Clean',
]);

const ORDER = Object.keys(TOUR) as OperationKind[];

/** What a life with faults at these operations has to go through: what is missing on the way is gone through unharmed. */
export function route(kinds: ReadonlySet<OperationKind>): OperationKind[] {
  const installs = [...kinds].some((kind) => INSTALLED.has(kind));
  const returns = installs || kinds.has('Create');
  const leaves = kinds.has('Release') || kinds.has('Remove');
  const wanted = new Set<OperationKind>([
    'Register',
    ...kinds,
    ...(returns ? (['Create'] as const) : []),
    ...(kinds.has('Start') ? [] : kinds.has('Stop') ? (['Start'] as const) : []),
    ...(returns && leaves ? (['Clean'] as const) : []),
  ]);
  return ORDER.filter((kind) => wanted.has(kind));
}
