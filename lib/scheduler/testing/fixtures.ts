// Nodes and requests to start from in tests and benchmarks: sensible everywhere, changed where it matters.
import type { Node, Request } from '../types.ts';

export const GIB = 2 ** 30;

/** A host in pool "default" with 16 cores and 64 GiB, of which nothing is reserved or overcommitted. */
export function aNode(id: string, changes: Partial<Node> = {}): Node {
  return {
    id,
    name: id,
    labels: {},
    pool: 'default',
    site: 'site-1',
    region: 'region-1',
    zone: 'zone-1',
    rack: 'rack-1',
    dedicated: false,
    taints: [],
    capacity: { cpu: 16_000, memory: 64 * GIB },
    reserved: {},
    overcommit: {},
    maxPlacements: 100,
    schedulable: true,
    ...changes,
  };
}

/** A common request of tenant "team-a" for 2 cores and 8 GiB, anywhere. */
export function aRequest(id: string, changes: Partial<Request> = {}): Request {
  return {
    id,
    tenant: 'team-a',
    resources: { cpu: 2000, memory: 8 * GIB },
    dedicated: false,
    tolerations: [],
    priority: 0,
    profile: 'default',
    ...changes,
  };
}
