// Placements that want a host, as the scheduler's requests, in the order in which they are served.
import type { Placement } from '../../api/generated.ts';
import type { Configuration } from '../profiles.ts';
import type {
  Group,
  LabelSelector,
  NodeAffinity,
  PlacementAffinity,
  PlacementTerm,
  Request,
  Reservation,
  Resources,
  SpreadConstraint,
} from '../types.ts';
import { amountsIn } from './amounts.ts';

/** Higher priority first, then the older one, then by name. */
export function byTurn(a: Placement, b: Placement): number {
  return (
    priorityOf(b) - priorityOf(a) ||
    compare(a.metadata.creationTimestamp ?? '', b.metadata.creationTimestamp ?? '') ||
    compare(a.metadata.name, b.metadata.name)
  );
}

export const priorityOf = ({ spec }: Placement): number => spec.priority ?? 0;

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/** What it asks for. Throws QuantityError. */
export const resourcesOf = ({ spec }: Placement): Resources => amountsIn(spec.resources);

/** The name of the profile that a Placement goes by: its own, that of its pool, or `default`. */
export const profileOf = ({ spec }: Placement, { pools }: Pick<Configuration, 'pools'>): string =>
  spec.profile ?? pools.get(spec.pool ?? 'default') ?? 'default';

/** The request for a share of a host; of `host` and no other, where that is given. Throws QuantityError. */
export function placementRequest(placement: Placement, profile: string, host?: string): Request {
  const { metadata, spec } = placement;
  return {
    id: metadata.uid!,
    tenant: metadata.namespace!,
    resources: resourcesOf(placement),
    node: host,
    pool: spec.pool ?? 'default',
    site: spec.site,
    region: spec.region,
    zone: spec.zone,
    dedicated: spec.dedicated ?? false,
    tolerations: spec.tolerations ?? [],
    nodeSelector: spec.nodeSelector && selectorOf(spec.nodeSelector),
    nodeAffinity: spec.nodeAffinity && nodeAffinityOf(spec.nodeAffinity),
    affinity: affinityOf(spec.affinity),
    spread: spec.spread?.map(spreadOf),
    ...traitsOf(placement),
    profile,
  };
}

/** What others see of a Placement that has a place: by what they keep near it or away, and whether they may send it away. */
export type Traits = Pick<Reservation, 'priority' | 'labels' | 'group' | 'antiAffinity'>;

export function traitsOf({ metadata, spec }: Placement): Traits {
  return {
    priority: spec.priority ?? 0,
    labels: metadata.labels,
    group: spec.group && groupOf(spec.group),
    antiAffinity: affinityOf(spec.antiAffinity),
  };
}

type Spec = Placement['spec'];
type Given<K extends keyof Spec> = NonNullable<Spec[K]>;

const groupOf = ({ name, size, gang, maxUnavailable }: Given<'group'>): Group => ({ name, size, gang, maxUnavailable });

/** The API cannot hold a label without a value; its generated type can. */
function selectorOf({ matchLabels = {}, matchExpressions }: Given<'nodeSelector'>): LabelSelector {
  const labels = Object.entries(matchLabels).flatMap(([key, value]) =>
    value === undefined ? [] : [[key, value] as const],
  );
  return { matchLabels: Object.fromEntries(labels), matchExpressions };
}

const nodeAffinityOf = ({ preferred }: Given<'nodeAffinity'>): NodeAffinity => ({
  preferred: preferred?.map(({ weight, preference }) => ({ weight, preference: selectorOf(preference) })),
});

const termOf = ({
  topologyKey,
  selector,
}: {
  topologyKey: string;
  selector: Given<'nodeSelector'>;
}): PlacementTerm => ({
  topologyKey,
  selector: selectorOf(selector),
});

function affinityOf(affinity: Spec['affinity']): PlacementAffinity | undefined {
  if (affinity === undefined) return undefined;
  const { required, preferred } = affinity;
  return {
    required: required?.map(termOf),
    preferred: preferred?.map(({ weight, term }) => ({ weight, term: termOf(term) })),
  };
}

function spreadOf({ topologyKey, maxSkew, whenUnsatisfiable, selector }: Given<'spread'>[number]): SpreadConstraint {
  return { topologyKey, maxSkew, whenUnsatisfiable, selector: selector && selectorOf(selector) };
}
