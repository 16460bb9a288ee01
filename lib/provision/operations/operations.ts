// What each operation is made of. A step has an observed check, an effect that may be repeated, a deadline, and a place to
// begin again from when it fails: its own start, or the last step before it that left the machine off.
import type { PowerAction, PowerState } from '../../bmc/driver.ts';
import type { TaskKind, TaskState } from '../protocol.ts';
import { Failure, type FailureCode } from './failures.ts';

export const OPERATIONS = {
  Register: ['verify-bmc'],
  Collect: ['power-off', 'network-boot', 'await-agent', 'collect', 'power-down'],
  PutAway: ['check-hardware', 'verify-bmc', 'power-down'],
  Create: [
    'power-off',
    'network-boot',
    'await-agent',
    'configure-raid',
    'write-image',
    'prepare-volumes',
    'write-seed',
    'power-down',
    'disk-boot',
    'await-system',
  ],
  Reinstall: [
    'shut-down',
    'network-boot',
    'await-agent',
    'configure-raid',
    'write-image',
    'prepare-volumes',
    'write-seed',
    'power-down',
    'disk-boot',
    'await-system',
  ],
  /** The same with every disk wiped first. */
  ReinstallWiped: [
    'shut-down',
    'network-boot',
    'await-agent',
    'wipe',
    'configure-raid',
    'write-image',
    'prepare-volumes',
    'write-seed',
    'power-down',
    'disk-boot',
    'await-system',
  ],
  ResetPassword: ['shut-down', 'network-boot', 'await-agent', 'set-password', 'power-down'],
  Start: ['disk-boot', 'await-system'],
  Stop: ['shut-down'],
  Restart: ['shut-down', 'disk-boot', 'await-system'],
  Clean: ['power-off', 'network-boot', 'await-agent', 'wipe', 'power-down'],
  /** Of a device that nothing was written to: it only has to be seen off. What the live OS was to boot by is taken back. */
  Release: ['power-down'],
  /** Before the Device is deleted. */
  Remove: ['power-down'],
} as const satisfies Record<string, readonly StepName[]>;

export type OperationKind = keyof typeof OPERATIONS;

/** Those that put a system on the machine. */
export const INSTALLS: ReadonlySet<OperationKind> = new Set(['Create', 'Reinstall', 'ReinstallWiped'] as const);

export type StepName =
  | 'verify-bmc'
  | 'check-hardware'
  | 'power-off'
  | 'shut-down'
  | 'power-down'
  | 'network-boot'
  | 'await-agent'
  | TaskKind
  | 'disk-boot'
  | 'await-system';

/** What a step may ask to be read before it is judged: from the BMC, and whether DHCP answers the machine. */
export type Reading = 'power' | 'identity' | 'bootDevice' | 'dhcp' | 'media';

/** What is in the drive that the BMC lends: the disc of this boot, that of an earlier one, or nothing of ours. */
export type Media = 'current' | 'stale' | 'foreign';

/** What was seen. Everything but the time comes from outside: the BMC, the agent, the system. */
export interface Observed {
  /** Milliseconds since the epoch. */
  readonly now: number;
  readonly power?: PowerState | undefined;
  /** True when the BMC let us in as administrator just now. */
  readonly identified?: boolean | undefined;
  readonly bootDevice?: 'pxe' | 'disk' | 'cdrom' | 'other' | undefined;
  /** Whether the machine is a host of the operator's DHCP server. Undefined: that is not how it boots. */
  readonly dhcp?: 'served' | 'absent' | undefined;
  /** Undefined: that is not how it boots. */
  readonly media?: Media | undefined;
  /** An agent was admitted for this boot. */
  readonly agentAdmitted: boolean;
  /** When it last reported. Undefined: not since this process began. */
  readonly agentSeenAt?: number | undefined;
  /** What it last said of the step's task. */
  readonly task?: TaskState | undefined;
  /** Tasks for which there is nothing to do on this machine. */
  readonly spared?: ReadonlySet<TaskKind> | undefined;
  /** The installed system of the wanted instance has reported in since the machine was last off. */
  readonly systemReported: boolean;
  /** What keeps the hardware from being put away. */
  readonly hardwareMismatches: readonly string[];
}

export interface StepContext {
  /** Milliseconds since the epoch: when this attempt of the step began. */
  readonly startedAt: number;
  /** Since when agents could be heard: a process that has just begun has not heard them yet. */
  readonly listeningSince: number;
  /** How long a system is given to shut down by itself. */
  readonly graceMs: number;
  /** How long an admitted agent may be silent. */
  readonly silenceMs: number;
}

export type Effect =
  | { readonly type: 'power'; readonly action: PowerAction }
  | { readonly type: 'boot-device'; readonly device: 'pxe' | 'disk' | 'cdrom' }
  /** Done when the BMC has said so. */
  | { readonly type: 'media'; readonly insert: boolean }
  /** Done when the DHCP server has said so. */
  | { readonly type: 'dhcp'; readonly serve: boolean }
  | { readonly type: 'task'; readonly kind: TaskKind };

export type Outcome =
  | { readonly type: 'done' }
  /** Do this, then look again. Doing it once more does no harm. */
  | { readonly type: 'act'; readonly effect: Effect }
  | { readonly type: 'wait'; readonly percent?: number };

export interface Step {
  readonly reads: readonly Reading[];
  readonly deadlineSeconds: number;
  /** Where a failed attempt begins again: this step, or the last one before it that leaves the machine off. */
  readonly again: 'step' | 'off';
  /** How a missed deadline is called, and what was not seen by then. */
  readonly late: FailureCode;
  readonly awaited: string;
  /** @throws Failure when the step cannot get any further. */
  judge(observed: Observed, context: StepContext): Outcome;
}

const done: Outcome = { type: 'done' };
const wait: Outcome = { type: 'wait' };
const act = (effect: Effect): Outcome => ({ type: 'act', effect });
const power = (action: PowerAction) => act({ type: 'power', action });
const dhcp = (serve: boolean) => act({ type: 'dhcp', serve });
const media = (insert: boolean) => act({ type: 'media', insert });

const isOurs = (disc: Media | undefined) => disc === 'current' || disc === 'stale';

const off = (action: PowerAction): Step => ({
  reads: ['power'],
  deadlineSeconds: 180,
  again: 'step',
  late: 'PowerStuck',
  awaited: 'the power to be Off',
  judge: ({ power: state }) => (state === 'Off' ? done : power(action)),
});

const boot: Pick<Step, 'reads' | 'deadlineSeconds' | 'again' | 'late' | 'awaited'> = {
  reads: ['power', 'bootDevice', 'dhcp', 'media'],
  deadlineSeconds: 180,
  again: 'off',
  late: 'PowerStuck',
  awaited: 'the power to be On',
};

const task = (kind: TaskKind, deadlineSeconds: number): Step => ({
  reads: [],
  deadlineSeconds,
  again: 'off',
  late: 'StepTimeout',
  awaited: `the agent to end its task ${kind}`,
  judge(observed, { startedAt, listeningSince, silenceMs }) {
    const { now, agentSeenAt, task: state, spared } = observed;
    if (state?.state === 'succeeded' || spared?.has(kind)) return done;
    if (state?.state === 'failed') {
      const code: FailureCode = state.error?.code ?? 'AgentFailed';
      throw new Failure(code, state.error?.message ?? 'the agent gave no reason');
    }
    if (now - Math.max(agentSeenAt ?? 0, startedAt, listeningSince) > silenceMs) {
      throw new Failure('AgentLost', `the agent in the live OS has been silent for ${Math.round(silenceMs / 1000)} s`);
    }
    return state ? { type: 'wait', percent: state.percent } : act({ type: 'task', kind });
  },
});

export const STEPS: Record<StepName, Step> = {
  'verify-bmc': {
    reads: ['identity', 'power'],
    deadlineSeconds: 180,
    again: 'step',
    late: 'BMCTimeout',
    awaited: 'the BMC to say who it is and whether the power is on',
    judge: ({ identified, power: state }) => (identified && state !== undefined ? done : wait),
  },
  'check-hardware': {
    reads: [],
    deadlineSeconds: 180,
    again: 'step',
    late: 'StepTimeout',
    awaited: 'the hardware to be as its type says',
    judge({ hardwareMismatches }) {
      if (hardwareMismatches.length === 0) return done;
      throw new Failure('HardwareMismatch', hardwareMismatches.join('; '));
    },
  },
  'power-off': off('off'),
  /** The live OS needs its address until here. */
  'power-down': {
    ...off('off'),
    reads: ['power', 'dhcp', 'media'],
    judge({ power: state, dhcp: host, media: disc }) {
      if (state !== 'Off') return power('off');
      if (host === 'served') return dhcp(false);
      return isOurs(disc) ? media(false) : done;
    },
  },
  'shut-down': {
    ...off('soft'),
    deadlineSeconds: 600,
    judge({ power: state, now, systemReported }, { startedAt, graceMs }) {
      if (state === 'Off') return done;
      // A machine without a running system has nobody who would hear a soft power-off.
      return power(systemReported && now - startedAt < graceMs ? 'soft' : 'off');
    },
  },
  /** Of the live OS, over the network or from a disc: the machine is turned on only when that is there for it. */
  'network-boot': {
    ...boot,
    judge({ power: state, bootDevice, dhcp: host, media: disc }) {
      if (state === 'On') return done;
      if (host === 'absent') return dhcp(true);
      if (disc === 'stale' || disc === 'foreign') return media(true);
      const device = disc === undefined ? 'pxe' : 'cdrom';
      return bootDevice === device ? power('on') : act({ type: 'boot-device', device });
    },
  },
  'await-agent': {
    reads: ['power', 'dhcp'],
    deadlineSeconds: 900,
    again: 'off',
    late: 'BootTimeout',
    awaited: 'the agent in the live OS to report in',
    judge({ agentAdmitted, power: state, dhcp: host }) {
      if (agentAdmitted) return done;
      // A DHCP server may have begun anew.
      if (host === 'absent') return dhcp(true);
      if (state === 'Off') throw new Failure('BootTimeout', 'the machine went off before the live OS reported in');
      return wait;
    },
  },
  collect: task('collect', 600),
  'configure-raid': task('configure-raid', 360),
  'write-image': task('write-image', 3600),
  'prepare-volumes': task('prepare-volumes', 900),
  'write-seed': task('write-seed', 180),
  'set-password': task('set-password', 180),
  wipe: task('wipe', 24 * 3600),
  /** Not while the live OS is there for it: no firmware shall boot from that any more. */
  'disk-boot': {
    ...boot,
    judge({ power: state, bootDevice, dhcp: host, media: disc }) {
      if (state === 'On') return done;
      if (host === 'served') return dhcp(false);
      if (isOurs(disc)) return media(false);
      return bootDevice === 'disk' ? power('on') : act({ type: 'boot-device', device: 'disk' });
    },
  },
  'await-system': {
    reads: ['power'],
    deadlineSeconds: 900,
    again: 'off',
    late: 'SystemTimeout',
    awaited: 'the installed system to report in',
    judge({ systemReported, power: state }) {
      if (state === 'Off') throw new Failure('SystemTimeout', 'the machine went off before its system reported in');
      return systemReported ? done : wait;
    },
  },
};

/** A missed deadline: what was awaited, and what was seen instead. */
export function missed(name: StepName, { power: state, bootDevice, dhcp: host, task: told }: Observed): Failure {
  const { late, deadlineSeconds, awaited } = STEPS[name];
  const seen = [
    state && `the BMC says that the power is ${state}`,
    bootDevice && `the boot device is ${bootDevice}`,
    host === 'absent' ? 'DHCP does not serve the machine' : undefined,
    told && `the agent says ${told.state} at ${told.percent} %`,
  ].filter((part) => part !== undefined);
  const instead = seen.length > 0 ? `; ${seen.join(', ')}` : '';
  return new Failure(late, `${name} took longer than ${deadlineSeconds} s: waited for ${awaited}${instead}`);
}

const LEAVES_OFF: ReadonlySet<StepName> = new Set<StepName>(['power-off', 'shut-down', 'power-down']);

/** Index (from 0) of the step at which a failed attempt of step `index` begins again. */
export function retryIndex(kind: OperationKind, index: number): number {
  const steps: readonly StepName[] = OPERATIONS[kind];
  const step = steps[index]!;
  if (STEPS[step].again === 'step') return index;
  for (let before = index - 1; before >= 0; before--) if (LEAVES_OFF.has(steps[before]!)) return before;
  return 0;
}

/** Whether the machine shall find a network boot waiting for it, and an agent be admitted. */
export const awaitsNetworkBoot = (step: StepName): boolean => step === 'network-boot' || step === 'await-agent';

const TASK_STEPS: ReadonlySet<string> = new Set<TaskKind>([
  'collect',
  'configure-raid',
  'write-image',
  'prepare-volumes',
  'write-seed',
  'set-password',
  'wipe',
]);
export const isTask = (step: StepName): step is TaskKind => TASK_STEPS.has(step);
