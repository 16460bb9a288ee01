// The Device controller: what wakes it. It alone drives a device's hardware and writes its status.
import { placementsLeft } from '../../lib/api/draining.ts';
import type { Device, Instance } from '../../lib/api/generated.ts';
import { DEVICE_FINALIZER } from '../../lib/api/names.ts';
import { DEVICES } from '../../lib/api/resources.ts';
import type { KubeObject } from '../../lib/kube/resource.ts';
import type { Store, StoreEvent } from '../../lib/kube/store.ts';
import { type Controller, createController } from '../../lib/runtime/controller.ts';
import { addFinalizer, hasFinalizer, isDeleting } from '../../lib/runtime/finalizers.ts';
import { OwnWrites } from '../../lib/runtime/own-writes.ts';
import { done } from '../../lib/runtime/reconcile.ts';
import { exceptStatus, watch } from '../../lib/runtime/source.ts';
import { secretNameOf } from './bmc-access.ts';
import type { DeviceDependencies } from './context.ts';
import { type Memory, Pass } from './pass.ts';

/** Devices under way at once: each waits for its BMC most of the time. */
const CONCURRENCY = 64;

export function createDeviceController(deps: DeviceDependencies): Controller {
  const { stores, client, desk, bmcs } = deps;
  const memory: Memory = { own: new OwnWrites(stores.devices), sent: new Map() };
  const macs = new Map<string, string>();

  /** Wakes the Devices for which `concerns` says that the changed object matters. */
  const devicesOf =
    <T extends KubeObject>(concerns: (device: Device, object: T) => boolean) =>
    (object: T): readonly string[] =>
      [...stores.devices.values()].filter((device) => concerns(device, object)).map((device) => device.metadata.name);

  const usesSecret = (device: Device, secret: KubeObject) =>
    secretNameOf(device, stores.sites.get(device.spec.site)) === secret.metadata.name;
  const isClaimedBy = (device: Device, instance: KubeObject) => device.spec.claimRef?.uid === instance.metadata.uid;

  return createController({
    name: 'device',
    concurrency: CONCURRENCY,
    watches: [
      watch(stores.devices, { when: exceptStatus }),
      watch(stores.instances, { when: exceptStatus, keys: devicesOf<Instance>(isClaimedBy) }),
      watch(stores.instances, { when: isDrainedFurther, keys: devicesOf<Instance>(isClaimedBy) }),
      watch(stores.types, { keys: devicesOf((device, type) => device.spec.deviceType === type.metadata.name) }),
      watch(stores.sites, { keys: devicesOf((device, site) => device.spec.site === site.metadata.name) }),
      watch(stores.secrets, { keys: devicesOf(usesSecret) }),
      watch(stores.inventories, { keys: (inventory) => [inventory.metadata.name] }),
      watch(stores.images, { keys: devicesOf((device, image) => wantsImage(stores.instances, device, image)) }),
    ],
    async reconcile({ key }, signal) {
      const cached = stores.devices.get(key);
      if (!cached) {
        // Deleted without us (its finalizer taken off by hand): give back what is held for it.
        desk.forget(key, macs.get(key));
        macs.delete(key);
        memory.sent.delete(key);
        await bmcs.forget(key);
        return done;
      }
      const device = memory.own.latest(cached);
      macs.set(key, device.spec.bootMACAddress);
      if (isDeleting(device) && !hasFinalizer(device, DEVICE_FINALIZER)) return done;
      const guarded = isDeleting(device)
        ? device
        : memory.own.note(device, await addFinalizer(client, DEVICES, device, DEVICE_FINALIZER, { signal }));
      return Pass.run(deps, guarded, memory, signal);
    },
  });
}

/** Of one that is drained, by which the Device goes. */
const isDrainedFurther = (event: StoreEvent<Instance>): boolean =>
  event.type === 'updated' &&
  event.object.status?.drain !== undefined &&
  placementsLeft(event.old).length !== placementsLeft(event.object).length;

function wantsImage(instances: Store<Instance>, device: Device, image: KubeObject): boolean {
  const claim = device.spec.claimRef;
  return claim !== undefined && instances.get(`${claim.namespace}/${claim.name}`)?.spec.image === image.metadata.name;
}
