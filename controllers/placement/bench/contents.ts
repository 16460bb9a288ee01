// What the benchmark puts into a cluster: the same machines as Hosts and as Nodes, the same requests as Placements and as Pods.
import type { Placement } from '../../../lib/api/generated.ts';
import { API_VERSION } from '../../../lib/api/resources.ts';
import { type Access, Connection } from '../../../lib/apiserver/bench/load.ts';

/** On what is not in a namespace: the namespace of the run that made it. */
const LABEL = 'bench-scheduler';
const WRITERS = 32;

/** 64 kinds of requests: cpu and memory in steps. */
const KINDS = 64;
const resourcesOf = (index: number) => {
  const kind = index % KINDS;
  return { cpu: String(1 + (kind % 8)), memory: `${2 + ((kind * 5) % 31)}Gi` };
};
const MACHINE = { cpu: '64', memory: '256Gi' };

/** Something to write, and where. */
export interface Item {
  readonly path: string;
  readonly body: object;
}

export interface Contents {
  readonly machines: readonly Item[];
  readonly requests: readonly Item[];
  /** Collections to delete when all is over, the requests first. */
  readonly collections: readonly string[];
}

export interface Size {
  readonly machines: number;
  readonly requests: number;
}

const oursIn = (namespace: string): string => `/apis/${API_VERSION}/namespaces/${namespace}`;

export const placementItem = (namespace: string, name: string, spec: Placement['spec']): Item => ({
  path: `${oursIn(namespace)}/placements`,
  body: { apiVersion: API_VERSION, kind: 'Placement', metadata: { name }, spec },
});

export function oursContents(namespace: string, { machines, requests }: Size): Contents {
  const ours = oursIn(namespace);
  return {
    machines: items(machines, (index) => ({
      path: `${ours}/hosts`,
      body: {
        apiVersion: API_VERSION,
        kind: 'Host',
        metadata: { name: `machine-${index}` },
        spec: { resources: MACHINE },
      },
    })),
    requests: items(requests, (index) =>
      placementItem(namespace, `request-${index}`, { resources: resourcesOf(index) }),
    ),
    collections: [`${ours}/placements`, `${ours}/hosts`],
  };
}

export function kubeContents(namespace: string, { machines, requests }: Size): Contents {
  const pods = `/api/v1/namespaces/${namespace}/pods`;
  const amounts = { ...MACHINE, pods: '100' };
  return {
    machines: items(machines, (index) => ({
      path: '/api/v1/nodes',
      body: {
        apiVersion: 'v1',
        kind: 'Node',
        metadata: { name: `${namespace}-${index}`, labels: { [LABEL]: namespace } },
        status: { capacity: amounts, allocatable: amounts },
      },
    })),
    requests: items(requests, (index) => ({
      path: pods,
      body: {
        apiVersion: 'v1',
        kind: 'Pod',
        metadata: { name: `request-${index}` },
        spec: { containers: [{ name: 'vm', image: 'vm', resources: { requests: resourcesOf(index) } }] },
      },
    })),
    collections: [pods, `/api/v1/nodes?labelSelector=${LABEL}%3D${namespace}`],
  };
}

const items = (count: number, make: (index: number) => Item): Item[] =>
  Array.from({ length: count }, (_, i) => make(i));

/** Writes them all, many at a time. */
export async function create(access: Access, list: readonly Item[], writers = WRITERS): Promise<void> {
  const queue = list.values();
  const writer = async () => {
    const connection = await Connection.open(access);
    for (const { path, body } of queue) {
      const { code, body: answer } = await connection.request('POST', path, JSON.stringify(body));
      if (code !== 201) throw new Error(`POST ${path}: ${code} ${answer.toString().slice(0, 300)}`);
    }
    connection.close();
  };
  await Promise.all(Array.from({ length: writers }, writer));
}

/** A server may not get through with many in the time that a request has: it is asked again then. */
const ATTEMPTS = 30;

export async function clear(access: Access, collections: readonly string[]): Promise<void> {
  const connection = await Connection.open(access);
  const options = JSON.stringify({ apiVersion: 'v1', kind: 'DeleteOptions', gracePeriodSeconds: 0 });
  for (const path of collections) {
    for (let attempt = 1; ; attempt++) {
      const { code, body } = await connection.request('DELETE', path, options);
      if (code === 200) break;
      if (code < 500 || attempt === ATTEMPTS)
        throw new Error(`DELETE ${path}: ${code} ${body.toString().slice(0, 300)}`);
    }
  }
  connection.close();
}
