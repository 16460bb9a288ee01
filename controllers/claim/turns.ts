// Which Instances may be given a device, and in which order they are served.
import type { Instance } from '../../lib/api/generated.ts';
import { INSTANCE_FINALIZER } from '../../lib/api/names.ts';
import { objectKey } from '../../lib/kube/resource.ts';
import { hasFinalizer, isDeleting } from '../../lib/runtime/finalizers.ts';
import { inTurn } from '../../lib/scheduler/turns.ts';

/**
 * Whether the Instance may be given a device: it has the finalizer, so it cannot vanish with the device in its hands, and is
 * not on its way out. That it has none yet is for the devices to say.
 */
export const mayClaim = (instance: Instance): boolean =>
  !isDeleting(instance) && hasFinalizer(instance, INSTANCE_FINALIZER);

/** Higher priority first, then the older one, then by namespace and name. */
export function byTurn(a: Instance, b: Instance): number {
  return (
    (b.spec.priority ?? 0) - (a.spec.priority ?? 0) ||
    compare(a.metadata.creationTimestamp ?? '', b.metadata.creationTimestamp ?? '') ||
    compare(objectKey(a), objectKey(b))
  );
}

/**
 * The order in which Instances without a device are served: within a priority, namespaces take turns, so that none waits for
 * all of another's. `held`: how many devices each namespace has.
 */
export function inFairTurn(
  waiting: readonly Instance[],
  held: ReadonlyMap<string, number>,
  devices: number,
): readonly Instance[] {
  const asking = waiting.toSorted(byTurn).map((instance) => ({
    instance,
    tenant: instance.metadata.namespace!,
    priority: instance.spec.priority ?? 0,
    resources: { devices: 1 },
  }));
  const used = new Map([...held].map(([namespace, count]) => [namespace, { devices: count }]));
  return inTurn(asking, { capacity: { devices }, used }).map(({ instance }) => instance);
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
