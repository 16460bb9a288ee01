// The simulated fleet as the Kubernetes objects that import it.
import { OPERATOR_NAMESPACE } from '../api/names.ts';
import { DEVICE_TYPES, type MachineProfile } from './machine/profile.ts';
import type { MirroredImage } from './mirror.ts';

/** A Kubernetes object as it would stand in a file. */
export interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string };
  readonly [field: string]: unknown;
}

export interface BmcAccount {
  readonly username: string;
  readonly password: string;
}

const API_VERSION = 'bmp.dev/v1alpha1';
export const SITE = 'sim';
/** What Instances can have addresses of. */
const NETWORKS = [
  {
    name: 'lan',
    subnet: '10.64.0.0/16',
    gateway: '10.64.0.1',
    range: { start: '10.64.1.0', end: '10.64.255.250' },
    dns: ['10.64.0.53'],
  },
  {
    name: 'lan6',
    subnet: 'fd00:64::/64',
    gateway: 'fd00:64::1',
    range: { start: 'fd00:64::1:0', end: 'fd00:64::ffff:ffff' },
  },
  { name: 'storage', subnet: '10.65.0.0/16', vlan: 65, range: { start: '10.65.1.0', end: '10.65.255.250' } },
];

/** What all machines of a fleet share. */
export function sharedManifests(images: readonly MirroredImage[]): Manifest[] {
  return [
    {
      apiVersion: API_VERSION,
      kind: 'Site',
      metadata: { name: SITE },
      spec: { region: 'local', zone: 'local-a', networks: NETWORKS },
    },
    ...DEVICE_TYPES.map(({ name, minCores, minMemory, disks, volumes }) => ({
      apiVersion: API_VERSION,
      kind: 'DeviceType',
      metadata: { name },
      spec: {
        hardware: { minCores, minMemory, disks, nics: { count: 2, minSpeedMbps: 10_000 } },
        bootMode: 'UEFI',
        ...(volumes && { volumes }),
      },
    })),
    ...images.map(({ name, url, sha256, format }) => ({
      apiVersion: API_VERSION,
      kind: 'Image',
      metadata: { name },
      spec: { url, sha256, format, architecture: 'x86_64', bootModes: ['BIOS', 'UEFI'], defaultUser: 'debian' },
    })),
  ];
}

/** A Device that is offered at once, and the Secret of its BMC. */
export function machineManifests(profile: MachineProfile, address: string, account: BmcAccount): Manifest[] {
  const { name, rack, unit, deviceType, bootMACAddress, rootDisk, inventory } = profile;
  const secret = `${name}-bmc`;
  const hasVolumes = DEVICE_TYPES.some((type) => type.name === deviceType && type.volumes);
  return [
    {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: secret, namespace: OPERATOR_NAMESPACE },
      type: 'Opaque',
      stringData: { ...account },
    },
    {
      apiVersion: API_VERSION,
      kind: 'Device',
      metadata: { name },
      spec: {
        bmc: { address, credentialsRef: { name: secret } },
        serialNumber: inventory.serialNumber,
        bootMACAddress,
        site: SITE,
        location: { rack, unit },
        deviceType,
        putAway: true,
        ...(!hasVolumes && { rootDeviceHints: { wwn: rootDisk.wwn! } }),
      },
    },
  ];
}
