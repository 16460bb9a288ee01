// What the scheduler is told and what it answers: plain data, free of Kubernetes.
//
// A *node* is anything that can be taken: an instance that hosts VMs (a request takes a share of it) or a whole device (a
// request takes its one unit of the resource `device`). A *request* wants a place; a *reservation* holds one.

/**
 * Amounts by resource name: cpu in millicores, memory and storage in bytes, everything else in whole units.
 * Non-negative integers up to 2^53 - 1, so that sums and comparisons are exact. A name that is missing means 0.
 */
export type Resources = Readonly<Record<string, number>>;

export type Labels = Readonly<Record<string, string>>;

/** As on a Kubernetes Node (core/v1 Taint). */
export interface Taint {
  readonly key: string;
  readonly value?: string | undefined;
  readonly effect: 'NoSchedule' | 'PreferNoSchedule' | 'NoExecute';
}

/** As in a PodSpec (core/v1 Toleration). No key with `Exists` tolerates all; no effect matches every effect. */
export interface Toleration {
  readonly key?: string | undefined;
  readonly operator?: 'Exists' | 'Equal' | undefined;
  readonly value?: string | undefined;
  readonly effect?: Taint['effect'] | undefined;
}

/** `Gt` and `Lt` compare integers and are for nodes only (core/v1 NodeSelectorRequirement). */
export interface SelectorRequirement {
  readonly key: string;
  readonly operator: 'In' | 'NotIn' | 'Exists' | 'DoesNotExist' | 'Gt' | 'Lt';
  readonly values?: readonly string[] | undefined;
}

/** All of it must hold; an empty selector matches everything (meta/v1 LabelSelector). */
export interface LabelSelector {
  readonly matchLabels?: Labels | undefined;
  readonly matchExpressions?: readonly SelectorRequirement[] | undefined;
}

/** Why a node takes nothing new at the moment; used as it is in messages. */
export type NodeHold = 'cordoned' | 'in maintenance' | 'to be reinstalled' | 'not ready' | 'being deleted';

export interface Node {
  /** The stable key, unique in its table; ties between nodes go to the lowest id. */
  readonly id: string;
  readonly name: string;
  readonly labels: Labels;
  readonly pool: string;
  readonly site: string;
  readonly region: string;
  readonly zone: string;
  readonly rack: string;
  /** A dedicated node takes dedicated requests only, a common one common requests only. */
  readonly dedicated: boolean;
  /** With `dedicated`: the only tenant that it takes. */
  readonly dedicatedTo?: string | undefined;
  readonly taints: readonly Taint[];
  readonly capacity: Resources;
  /** Kept for the node itself. What can be taken is (capacity - reserved) × overcommit, rounded down. */
  readonly reserved: Resources;
  /** Factors by resource name, in steps of 0.001; 1 where missing. */
  readonly overcommit: Readonly<Record<string, number>>;
  readonly maxPlacements: number;
  /** False: takes nothing new, for the reason in `hold` ("not ready" without one). What it has stays. */
  readonly schedulable: boolean;
  readonly hold?: NodeHold | undefined;
}

/** Required terms: one of them must match. Preferred ones add their weight (1 to 100) where they match. */
export interface NodeAffinity {
  readonly required?: readonly LabelSelector[] | undefined;
  readonly preferred?: readonly { readonly weight: number; readonly preference: LabelSelector }[] | undefined;
}

/**
 * Where a node is, in one respect: `site`, `region`, `zone`, `rack`, `node`, or any label key of nodes.
 * Nodes without a value (the empty string) are in no domain of that key.
 */
export type TopologyKey = string;

/** Placements of the request's own tenant whose labels match, in the domains of one topology key. */
export interface PlacementTerm {
  readonly topologyKey: TopologyKey;
  readonly selector: LabelSelector;
}

/** `required` decides where a request may go; `preferred` only what is better (weights 1 to 100). */
export interface PlacementAffinity {
  readonly required?: readonly PlacementTerm[] | undefined;
  readonly preferred?: readonly { readonly weight: number; readonly term: PlacementTerm }[] | undefined;
}

/** As core/v1 TopologySpreadConstraint. Without a selector: the request's group, or else all of its tenant's. */
export interface SpreadConstraint {
  readonly topologyKey: TopologyKey;
  readonly maxSkew: number;
  readonly whenUnsatisfiable: 'DoNotSchedule' | 'ScheduleAnyway';
  readonly selector?: LabelSelector | undefined;
}

/** A group belongs to one tenant. With `gang`, its `size` members are placed all together or not at all. */
export interface Group {
  readonly name: string;
  readonly size: number;
  readonly gang?: boolean | undefined;
  /** How many members preemption may leave without a place; no limit where missing. */
  readonly maxUnavailable?: number | undefined;
}

export interface Request {
  readonly id: string;
  /** The namespace. */
  readonly tenant: string;
  readonly resources: Resources;
  /** This node (by id) and no other. */
  readonly node?: string | undefined;
  /** Any pool, site, region or zone where missing. */
  readonly pool?: string | undefined;
  readonly site?: string | undefined;
  readonly region?: string | undefined;
  readonly zone?: string | undefined;
  readonly dedicated: boolean;
  readonly tolerations: readonly Toleration[];
  readonly nodeSelector?: LabelSelector | undefined;
  readonly nodeAffinity?: NodeAffinity | undefined;
  /** Its own labels: what affinity, anti-affinity and spread of others (and its own) select. */
  readonly labels?: Labels | undefined;
  readonly affinity?: PlacementAffinity | undefined;
  readonly antiAffinity?: PlacementAffinity | undefined;
  readonly spread?: readonly SpreadConstraint[] | undefined;
  readonly group?: Group | undefined;
  /** Higher goes first and may take the place of lower. A 32-bit integer, 0 by default in the API. */
  readonly priority: number;
  /** The name of a profile of the scheduler's configuration; `default` and `devices` come with it. */
  readonly profile: string;
}

/** What holds a place. Every Request is one, so `table.reserve(node, request)` is all that a bind needs. */
export interface Reservation {
  readonly id: string;
  readonly tenant: string;
  readonly resources: Resources;
  readonly priority: number;
  readonly labels?: Labels | undefined;
  readonly group?: Group | undefined;
  /** Keeps later requests of its tenant that it repels away from itself, as Kubernetes does. */
  readonly antiAffinity?: PlacementAffinity | undefined;
}

/** How many nodes were turned away for one reason. */
export interface ReasonCount {
  readonly reason: string;
  readonly count: number;
}

/** Why no node fits. Each node counts once, under the first filter that turned it away (see profiles.ts for the order). */
export interface Unschedulable {
  readonly total: number;
  /** The most frequent first, then by name; counts add up to `total`. */
  readonly reasons: readonly ReasonCount[];
  /** `0/5000 nodes fit: 3800 too little cpu, 900 other pool, 300 dedicated` */
  readonly message: string;
}

/** `node` is the chosen node's id. Scores compare only between nodes for the same request. */
export type Decision =
  | { readonly node: string; readonly score: number; readonly unschedulable?: undefined }
  | { readonly node?: undefined; readonly unschedulable: Unschedulable };

/** What a node has given away: sums over its reservations. */
export interface Allocation {
  readonly resources: Resources;
  readonly placements: number;
}
