// What the operator holds of the API, by the names that controllers know it by: each controller picks what it looks at.
import type { Store } from '../kube/store.ts';
import type {
  Address,
  CapacityQuota,
  Device,
  DeviceInventory,
  DeviceType,
  Host,
  Image,
  Instance,
  Placement,
  Site,
} from './generated.ts';
import type { Secret } from './resources.ts';

export interface Caches {
  readonly addresses: Store<Address>;
  readonly devices: Store<Device>;
  readonly inventories: Store<DeviceInventory>;
  readonly types: Store<DeviceType>;
  readonly sites: Store<Site>;
  readonly images: Store<Image>;
  readonly instances: Store<Instance>;
  readonly hosts: Store<Host>;
  readonly placements: Store<Placement>;
  readonly quotas: Store<CapacityQuota>;
  /** Of the operator's namespace only. */
  readonly secrets: Store<Secret>;
}
