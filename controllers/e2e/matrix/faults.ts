// What can befall an operation: when it is put in, how it is taken away again, and by which reasons the product may tell of it.
// The table of failures says whether such a reason is tried again by itself; a reason that is not named here is a fault found.
import type { FailureCode } from '../../../lib/provision/operations/failures.ts';
import { STEPS } from '../../../lib/provision/operations/operations.ts';
import type { SimulatedBmc } from '../../../lib/sim/bmc/bmc.ts';
import { type Faults, NO_FAULTS } from '../../../lib/sim/bmc/faults.ts';
import type { SimulatedMachine } from '../../../lib/sim/machine/machine.ts';
import type { RaidFault } from '../../../lib/sim/machine/types.ts';
import type { Place } from './cells.ts';
import type { Moment } from './gate.ts';
import type { WrongImage } from './wrong-images.ts';

/** What a fault may lay its hands on. */
export interface Victim {
  readonly machine: SimulatedMachine;
  readonly bmc: SimulatedBmc;
  /** What its Instance is installed with from now on. */
  readonly useImage: (image: WrongImage | undefined) => Promise<void>;
  readonly hintAt: (disk: 'the right one' | 'none' | 'two') => Promise<void>;
  /** Somebody else takes part in the next boot, with the machine's own token. What goes wrong by that is a fault found. */
  readonly impersonate: (how: 'with an old result' | 'twice') => void;
  /** Changes at the DHCP server for this machine do not come to their end. */
  readonly refuseDhcp: (refused: boolean) => void;
  /** A person asks the operator to look again. */
  readonly resetStatus: () => Promise<void>;
}

/** How the live OS comes onto a machine. */
export type BootMethod = 'Network' | 'VirtualMedia';

interface Fault {
  /** `killed`: the operator's process; `cut off`: from the API server; `put in`: at machine, BMC, network or spec. */
  readonly by: 'killed' | 'cut off' | 'put in';
  befalls(place: Place): boolean;
  /** How the product may tell of it, if it does. */
  readonly reasons: readonly FailureCode[];
  /** Where the operator stands when it strikes. Default: before the effect. */
  readonly moment?: Moment;
  /** Before the operation is asked for, rather than at its step. */
  readonly before?: boolean;
  /** Machines that boot another way know nothing of it. */
  readonly boots?: BootMethod;
  /** It is the agent's: of one that is waited for, it has to be there before the machine is turned on. */
  readonly isOfAgent?: boolean;
  put?(victim: Victim): void | Promise<void>;
  lift?(victim: Victim): void | Promise<void>;
}

const always = () => true;
/** Sessions that could not be closed take their places at the BMC until they lapse. */
const silences: readonly FailureCode[] = ['BMCUnreachable', 'BMCTimeout', 'BMCBusy'];

const bmcFault = (reasons: readonly FailureCode[], put: NonNullable<Fault['put']>): Fault => ({
  by: 'put in',
  befalls: always,
  reasons,
  put,
  lift: ({ bmc }) => {
    bmc.faults = NO_FAULTS;
  },
});

const discFault = (reasons: readonly FailureCode[], faults: Partial<Faults>): Fault => ({
  ...bmcFault(reasons, ({ bmc }) => {
    bmc.faults = { ...NO_FAULTS, ...faults };
  }),
  befalls: ({ step }) => STEPS[step].reads.includes('media'),
  boots: 'VirtualMedia',
});

const imageFault = (image: WrongImage, reasons: readonly FailureCode[]): Fault => ({
  by: 'put in',
  befalls: ({ step }) => step === 'write-image',
  before: true,
  reasons,
  put: (victim) => victim.useImage(image),
  lift: (victim) => victim.useImage(undefined),
});

const hintFault = (disk: 'none' | 'two', reason: FailureCode): Fault => ({
  by: 'put in',
  befalls: ({ step, steps }) => step === 'await-agent' && steps.includes('write-image'),
  before: true,
  reasons: [reason],
  put: (victim) => victim.hintAt(disk),
  lift: (victim) => victim.hintAt('the right one'),
});

const raidFault = (does: RaidFault, reason: FailureCode): Fault => ({
  by: 'put in',
  befalls: ({ step }) => step === 'configure-raid',
  before: true,
  reasons: [reason],
  put: ({ machine }) => machine.fault({ kind: 'raid', does }),
  async lift({ machine, resetStatus }) {
    machine.fault(undefined);
    await resetStatus();
  },
});

const impostor = (how: 'with an old result' | 'twice'): Fault => ({
  by: 'put in',
  isOfAgent: true,
  befalls: ({ step }) => step === 'await-agent',
  reasons: ['AgentLost', 'BootTimeout'],
  put(victim) {
    if (how !== 'twice') victim.machine.fault({ kind: 'agent-silent' });
    victim.impersonate(how);
  },
  lift: ({ machine }) => machine.fault(undefined),
});

const FAULTS_BY_NAME = {
  'killed before the effect': { by: 'killed', befalls: always, reasons: [], moment: 'before the effect' },
  'killed after the effect': { by: 'killed', befalls: always, reasons: [], moment: 'after the effect' },
  'killed after the check': { by: 'killed', befalls: always, reasons: [], moment: 'after the check' },
  'API server gone': { by: 'cut off', befalls: always, reasons: [], moment: 'before the effect' },
  'BMC silent': bmcFault(silences, ({ bmc }) => {
    bmc.faults = { ...NO_FAULTS, silent: true };
  }),
  'BMC slow': bmcFault(silences, ({ bmc }) => {
    bmc.faults = { ...NO_FAULTS, delay: [50, 250] };
  }),
  'BMC lying': bmcFault(['PowerStuck'], ({ bmc }) => {
    bmc.faults = { ...NO_FAULTS, powerStuck: true };
  }),
  'BMC refusing': bmcFault(silences, ({ bmc }) => {
    bmc.faults = { ...NO_FAULTS, sessionsExhausted: true };
    bmc.reboot();
  }),
  'agent silent': {
    by: 'put in',
    isOfAgent: true,
    befalls: ({ hasAgent }) => hasAgent,
    reasons: ['BootTimeout', 'AgentLost'],
    put: ({ machine }) => machine.fault({ kind: 'agent-silent' }),
    lift: ({ machine }) => machine.fault(undefined),
  },
  'agent restarting': {
    by: 'put in',
    isOfAgent: true,
    befalls: ({ isTask }) => isTask,
    reasons: ['AgentLost'],
    put: ({ machine }) => machine.restartAgent(),
  },
  'another serial number': {
    by: 'put in',
    isOfAgent: true,
    befalls: ({ step }) => step === 'await-agent' || step === 'collect',
    reasons: ['IdentityMismatch'],
    put: ({ machine }) => machine.fault({ kind: 'other-serial', serialNumber: 'SOMEBODY-ELSE' }),
    async lift({ machine, resetStatus }) {
      machine.fault(undefined);
      await resetStatus();
    },
  },
  'an old result': impostor('with an old result'),
  'two agents': impostor('twice'),
  'disc refused': discFault(['BMCBusy'], { mediaRefused: true }),
  'disc not taken': discFault(['PowerStuck'], { mediaStuck: true }),
  'DHCP hung': {
    by: 'put in',
    boots: 'Network',
    befalls: ({ step }) => STEPS[step].reads.includes('dhcp'),
    reasons: ['DHCPUnavailable'],
    put: ({ refuseDhcp }) => refuseDhcp(true),
    lift: ({ refuseDhcp }) => refuseDhcp(false),
  },
  'image missing': imageFault('missing', ['ImageUnavailable']),
  'image corrupt': imageFault('corrupt', ['ImageDigestMismatch']),
  'image short': imageFault('short', ['ImageUnavailable', 'ImageDigestMismatch', 'AgentLost']),
  'disk full': imageFault('endless', ['ImageTooLarge']),
  'disk missing': hintFault('none', 'RootDiskNotFound'),
  'disk ambiguous': hintFault('two', 'RootDiskAmbiguous'),
  'RAID refused': raidFault('refuses', 'ArrayRefused'),
  'RAID lying': raidFault('lies', 'ArrayRefused'),
  'RAID degraded': raidFault('degrades', 'ArrayDegraded'),
  'power lost': {
    by: 'put in',
    befalls: always,
    reasons: ['AgentLost', 'BootTimeout', 'SystemTimeout'],
    put: ({ machine }) => machine.control('off'),
  },
} as const satisfies Record<string, Fault>;

export type FaultName = keyof typeof FAULTS_BY_NAME;
export const FAULTS: Readonly<Record<FaultName, Fault>> = FAULTS_BY_NAME;
