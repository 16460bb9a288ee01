// The endpoint controller: leads the Service that machines reach to the replica that leads, as only that one knows what
// they shall do. Controllers run on the leader alone, so whoever runs this writes itself down.
import { ENDPOINT_SLICES, type EndpointSlice } from '../../lib/api/resources.ts';
import { writeObject } from '../../lib/kube/apply.ts';
import type { KubeClient } from '../../lib/kube/client.ts';
import type { Store } from '../../lib/kube/store.ts';
import { type Controller, createController } from '../../lib/runtime/controller.ts';
import { done } from '../../lib/runtime/reconcile.ts';
import { atStart, watch } from '../../lib/runtime/source.ts';

export interface EndpointDependencies {
  readonly client: KubeClient;
  /** Holds the one slice of this Service's name. */
  readonly slices: Store<EndpointSlice>;
  readonly wanted: EndpointSlice;
}

/** An EndpointSlice (discovery.k8s.io/v1) with one address, under the Service's own name. */
export function endpointSlice(
  service: { readonly name: string; readonly namespace: string; readonly address: string },
  ports: Readonly<Record<string, number>>,
): EndpointSlice {
  return {
    apiVersion: 'discovery.k8s.io/v1',
    kind: ENDPOINT_SLICES.kind,
    metadata: {
      name: service.name,
      namespace: service.namespace,
      labels: {
        'kubernetes.io/service-name': service.name,
        'endpointslice.kubernetes.io/managed-by': 'bmp-operator',
      },
    },
    addressType: service.address.includes(':') ? 'IPv6' : 'IPv4',
    endpoints: [{ addresses: [service.address], conditions: { ready: true } }],
    ports: Object.entries(ports).map(([name, port]) => ({ name, port, protocol: 'TCP' })),
  };
}

export function createEndpointController({ client, slices, wanted }: EndpointDependencies): Controller {
  const { name, namespace } = wanted.metadata;
  return createController({
    name: 'endpoint',
    concurrency: 1,
    watches: [watch(slices), atStart(`${namespace}/${name}`)],
    async reconcile({ key }, signal) {
      const observed = slices.get(key);
      if (!observed) {
        await client.create(ENDPOINT_SLICES, wanted, { signal });
        return done;
      }
      const labels = { ...observed.metadata.labels, ...wanted.metadata.labels };
      const { endpoints, ports } = wanted;
      await writeObject(
        client,
        ENDPOINT_SLICES,
        observed,
        { ...observed, metadata: { ...observed.metadata, labels }, endpoints, ports },
        { signal },
      );
      return done;
    },
  });
}
