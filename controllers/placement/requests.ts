// Placements that want a host, as the scheduler's requests, in the order in which they are served.
import type { Placement } from '../../lib/api/generated.ts';
import type { Request } from '../../lib/scheduler/types.ts';
import { amountsOf } from './ledger.ts';

/** Higher priority first, then the older one, then by name. */
export function byTurn(a: Placement, b: Placement): number {
  return (
    (b.spec.priority ?? 0) - (a.spec.priority ?? 0) ||
    compare(a.metadata.creationTimestamp ?? '', b.metadata.creationTimestamp ?? '') ||
    compare(a.metadata.name, b.metadata.name)
  );
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/** The request for a share of a host; of `host` and no other, where that is given. Throws QuantityError. */
export function placementRequest({ metadata, spec }: Placement, host?: string): Request {
  return {
    id: metadata.uid!,
    tenant: metadata.namespace!,
    resources: { ...amountsOf(spec.resources) },
    node: host,
    pool: spec.pool ?? 'default',
    site: spec.site,
    region: spec.region,
    dedicated: spec.dedicated ?? false,
    tolerations: spec.tolerations ?? [],
    labels: metadata.labels,
    priority: spec.priority ?? 0,
    profile: 'default',
  };
}
