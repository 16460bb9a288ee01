// The cluster's own nodes (core/v1 Node) as a source. What pods take of them is not counted: give such nodes a taint that
// keeps pods away.

import { QuantityError } from '../../lib/api/quantity.ts';
import type { KubeObject, Resource } from '../../lib/kube/resource.ts';
import type { Store } from '../../lib/kube/store.ts';
import { watch, whenChanged } from '../../lib/runtime/source.ts';
import { amountsIn, quantitiesOf } from '../../lib/scheduler/kubernetes/amounts.ts';

import type { Listed, NodeSource } from './source.ts';

export interface CoreNode extends KubeObject {
  readonly spec?: {
    readonly unschedulable?: boolean;
    readonly taints?: readonly {
      readonly key: string;
      readonly value?: string;
      readonly effect: 'NoSchedule' | 'PreferNoSchedule' | 'NoExecute';
    }[];
  };
  readonly status?: {
    readonly allocatable?: Readonly<Record<string, string>>;
    readonly addresses?: readonly { readonly type: string; readonly address: string }[];
    readonly conditions?: readonly { readonly type: string; readonly status: string; readonly message?: string }[];
  };
}

export const NODES: Resource<CoreNode> = {
  group: '',
  version: 'v1',
  plural: 'nodes',
  kind: 'Node',
  namespaced: false,
};

/** Labels of a node that say where it is, beside the two of topology.kubernetes.io. */
const POOL = 'bmp.dev/pool';
const SITE = 'bmp.dev/site';
const RACK = 'bmp.dev/rack';
const DEDICATED = 'bmp.dev/dedicated';
const MOST_PLACEMENTS = 1000;
/** Of what a node offers: what is not there, and what only pods can use. */
const LEFT_OUT = /^(pods|hugepages-.*|attachable-volumes-.*)$/;

/** Throws QuantityError. */
export function hostOfNode({ metadata, spec, status }: CoreNode): Listed {
  const { labels = {} } = metadata;
  const { cpu = '0', memory = '0', pods, 'ephemeral-storage': storage, ...others } = status?.allocatable ?? {};
  const named = Object.fromEntries(Object.entries(others).filter(([name]) => !LEFT_OUT.test(name)));
  const amounts = amountsIn({ cpu, memory, ...(storage !== undefined && { storage }), ...named });
  const ready = status?.conditions?.find(({ type }) => type === 'Ready');
  const where = {
    pool: labels[POOL],
    site: labels[SITE],
    rack: labels[RACK],
    region: labels['topology.kubernetes.io/region'],
    zone: labels['topology.kubernetes.io/zone'],
    address: status?.addresses?.find(({ type }) => type === 'InternalIP')?.address,
  };
  return {
    name: metadata.name,
    labels,
    spec: {
      ...Object.fromEntries(Object.entries(where).filter(([, value]) => value !== undefined)),
      pool: where.pool ?? 'default',
      resources: quantitiesOf(amounts) as { cpu: string; memory: string },
      maxPlacements: Math.min(Number(pods ?? MOST_PLACEMENTS), MOST_PLACEMENTS),
      dedicated: labels[DEDICATED] === 'true',
      unschedulable: spec?.unschedulable ?? false,
      taints: (spec?.taints ?? []).map(({ key, value, effect }) => ({ key, effect, ...(value && { value }) })),
    },
    ready:
      ready?.status === 'True'
        ? { status: 'True', reason: 'NodeReady', message: 'the node is ready' }
        : { status: 'False', reason: 'NodeNotReady', message: ready?.message || 'the node is not ready' },
  };
}

const matter = ({ metadata, spec, status }: CoreNode) => ({
  labels: metadata.labels,
  spec,
  allocatable: status?.allocatable,
  addresses: status?.addresses,
  ready: status?.conditions?.find(({ type }) => type === 'Ready')?.status,
});

/** The watch keeps the last known state by itself when the server is away. */
export function coreNodes(nodes: Store<CoreNode>, key: string): NodeSource {
  return {
    name: 'core',
    everyMs: 60_000,
    wakes: [watch(nodes, { keys: () => [key], when: whenChanged(matter) })],
    async list() {
      const listed: Listed[] = [];
      const unreadable = new Map<string, string>();
      for (const node of nodes.values()) {
        try {
          listed.push(hostOfNode(node));
        } catch (error) {
          if (!(error instanceof QuantityError)) throw error;
          unreadable.set(node.metadata.name, error.message);
        }
      }
      return { nodes: listed, unreadable };
    },
  };
}
