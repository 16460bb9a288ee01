// What a plugin is: plain objects of these shapes, compiled once per class of requests.
//
// A plugin first *signs* a request: it returns the fields that its answer depends on, and `compile` is given nothing else.
// Requests with equal signatures therefore get equal answers, which is what lets them share one compiled class. An answer
// must be a pure function of what was signed and of the node (and of what was given away, where that is said).
import type { TableView } from './table.ts';
import type { Match, MatchCounter } from './topology.ts';
import type { Request, TopologyKey } from './types.ts';

/** Plain data; equal JSON means equal signature, so lists whose order does not matter are signed sorted. */
export type Signature = object | string | number | boolean;

/** What an answer depends on besides the signature: the node alone, or its allocations too. */
export type Reads = 'node' | 'allocations';

/** Judges the node in that slot: of a filter 0 (passes) or the code of the reason for turning it away, of a score the score. */
export type NodeJudge = (slot: number) => number;

/**
 * Judges a node for many classes at once: allocations change with every bind, and a change is looked at once for all of them.
 * Verdicts are by lane, one for each class. Below 0 one says that the node is turned away already, and is left as it is. A
 * filter replaces others by the negated code of its reason; a score adds its answer, times its weight.
 */
export type AllocationsJudge = (slot: number, verdicts: Int32Array) => void;

/** Something that verdicts depend on. Features with the same name are the same. */
export interface Feature {
  readonly name: string;
  /** A number of what the node gave away; 0 or 1 of that; or a number that changes with the node itself only. */
  readonly kind: 'number' | 'flag' | 'of the node';
  /** Of the node in that slot. */
  readonly read: (slot: number) => number;
}

/** What `compile` may build on; valid as long as the class is. */
export interface Compilation {
  readonly table: TableView;
  /** Hands out the codes (1 to 254) that stand for reasons within one class. */
  readonly reason: (text: string) => number;
  /** Counts a tenant's placements by the domains of a topology key. */
  readonly counter: (tenant: string, match: Match, key: TopologyKey) => MatchCounter;
}

/**
 * Undefined: has nothing to say about this request; every node passes, or gets 0. A part whose answer depends on nothing of
 * the request signs true. Called for every request, so it should cost little where there is little to sign.
 */
type Sign<Signed> = (request: Request, table: TableView) => Signed | undefined;

/** Turns nodes away. `stage` is `preFilter` for what says which nodes a request is about at all: spread looks at these only. */
export interface NodeFilter<Signed extends Signature = Signature> {
  readonly stage: 'preFilter' | 'filter';
  readonly reads: 'node';
  readonly sign: Sign<Signed>;
  compile(signed: Signed, compilation: Compilation): NodeJudge;
}

/**
 * `compile` gives a class's part of the judge that it shares, `join` makes that judge of the parts by lane, and `features`
 * tells all that its answer depends on: nodes that are alike in these are judged only once.
 */
export interface AllocationsFilter<Signed extends Signature = Signature, Part = unknown> {
  readonly stage: 'filter';
  readonly reads: 'allocations';
  readonly sign: Sign<Signed>;
  compile(signed: Signed, compilation: Compilation): Part;
  features(part: Part, table: TableView): readonly Feature[];
  /** Where a lane has no part, its verdict is left as it is. */
  join(parts: readonly (Part | undefined)[], table: TableView): AllocationsJudge;
}

export type Filter<Signed extends Signature = Signature> = NodeFilter<Signed> | AllocationsFilter<Signed>;

/** Prefers nodes: an integer from 0 to `max`, never relative to what other nodes got. */
export interface NodeScore<Signed extends Signature = Signature> {
  readonly max: number;
  readonly reads: 'node';
  readonly sign: Sign<Signed>;
  compile(signed: Signed, compilation: Compilation): NodeJudge;
}

export interface AllocationsScore<Signed extends Signature = Signature, Part = unknown> {
  readonly max: number;
  readonly reads: 'allocations';
  readonly sign: Sign<Signed>;
  compile(signed: Signed, compilation: Compilation): Part;
  features(part: Part, table: TableView): readonly Feature[];
  join(parts: readonly (Part | undefined)[], table: TableView, weight: number): AllocationsJudge;
}

export type Score<Signed extends Signature = Signature> = NodeScore<Signed> | AllocationsScore<Signed>;

/** Domain codes (NO_DOMAIN for none), one for each of a rule's keys. */
export type DomainCodes = ArrayLike<number>;

/**
 * Judges all nodes alike that are in the same domains: what spread and affinity between placements need, and asked anew
 * for every decision. For each decision `begin` comes first, then `see` with every combination of domains in which there
 * are nodes that pass the preFilters, then `judge`.
 */
export interface DomainJudge {
  readonly keys: readonly TopologyKey[];
  begin?(): void;
  see?(domains: DomainCodes): void;
  /** Of a filter 0 or a reason's code, of a score the score. */
  judge(domains: DomainCodes): number;
}

/** Turns whole domains away, after all filters of nodes. */
export interface DomainFilter<Signed extends Signature = Signature> {
  readonly sign: Sign<Signed>;
  compile(signed: Signed, compilation: Compilation): DomainJudge;
}

/** Prefers domains: an integer from 0 to `max`. */
export interface DomainScore<Signed extends Signature = Signature> {
  readonly max: number;
  readonly sign: Sign<Signed>;
  compile(signed: Signed, compilation: Compilation): DomainJudge;
}

export interface Plugin {
  readonly name: string;
  readonly filter?: Filter;
  readonly score?: Score;
  readonly domainFilter?: DomainFilter;
  readonly domainScore?: DomainScore;
}
