// Hosts and Placements to start from: sensible everywhere, changed where it matters.
import type { Instance, Placement } from '../../../lib/api/generated.ts';
import { API_VERSION } from '../../../lib/api/resources.ts';
import type { ObjectMeta } from '../../../lib/kube/resource.ts';

const CREATED = '2026-01-01T00:00:00Z';

/** A host in namespace "team-a" that runs and is ready, with 16 cores and 64 GiB, of which it keeps nothing. */
export function aHost(
  name: string,
  {
    metadata,
    vmHost,
    status,
  }: { metadata?: Partial<ObjectMeta>; vmHost?: Instance['spec']['vmHost']; status?: Instance['status'] } = {},
): Instance {
  return {
    apiVersion: API_VERSION,
    kind: 'Instance',
    metadata: { name, namespace: 'team-a', generation: 1, creationTimestamp: CREATED, ...metadata },
    spec: { image: 'debian-12', deviceType: 'small', vmHost: { enabled: true, ...vmHost } },
    status: {
      phase: 'Running',
      conditions: [{ type: 'Ready', status: 'True', reason: 'Running', message: '', lastTransitionTime: CREATED }],
      capacity: { cpu: '16', memory: '64Gi' },
      addresses: ['192.0.2.31'],
      deviceName: `device-of-${name}`,
      ...status,
    },
  };
}

/** A Placement in namespace "team-a" that wants 2 cores and 8 GiB. */
export function aPlacement(
  name: string,
  { metadata, spec }: { metadata?: Partial<ObjectMeta>; spec?: Partial<Placement['spec']> } = {},
): Placement {
  return {
    apiVersion: API_VERSION,
    kind: 'Placement',
    metadata: { name, namespace: 'team-a', generation: 1, creationTimestamp: CREATED, ...metadata },
    spec: { resources: { cpu: '2', memory: '8Gi' }, pool: 'default', ...spec },
  };
}
