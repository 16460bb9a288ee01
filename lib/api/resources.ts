// The kinds of the group bmp.dev, and the core kinds that the operator reads and writes, as the API serves them.
import type { KubeObject, Resource } from '../kube/resource.ts';
import type {
  Address,
  CapacityQuota,
  Device,
  DeviceInventory,
  DeviceType,
  Discovery,
  Host,
  Image,
  Instance,
  Placement,
  Site,
} from './generated.ts';

export const GROUP = 'bmp.dev';
export const VERSION = 'v1alpha1';
export const API_VERSION = `${GROUP}/${VERSION}`;

function bmp<T extends KubeObject>(kind: string, plural: string, namespaced: boolean): Resource<T> {
  return { group: GROUP, version: VERSION, plural, kind, namespaced };
}

export const ADDRESSES = bmp<Address>('Address', 'addresses', false);
export const DISCOVERIES = bmp<Discovery>('Discovery', 'discoveries', false);
export const SITES = bmp<Site>('Site', 'sites', false);
export const DEVICE_TYPES = bmp<DeviceType>('DeviceType', 'devicetypes', false);
export const DEVICES = bmp<Device>('Device', 'devices', false);
export const DEVICE_INVENTORIES = bmp<DeviceInventory>('DeviceInventory', 'deviceinventories', false);
export const IMAGES = bmp<Image>('Image', 'images', false);
export const HOSTS = bmp<Host>('Host', 'hosts', true);
export const INSTANCES = bmp<Instance>('Instance', 'instances', true);
export const PLACEMENTS = bmp<Placement>('Placement', 'placements', true);
export const CAPACITY_QUOTAS = bmp<CapacityQuota>('CapacityQuota', 'capacityquotas', true);

export interface Secret extends KubeObject {
  type?: string;
  /** Values in base64. */
  data?: Record<string, string>;
}
export const SECRETS: Resource<Secret> = {
  group: '',
  version: 'v1',
  plural: 'secrets',
  kind: 'Secret',
  namespaced: true,
};
export interface ConfigMap extends KubeObject {
  data?: Record<string, string>;
}
export const CONFIG_MAPS: Resource<ConfigMap> = {
  group: '',
  version: 'v1',
  plural: 'configmaps',
  kind: 'ConfigMap',
  namespaced: true,
};
export const NAMESPACES: Resource = {
  group: '',
  version: 'v1',
  plural: 'namespaces',
  kind: 'Namespace',
  namespaced: false,
};
export const CUSTOM_RESOURCE_DEFINITIONS: Resource = {
  group: 'apiextensions.k8s.io',
  version: 'v1',
  plural: 'customresourcedefinitions',
  kind: 'CustomResourceDefinition',
  namespaced: false,
};
export interface EndpointSlice extends KubeObject {
  addressType: 'IPv4' | 'IPv6';
  endpoints: { addresses: string[]; conditions?: { ready?: boolean } }[];
  ports: { name: string; port: number; protocol: string }[];
}
export const ENDPOINT_SLICES: Resource<EndpointSlice> = {
  group: 'discovery.k8s.io',
  version: 'v1',
  plural: 'endpointslices',
  kind: 'EndpointSlice',
  namespaced: true,
};
