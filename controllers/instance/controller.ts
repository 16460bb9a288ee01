// The Instance controller: what wakes it. It alone writes an instance's status, save what the scheduler writes
// (`allocated` and the condition Scheduled); the Device controller does the work, this one tells how it goes.
import type { Caches } from '../../lib/api/caches.ts';
import type { Device } from '../../lib/api/generated.ts';
import { INSTANCE_FINALIZER } from '../../lib/api/names.ts';
import { INSTANCES } from '../../lib/api/resources.ts';
import { writeStatus } from '../../lib/kube/apply.ts';
import type { KubeClient } from '../../lib/kube/client.ts';
import type { EventRecorder } from '../../lib/kube/events.ts';
import { keyOf } from '../../lib/kube/resource.ts';
import type { Clock } from '../../lib/runtime/clock.ts';
import { type Controller, createController } from '../../lib/runtime/controller.ts';
import { addFinalizer, hasFinalizer, isDeleting, removeFinalizer } from '../../lib/runtime/finalizers.ts';
import { done } from '../../lib/runtime/reconcile.ts';
import { watch } from '../../lib/runtime/source.ts';
import { tell } from './tell.ts';

export interface InstanceDependencies {
  readonly client: KubeClient;
  readonly events: EventRecorder;
  readonly clock: Clock;
  /** Devices with the index {@link CLAIM_INDEX}. */
  readonly stores: Pick<Caches, 'instances' | 'devices' | 'inventories' | 'types'>;
}

/** Devices by the uid of the Instance that claims them. */
export const CLAIM_INDEX = 'claim';
export const claimIndex = (device: Device): readonly string[] =>
  device.spec.claimRef ? [device.spec.claimRef.uid] : [];

const claimant = (device: Device): readonly string[] => (device.spec.claimRef ? [keyOf(device.spec.claimRef)] : []);

export function createInstanceController(deps: InstanceDependencies): Controller {
  const { stores, client, events, clock } = deps;
  return createController({
    name: 'instance',
    concurrency: 16,
    watches: [watch(stores.instances), watch(stores.devices, { keys: claimant })],
    async reconcile({ key }, signal) {
      const cached = stores.instances.get(key);
      if (!cached) return done;
      if (isDeleting(cached) && !hasFinalizer(cached, INSTANCE_FINALIZER)) return done;
      const instance = isDeleting(cached)
        ? cached
        : await addFinalizer(client, INSTANCES, cached, INSTANCE_FINALIZER, { signal });
      const device = stores.devices.byIndex(CLAIM_INDEX, instance.metadata.uid!)[0];
      const type = device?.spec.deviceType === undefined ? undefined : stores.types.get(device.spec.deviceType);
      const inventory = device && stores.inventories.get(device.metadata.name);
      const status = tell({ instance, device, type, inventory, now: clock.now() });
      const before = instance.status?.phase;
      const written = await writeStatus(client, INSTANCES, instance, status, { signal });
      if (status.phase !== before)
        events.event(written, 'Normal', status.phase!, `${before ?? 'New'} → ${status.phase}`);
      if (isDeleting(written) && written.spec.locked !== true && !device) {
        await removeFinalizer(client, INSTANCES, written, INSTANCE_FINALIZER, { signal });
      }
      return done;
    },
  });
}
