// `bmp restart`, `reinstall`, `reset-password`, `collect`, `lift-quarantine`, `rotate-password`, `reset-status`: things to be done once more. Each writes a new value into
// spec.requests, which asks once and survives whatever happens meanwhile; status.requests tells how it ended. `cancel` takes them back.
import type { Device, Instance } from '../../api/generated.ts';
import { DEVICES, INSTANCES } from '../../api/resources.ts';
import { type Changing, changing } from '../change.ts';
import { type Command, text, UsageError, type Values } from '../command.ts';
import type { Seen, Verdict } from '../progress.ts';

type Requests<T extends Device | Instance> = NonNullable<NonNullable<T['status']>['requests']>;
type Request = keyof Requests<Instance> | keyof Requests<Device>;

/** How the request of this value ended. */
function outcome(object: Seen, request: Request, value: string): Verdict {
  const requests: Partial<Requests<Device> & Requests<Instance>> = (object as Device | Instance).status?.requests ?? {};
  const handled = requests[request];
  if (handled?.value !== value || handled.result === 'Running') return undefined;
  const because = handled.message ? `: ${handled.message}` : '';
  return { code: handled.result === 'Succeeded' ? 0 : 1, message: `${handled.result.toLowerCase()}${because}` };
}

type Asking = Omit<Changing, 'change'> & {
  readonly request: Request;
  /** `a restart`. */
  readonly noun: string;
  /** What it waits for before it is begun, where that may take for ever. */
  readonly waitsFor?: (object: Seen) => string | undefined;
  /** What else is written with it. */
  readonly spec?: (values: Values) => object;
};

function asking({ request, noun, waitsFor, spec, ...rest }: Asking): Command {
  return changing({
    ...rest,
    change(_, values) {
      // Any value that was not there before asks; a time tells people when.
      const value = new Date().toISOString();
      return {
        spec: { ...spec?.(values), requests: { [request]: value } },
        told: `asked for ${noun}`,
        judge(object) {
          const obstacle = waitsFor?.(object);
          return obstacle ? { code: 1, message: `waits until ${obstacle}` } : outcome(object, request, value);
        },
      };
    },
  });
}

export const restart = asking({
  name: 'restart',
  summary: 'shut instances down and start them again',
  about: 'Shuts down, hard after a grace time, and starts. Nothing on the disks changes.',
  example: 'bmp restart web-1 --wait',
  resources: [INSTANCES],
  request: 'restart',
  noun: 'a restart',
  waitsFor: ({ kind, metadata, spec }) =>
    kind === INSTANCES.kind && (spec as Instance['spec']).power === 'Off'
      ? `it is to be on: bmp power on ${metadata.name}`
      : undefined,
});

const DISKS: Readonly<Record<string, 'System' | 'All'>> = { system: 'System', all: 'All' };

function disksOf(values: Values): 'System' | 'All' | undefined {
  const word = text(values, 'disks');
  if (word === undefined) return undefined;
  const disks = Object.hasOwn(DISKS, word) ? DISKS[word] : undefined;
  if (!disks) throw new UsageError(`--disks takes system or all, not "${word}"`);
  return disks;
}

export const reinstall = asking({
  name: 'reinstall',
  summary: 'install the image of instances anew',
  about:
    'Installs spec.image anew on the system disk, or another image. Other disks are left as they are, unless told otherwise.',
  example: 'bmp reinstall web-1 --image debian-13 --wait',
  resources: [INSTANCES],
  options: { image: { type: 'string' }, disks: { type: 'string' } },
  optionsHelp:
    '  --image NAME           install this Image, and keep it as what is wanted\n' +
    '  --disks system|all     what is emptied: the system disk alone, or every disk, wiped first (default spec.reinstallDisks)',
  loses: (names, values) =>
    disksOf(values) === 'All'
      ? `Everything on all disks of ${names} is lost`
      : `Everything on the system disk of ${names} is lost${disksOf(values) ? '' : ', and on the others where spec.reinstallDisks is All'}`,
  request: 'reinstall',
  noun: 'a reinstallation',
  spec: (values) => {
    const image = text(values, 'image');
    const reinstallDisks = disksOf(values);
    return { ...(image !== undefined && { image }), ...(reinstallDisks !== undefined && { reinstallDisks }) };
  },
});

export const resetPassword = asking({
  name: 'reset-password',
  summary: 'set the password of instances from their Secret',
  about:
    "Sets the password in the Secret of spec.rootPasswordRef for the image's default user. The machine is shut down for it\n" +
    'and started again, if it is to run.',
  example: 'bmp reset-password web-1 --secret web-1-password --wait',
  resources: [INSTANCES],
  options: { secret: { type: 'string' } },
  optionsHelp: '  --secret NAME          take the key "password" of this Secret, and keep it as spec.rootPasswordRef',
  request: 'resetPassword',
  noun: 'a reset of the password',
  spec: (values) => {
    const name = text(values, 'secret');
    return name === undefined ? {} : { rootPasswordRef: { name } };
  },
});

export const collect = asking({
  name: 'collect',
  summary: 'collect the hardware of devices again',
  about:
    'Boots the live OS and writes down what is in the machine, once nobody has the device. An adopted machine is not booted: its\n' +
    'BMC is asked.',
  example: 'bmp collect r1-01 r1-02 --wait',
  resources: [DEVICES],
  request: 'collect',
  noun: 'a collection',
  waitsFor: (object) => {
    const claim = (object as Device).spec.claimRef;
    return claim && `instance ${claim.namespace}/${claim.name} gives the device back`;
  },
});

export const liftQuarantine = asking({
  name: 'lift-quarantine',
  summary: 'offer devices again that were put aside because they failed',
  about: 'For a machine that was mended. It is wiped, and offered if spec.putAway says so.',
  example: 'bmp lift-quarantine r1-01 --wait',
  resources: [DEVICES],
  request: 'liftQuarantine',
  noun: 'the end of its quarantine',
});

export const rotatePassword = asking({
  name: 'rotate-password',
  summary: 'give the BMCs of devices another password',
  about:
    "Makes a password, sets it at the BMC, proves it by logging in, and keeps it in the Device's Secret. Refused where others\n" +
    'use that Secret too.',
  example: 'bmp rotate-password r1-01 --wait',
  resources: [DEVICES],
  request: 'rotatePassword',
  noun: 'another password',
});

export const resetStatus = asking({
  name: 'reset-status',
  summary: 'forget an error and try again now',
  about: 'For an operation that stopped, or waits for long before its next try, when its reason was mended.',
  example: 'bmp reset-status device/r1-01 --wait',
  resources: [INSTANCES, DEVICES],
  request: 'resetStatus',
  noun: 'another try',
});

export const cancel = changing({
  name: 'cancel',
  summary: 'take back what was asked of instances and is not done yet',
  about:
    'Clears restart, reinstall and resetPassword of spec.requests. What has not begun does not begin. What has failed and waits for\n' +
    'its next try ends, unless a disk was written to; then only another reinstallation helps. What is being done is seen through.',
  example: 'bmp cancel web-1 --wait',
  resources: [INSTANCES],
  change: () => ({
    spec: { requests: { restart: null, reinstall: null, resetPassword: null } },
    told: 'what was asked of it is taken back',
    judge(object): Verdict {
      const { phase, progress, image } = (object as Instance).status ?? {};
      if (progress && phase === 'Failed' && image === undefined)
        return { code: 1, message: 'a disk was written to already: mend it, or ask for another reinstallation' };
      return !progress && (phase === 'Running' || phase === 'Stopped') ? { code: 0, message: phase } : undefined;
    },
  }),
});
