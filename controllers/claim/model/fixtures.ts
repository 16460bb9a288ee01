// Objects to start from: sensible everywhere, changed where it matters.
import type { CapacityQuota, Device, DeviceType, Image, Instance, Site } from '../../../lib/api/generated.ts';
import { INSTANCE_FINALIZER } from '../../../lib/api/names.ts';
import { API_VERSION } from '../../../lib/api/resources.ts';
import type { ObjectMeta } from '../../../lib/kube/resource.ts';

const meta = (metadata: Partial<ObjectMeta> & { name: string }): ObjectMeta => ({
  uid: `uid-of-${metadata.name}`,
  resourceVersion: '1',
  generation: 1,
  creationTimestamp: '2026-01-01T00:00:00Z',
  ...metadata,
});

/** Put away, in pool "default" of site "fra1", of type "small". */
export function aDevice(
  name: string,
  {
    metadata,
    spec,
    status,
  }: { metadata?: Partial<ObjectMeta>; spec?: Partial<Device['spec']>; status?: Device['status'] } = {},
): Device {
  return {
    apiVersion: API_VERSION,
    kind: 'Device',
    metadata: meta({ name, ...metadata }),
    spec: {
      bmc: { address: 'ipmi://192.0.2.10' },
      bootMACAddress: '52:54:00:12:34:56',
      site: 'fra1',
      pool: 'default',
      deviceType: 'small',
      putAway: true,
      ...spec,
    },
    status: {
      phase: 'Available',
      conditions: [
        { type: 'Ready', status: 'True', reason: 'Available', message: '', lastTransitionTime: '2026-01-01T00:00:00Z' },
      ],
      ...status,
    },
  };
}

/** Waits in namespace "team-a" for a device of type "small", to run "debian-12". */
export function anInstance(
  name: string,
  {
    metadata,
    spec,
    status,
  }: { metadata?: Partial<ObjectMeta>; spec?: Partial<Instance['spec']>; status?: Instance['status'] } = {},
): Instance {
  return {
    apiVersion: API_VERSION,
    kind: 'Instance',
    metadata: meta({ name, namespace: 'team-a', finalizers: [INSTANCE_FINALIZER], ...metadata }),
    spec: { deviceType: 'small', image: 'debian-12', pool: 'default', ...spec },
    ...(status && { status }),
  };
}

export const aSite = (name: string, spec: Partial<Site['spec']> = {}): Site => ({
  apiVersion: API_VERSION,
  kind: 'Site',
  metadata: meta({ name }),
  spec: { region: 'europe', ...spec },
});

export const aType = (name: string, spec: Partial<DeviceType['spec']> = {}): DeviceType => ({
  apiVersion: API_VERSION,
  kind: 'DeviceType',
  metadata: meta({ name }),
  spec: { hardware: { architecture: 'x86_64', minCores: 8, minMemory: '32Gi' }, bootMode: 'UEFI', ...spec },
});

export const anImage = (name: string, spec: Partial<Image['spec']> = {}): Image => ({
  apiVersion: API_VERSION,
  kind: 'Image',
  metadata: meta({ name }),
  spec: {
    url: 'http://images.example/debian.raw',
    sha256: '0'.repeat(64),
    format: 'raw',
    architecture: 'x86_64',
    bootModes: ['UEFI'],
    ...spec,
  },
});

/** In namespace "team-a". */
export const aQuota = (name: string, hard: CapacityQuota['spec']['hard']): CapacityQuota => ({
  apiVersion: API_VERSION,
  kind: 'CapacityQuota',
  metadata: meta({ name, namespace: 'team-a' }),
  spec: { hard },
});
