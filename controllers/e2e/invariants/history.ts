// What was seen of Devices and Instances, cut down to what the rules go by. Pure.
import type { Device, Instance } from '../../../lib/api/generated.ts';
import { millicores } from '../../../lib/api/quantity.ts';
import { mayStand } from '../../../lib/api/reasons.ts';
import type { KubeObject } from '../../../lib/kube/resource.ts';
import type { OperationKind } from '../../../lib/provision/operations/operations.ts';
import type { JournalEntry } from '../../../lib/sim/fleet.ts';

export type DevicePhase = NonNullable<NonNullable<Device['status']>['phase']>;
export type InstancePhase = NonNullable<NonNullable<Instance['status']>['phase']>;

interface Sight {
  /** Of the object as it was seen, or of its end. Revisions of one API server are of one sequence over all kinds. */
  readonly revision: number;
  readonly name: string;
  readonly uid: string;
  readonly isGone: boolean;
  /** `type=reason`, and what else of it the table or a ledger does not allow. */
  readonly strange: readonly string[];
}

export interface DeviceSight extends Sight {
  readonly kind: 'Device';
  readonly phase: DevicePhase | undefined;
  /** Where Maintenance goes back to. */
  readonly phaseBefore: string | undefined;
  /** Something was written to its disks since they were last wiped. */
  readonly isDirty: boolean;
  /** In quarantine: the Instance that it failed at went on without it. */
  readonly isPutAside: boolean;
  /** uid of the Instance that it is claimed by. */
  readonly claim: string | undefined;
  readonly operation: (Omit<SeenOperation, 'images' | 'device'> & { readonly image: string | undefined }) | undefined;
}

export interface InstanceSight extends Sight {
  readonly kind: 'Instance';
  readonly phase: InstancePhase | undefined;
  readonly isLocked: boolean;
  readonly deviceName: string | undefined;
  /** What is installed, by the status. */
  readonly image: string | undefined;
}

export type AnySight = DeviceSight | InstanceSight;

/** An operation as a Device's status has shown it. */
export interface SeenOperation {
  readonly id: string;
  readonly device: string;
  readonly kind: OperationKind;
  readonly instanceUID: string | undefined;
  /** The value of the request that it answers. */
  readonly request: string | undefined;
  /** SHA-256 of the images that it was to write, one after the other. */
  readonly images: Set<string>;
  /** The most that were seen: network boots, and rounds. */
  boots: number;
  rounds: number;
}

/** What rules judge. */
export interface History {
  /** By revision. */
  readonly sights: readonly AnySight[];
  /** In the order in which they were first seen, by id. */
  readonly operations: ReadonlyMap<string, SeenOperation>;
  /** What machines have done to themselves. */
  readonly record: readonly JournalEntry[];
  /** SHA-256 of images by name. */
  readonly images: ReadonlyMap<string, string>;
}

type Conditions = readonly { readonly type: string; readonly reason: string }[];

function common(object: KubeObject & { status?: { conditions?: Conditions | undefined } }, isGone: boolean) {
  const { kind, metadata, status } = object;
  const { namespace, name, uid, resourceVersion } = metadata;
  return {
    revision: Number(resourceVersion),
    name: namespace ? `${namespace}/${name}` : name,
    uid: uid!,
    isGone,
    strange: (status?.conditions ?? [])
      .filter(({ type, reason }) => !mayStand(kind, reason, type))
      .map(({ type, reason }) => `${type}=${reason} is not in the table of reasons`),
  };
}

export function deviceSight(device: Device, isGone = false): DeviceSight {
  const { phase, phaseBefore, dirty, operation, quarantine } = device.status ?? {};
  return {
    kind: 'Device',
    ...common(device, isGone),
    phase,
    phaseBefore,
    isDirty: dirty === true,
    isPutAside: quarantine !== undefined,
    claim: isGone ? undefined : device.spec.claimRef?.uid,
    operation: operation && {
      id: operation.id,
      kind: operation.kind as OperationKind,
      instanceUID: operation.instanceUID,
      request: operation.request,
      image: operation.image?.sha256,
      boots: operation.boot?.number ?? 0,
      rounds: operation.round ?? 1,
    },
  };
}

export function instanceSight(instance: Instance, isGone = false): InstanceSight {
  const { phase, deviceName, image } = instance.status ?? {};
  const sight = common(instance, isGone);
  return {
    kind: 'Instance',
    ...sight,
    strange: [...sight.strange, ...ledgerFaults(instance)],
    phase,
    isLocked: instance.spec.locked === true,
    deviceName,
    image,
  };
}

function ledgerFaults({ status }: Instance): string[] {
  const { allocated, capacity } = status ?? {};
  if (!allocated?.cpu || capacity?.cpu === undefined) return [];
  const names = (allocated.claims ?? []).map(({ name }) => name);
  const faults: string[] = [];
  if (millicores(allocated.cpu) > millicores(capacity.cpu))
    faults.push(`gave away ${allocated.cpu} of ${capacity.cpu} CPUs`);
  if (new Set(names).size < names.length) faults.push(`has a placement twice: ${names.join()}`);
  return faults;
}

/** Sights in any order, as watches of several kinds bring them, with what the machines remember. */
export function historyOf(
  seen: readonly AnySight[],
  record: readonly JournalEntry[],
  images: ReadonlyMap<string, string>,
): History {
  const sights = seen.toSorted((a, b) => a.revision - b.revision);
  const operations = new Map<string, SeenOperation>();
  for (const sight of sights) if (sight.kind === 'Device') noteOperation(operations, sight);
  return { sights, operations, record, images };
}

function noteOperation(operations: Map<string, SeenOperation>, { name, operation }: DeviceSight): void {
  if (!operation) return;
  const { image, ...rest } = operation;
  const seen = operations.get(rest.id) ?? { ...rest, device: name, images: new Set<string>() };
  if (image) seen.images.add(image);
  seen.boots = Math.max(seen.boots, rest.boots);
  seen.rounds = Math.max(seen.rounds, rest.rounds);
  operations.set(rest.id, seen);
}
