// The front desk of the machines: which of them may boot from the network, whose agent is admitted, what it shall do.
//
// Told at every pass what stands in the status, and never anything that does not stand there yet.
import type { Device, Instance } from '../../lib/api/generated.ts';
import { type NetworkBoot, type Refusal, type SessionKey, sameSession } from '../../lib/provision/api/backend.ts';
import type { DiscoveredMachine } from '../../lib/provision/api/discovery.ts';
import { Mailbox, type Received } from '../../lib/provision/api/mailbox.ts';
import type { SessionClaims } from '../../lib/provision/api/tokens.ts';
import { Failure } from '../../lib/provision/operations/failures.ts';
import { pickRootDisk, type RootDeviceHints } from '../../lib/provision/operations/root-disk.ts';
import type { Task, TaskState } from '../../lib/provision/protocol.ts';
import { awaitsAgent, compact, kindOf, type Operation, type Status, worksThroughAgent } from './status.ts';
import { requireControllers, rootDiskOf } from './volumes.ts';

export interface DeskOptions {
  /** A device whose controller should look at it. */
  readonly onChange: (device: string) => void;
  /** A machine that is no Device. */
  readonly onDiscovered: (machine: DiscoveredMachine) => void;
  readonly onLog: (session: SessionClaims, text: string) => void;
  readonly now: () => number;
  /** Whether a device with this MAC address exists, so that it is not sent to its disk before it was looked at. */
  readonly isKnown: (macAddress: string) => boolean;
  readonly liveOS: () => Pick<NetworkBoot, 'kernelUrl' | 'initrdUrl' | 'kernelArguments'>;
}

/** How soon an agent reports again when nothing changes. */
const REPORT_AFTER_MS = 2000;
const SESSION_MS = 48 * 3600 * 1000;

export class Desk {
  readonly mailbox: Mailbox;
  readonly #options: DeskOptions;
  /** By MAC address; absent: this process has not looked at the device yet. */
  readonly #boots = new Map<string, NetworkBoot | 'none'>();

  constructor(options: DeskOptions) {
    this.#options = options;
    this.mailbox = new Mailbox({
      boot: (mac) => this.#boot(mac),
      discovered: options.onDiscovered,
      onChange: options.onChange,
      agentLog: options.onLog,
      now: options.now,
    });
  }

  received(device: Device): Received {
    return this.mailbox.get(device.metadata.name);
  }

  /** Brings what machines are told in line with the status, which must have been written. */
  publish(device: Device, status: Status, held: boolean): void {
    const { operation } = status;
    const { name } = device.metadata;
    const waiting = operation !== undefined && awaitsAgent(operation) && !held;
    this.#boots.set(device.spec.bootMACAddress, waiting ? this.#networkBoot(device, operation) : 'none');
    const session = operation && sessionOf(device, operation);
    const wanted = session && (awaitsAgent(operation) || worksThroughAgent(operation)) && !held;
    // Whoever is not admitted by what stands in the status has nothing to do here: an agent of an earlier boot, say.
    if (wanted) this.mailbox.grantSession(name, session, new Date(this.#options.now() + SESSION_MS).toISOString());
    else this.mailbox.endSession(name);
  }

  /** Gives the admitted agent its task, or none. */
  order(device: Device, operation: Operation, task: Task | undefined): void {
    const session = sessionOf(device, operation);
    if (session)
      this.mailbox.setOrders(device.metadata.name, session, { ...(task && { task }), reportAfterMs: REPORT_AFTER_MS });
  }

  forget(device: string, macAddress: string | undefined): void {
    if (macAddress) this.#boots.delete(macAddress);
    this.mailbox.forget(device);
  }

  #boot(macAddress: string): NetworkBoot | Refusal | 'unknown' | undefined {
    const boot = this.#boots.get(macAddress);
    if (boot === 'none') return undefined;
    if (boot) return boot;
    return this.#options.isKnown(macAddress)
      ? { refuse: 'later', message: 'the device was not looked at yet' }
      : 'unknown';
  }

  #networkBoot(device: Device, operation: Operation): NetworkBoot {
    const { address, gateway } = device.spec.boot ?? {};
    const network = address === undefined ? undefined : { address, gateway };
    return { ...bootOf(device, operation), ...this.#options.liveOS(), network };
  }
}

export const bootOf = (device: Device, operation: Operation) => ({
  device: device.metadata.name,
  deviceUID: device.metadata.uid!,
  operationId: operation.id,
  boot: operation.boot?.number ?? 0,
});

/** The session that stands in the status; undefined while no agent of this boot was admitted. */
export function sessionOf(device: Device, operation: Operation): SessionKey | undefined {
  const nonceHash = operation.boot?.nonceHash;
  return nonceHash === undefined ? undefined : { ...bootOf(device, operation), nonceHash };
}

/** The id of the task of the step under way: another boot, another id. */
export const taskId = (operation: Operation): string =>
  `${operation.id}/${operation.step}/${operation.boot?.number ?? 0}`;

/** What the admitted agent last said, and of the task under way. */
export function heard(device: Device, operation: Operation, received: Received): { seenAt?: number; task?: TaskState } {
  const session = sessionOf(device, operation);
  const { report } = received;
  if (!session || !report || !sameSession(report.session, session)) return {};
  const { task } = report.report;
  return { seenAt: report.heardAt, ...(task?.id === taskId(operation) && { task }) };
}

export type Admission =
  | { readonly type: 'admit'; readonly status: Status }
  | { readonly type: 'refuse'; readonly reason: string; readonly failure?: Failure };

/**
 * Judges an agent that asks to be admitted: only for the boot that is waited for, only once, and only on the very machine
 * that the Device describes. Picks the disk that the operation will write to, from those that the agent sees.
 */
export function admission(
  device: Device,
  status: Status,
  opening: NonNullable<Received['opening']>,
  rootDisk: { hints: RootDeviceHints; installedOn: string | undefined },
): Admission {
  const { operation } = status;
  const stale = (reason: string): Admission => ({ type: 'refuse', reason });
  if (opening.deviceUID !== device.metadata.uid) return stale('the device was made anew since this boot');
  if (!operation || opening.operationId !== operation.id || opening.boot !== operation.boot?.number) {
    return stale('this boot is not waited for any more');
  }
  const { nonceHash } = operation.boot;
  if (nonceHash !== undefined && nonceHash !== opening.nonceHash) return stale('this boot has its agent already');
  if (nonceHash === undefined && !awaitsAgent(operation)) return stale('this boot is not waited for any more');
  const mismatch = identityMismatch(device, opening.identity);
  if (mismatch) return { type: 'refuse', reason: mismatch, failure: new Failure('IdentityMismatch', mismatch) };
  try {
    const boot = compact<NonNullable<Operation['boot']>>({
      number: opening.boot,
      nonceHash: opening.nonceHash,
      diskSerialNumber: rootDiskFor(operation, opening, status.volumes, rootDisk),
      diskSerialNumbers: opening.disks.map((disk) => disk.serialNumber),
    });
    return { type: 'admit', status: { ...status, operation: { ...operation, boot } } };
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    return { type: 'refuse', reason: error.message, failure: error };
  }
}

function identityMismatch(device: Device, identity: NonNullable<Received['opening']>['identity']): string | undefined {
  const { serialNumber, bootMACAddress } = device.spec;
  if (serialNumber !== undefined && identity.serialNumber !== serialNumber) {
    return `the machine that booted has serial number ${identity.serialNumber}, the Device says ${serialNumber}; nothing was written`;
  }
  if (!identity.macAddresses.includes(bootMACAddress)) {
    return `the machine that booted has no interface ${bootMACAddress}; nothing was written`;
  }
  return undefined;
}

function rootDiskFor(
  operation: Operation,
  opening: NonNullable<Received['opening']>,
  volumes: Status['volumes'],
  { hints, installedOn }: { hints: RootDeviceHints; installedOn: string | undefined },
): string | undefined {
  const present = new Set(opening.disks.map(({ serialNumber }) => serialNumber));
  switch (kindOf(operation)) {
    case 'Create':
    case 'Reinstall':
    case 'ReinstallWiped':
      return volumes ? rootDiskOf(volumes, present) : pickRootDisk(opening.disks, hints).serialNumber;
    case 'ResetPassword':
      if (volumes) return rootDiskOf(volumes, present);
      if (installedOn && opening.disks.some((disk) => disk.serialNumber === installedOn)) return installedOn;
      throw new Failure('DiskMissing', `the disk ${installedOn} that the system was installed on is not there`);
    case 'Clean':
      requireControllers(volumes, present);
      return undefined;
    default:
      return undefined;
  }
}

/** Whether what a system says of itself is of the Instance that was installed on this Device. */
export function belongs(status: Status, instance: Instance | undefined, report: { instanceUID: string }): boolean {
  return (
    instance !== undefined &&
    report.instanceUID === instance.metadata.uid &&
    status.installed?.instanceUID === report.instanceUID
  );
}
