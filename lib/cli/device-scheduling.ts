// The scheduler's view of all devices, read once: what `bmp why instance/NAME` asks, on a snapshot of its own.
import type { Device, DeviceInventory, DeviceType, Image, Instance, Site } from '../api/generated.ts';
import { DEVICE_INVENTORIES, DEVICE_TYPES, DEVICES, IMAGES, SITES } from '../api/resources.ts';
import type { KubeClient } from '../kube/client.ts';
import type { KubeObject, Resource } from '../kube/resource.ts';
import type { Explanation } from '../scheduler/explain.ts';
import { profilesFor } from '../scheduler/kubernetes/device-profile.ts';
import { deviceRequest } from '../scheduler/kubernetes/device-request.ts';
import { Fleet } from '../scheduler/kubernetes/devices.ts';
import type { Configuration } from '../scheduler/profiles.ts';
import { Scheduler } from '../scheduler/scheduler.ts';

export interface Machines {
  readonly devices: readonly Device[];
  readonly inventories: readonly DeviceInventory[];
  readonly types: readonly DeviceType[];
  readonly sites: readonly Site[];
  readonly images: readonly Image[];
}

export async function readMachines(client: KubeClient): Promise<Machines> {
  const all = async <T extends KubeObject>(resource: Resource<T>) => {
    const items: T[] = [];
    for await (const page of client.pages(resource)) items.push(...page.items);
    return items;
  };
  const [devices, inventories, types, sites, images] = await Promise.all([
    all(DEVICES),
    all(DEVICE_INVENTORIES),
    all(DEVICE_TYPES),
    all(SITES),
    all(IMAGES),
  ]);
  return { devices, inventories, types, sites, images };
}

const byName = <T extends KubeObject>(objects: readonly T[]) =>
  new Map(objects.map((object) => [object.metadata.name, object]));

/** How an Instance's device is chosen, as if it had none yet; undefined where its Image is not there. */
export function explainInstance(
  instance: Instance,
  { devices, inventories, types, sites, images }: Machines,
  configuration: Configuration,
  runnersUp: number,
): Explanation | undefined {
  const image = byName(images).get(instance.spec.image);
  if (!image) return undefined;
  const [inventoryOf, typeNamed, siteNamed] = [byName(inventories), byName(types), byName(sites)];
  const fleet = new Fleet();
  fleet.update(
    devices.map((device) => ({
      device,
      inventory: inventoryOf.get(device.metadata.name),
      type: typeNamed.get(device.spec.deviceType ?? ''),
      site: siteNamed.get(device.spec.site),
    })),
  );
  const scheduler = new Scheduler(fleet.table, profilesFor(configuration));
  const request = deviceRequest(instance, image, types);
  const held = devices.find(({ spec }) => spec.claimRef?.uid === request.id)?.metadata.name;
  // A device is held under its own name.
  return scheduler.explain({ ...request, id: held ?? request.id }, runnersUp);
}
