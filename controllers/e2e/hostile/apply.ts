// Changes as calls to the API, as a person or a pipeline makes them.
import { API_VERSION, DEVICES, INSTANCES, PLACEMENTS, SECRETS } from '../../../lib/api/resources.ts';
import type { KubeClient } from '../../../lib/kube/client.ts';
import type { KubeObject, Resource } from '../../../lib/kube/resource.ts';
import type { Change, Wish } from './changes.ts';

const ROOT_PASSWORD = 'root-password';

const NETPLANS: Readonly<Record<Wish['network'], object | null>> = {
  own: null,
  dhcp: { version: 2, ethernets: { eno1: { dhcp4: true } } },
  bond: { version: 2, bonds: { bond0: { interfaces: ['eno1', 'eno2'], dhcp4: true } } },
};

const keyOf = (index: number) => `ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI${String(index).repeat(43)} user-${index}`;

const specOf = ({ deviceType, image, power, hostsVMs, keys, network, requests }: Wish) => ({
  deviceType,
  image,
  power,
  rootPasswordRef: { name: ROOT_PASSWORD },
  sshAuthorizedKeys: Array.from({ length: keys }, (_, index) => keyOf(index)),
  network: NETPLANS[network],
  // This user waits for nobody for long.
  vmHost: { enabled: hostsVMs, drainSeconds: 10 },
  requests,
});

/** What all instances of the namespace refer to. */
export async function createSecret(client: KubeClient, namespace: string): Promise<void> {
  const data = { password: Buffer.from('correct horse').toString('base64') };
  await client.create(SECRETS, {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { namespace, name: ROOT_PASSWORD },
    data,
  });
}

export async function apply(client: KubeClient, namespace: string, change: Change): Promise<void> {
  const create = <T extends KubeObject>(resource: Resource<T>, name: string, spec: object) =>
    client.create(resource, {
      apiVersion: API_VERSION,
      kind: resource.kind,
      metadata: { namespace, name },
      spec,
    } as never);
  const patch = (resource: Resource, name: string, spec: object) =>
    client.patch(resource, resource.namespaced ? { namespace, name } : { name }, { type: 'merge', body: { spec } });
  switch (change.type) {
    case 'create-instance': {
      const { network, ...spec } = specOf(change.wish);
      await create(INSTANCES, change.name, { ...spec, ...(network && { network }) });
      return;
    }
    case 'change-instance': {
      const { deviceType: _, ...spec } = specOf(change.wish);
      await patch(INSTANCES, change.name, spec);
      return;
    }
    case 'delete-instance':
      await client.delete(INSTANCES, { namespace, name: change.name });
      return;
    case 'create-placement':
      await create(PLACEMENTS, change.name, { resources: { cpu: String(change.cpu), memory: '1Gi' } });
      return;
    case 'delete-placement':
      await client.delete(PLACEMENTS, { namespace, name: change.name });
      return;
    case 'maintenance':
      await patch(DEVICES, change.device, { maintenance: { enabled: change.enabled, reason: 'a person looks at it' } });
      return;
    case 'put-away':
      await patch(DEVICES, change.device, { putAway: change.offered });
  }
}
