// From a request to its class: signs it with a profile's plugins and compiles, once per signature, what judges a node.
import { union } from './looks.ts';
import type { AllocationsJudge, Compilation, DomainJudge, Feature, NodeJudge, Plugin, Signature } from './plugin.ts';
import { flatten, type Part } from './signature.ts';
import type { TableView } from './table.ts';
import type { Lease } from './topology.ts';
import type { Request } from './types.ts';

/** A plugin's scores count `weight` times. */
export interface Weighted {
  readonly plugin: Plugin;
  readonly weight: number;
}

/** A named pipeline: filters in the order in which they are asked, and weighted scores. */
export interface Profile {
  readonly name: string;
  /** Those that read only the node come first, so that their answers can be kept while allocations change. */
  readonly filters: readonly Plugin[];
  readonly scores: readonly Weighted[];
}

/** 0 or more: a score. Below 0: turned away, and the negated value is the reason's code. */
export type Verdict = number;

/** A domain filter has weight 0: what it answers is a reason's code. */
export interface WeightedDomainJudge {
  readonly name: string;
  readonly weight: number;
  readonly judge: DomainJudge;
}

/** By filter and by score of the profile, what it compiled of a class; undefined where it has nothing to say. */
export interface AllocationsParts {
  readonly filters: readonly unknown[];
  readonly scores: readonly unknown[];
}

/** All that is shared by requests with the same signature. */
export interface RequestClass {
  readonly reasons: ReasonBook;
  /** What does not depend on allocations. */
  readonly judgeNode: (slot: number) => Verdict;
  /** What does: its part of what judges a node for many classes at once. */
  readonly parts: AllocationsParts;
  /** What depends on whole domains; filters first. */
  readonly domainJudges: readonly WeightedDomainJudge[];
  /** Topology keys that the domain judges look at, each once. */
  readonly keys: readonly string[];
}

/** No node has a higher score, what domains add left out. */
export function highestScore({ scores }: Profile): number {
  return scores.reduce((sum, { plugin, weight }) => sum + weight * (plugin.score?.max ?? 0), 0);
}

type Sign = (request: Request, table: TableView) => Signature | undefined;

const signsOfProfiles = new WeakMap<Profile, readonly Sign[]>();

/** How a profile's plugins sign, each function once: what several sign alike is looked at once. */
function signsOf(profile: Profile): readonly Sign[] {
  const known = signsOfProfiles.get(profile);
  if (known) return known;
  const parts = [
    ...profile.filters.flatMap(({ filter, domainFilter }) => [filter, domainFilter]),
    ...profile.scores.flatMap(({ plugin: { score, domainScore } }) => [score, domainScore]),
  ];
  const signs = [...new Set(parts.flatMap((part) => (part ? [part.sign] : [])))];
  signsOfProfiles.set(profile, signs);
  return signs;
}

/** What a profile's plugins sign: equal lists, equal answers for every state of the table. The list is `into`, filled anew. */
export function signatureOf(profile: Profile, request: Request, table: TableView, into: Part[]): readonly Part[] {
  const signs = signsOf(profile);
  into.length = 0;
  into.push(profile.name);
  for (let index = 0; index < signs.length; index++) flatten(signs[index]!(request, table), into);
  return into;
}

/** The lease must outlive the class. */
export function compileClass(profile: Profile, request: Request, table: TableView, lease: Lease): RequestClass {
  const reasons = new ReasonBook();
  const at = (stage: Stage): Compilation => ({
    table,
    reason: (text) => reasons.code(stage, text),
    counter: (tenant, match, topologyKey) => lease.counter(tenant, match, topologyKey),
  });
  const judgeNode = compileForNodes(profile, request, at);
  const parts = compileParts(profile, request, at('allocations'));
  const domainJudges = compileDomainJudges(profile, request, at('domain'));
  const keys = [...new Set(domainJudges.flatMap(({ judge: { keys: own } }) => own))].sort();
  return { reasons, judgeNode, parts, domainJudges, keys };
}

/** The first filter that turns the node away decides; otherwise the scores add up. */
function compileForNodes(
  profile: Profile,
  request: Request,
  at: (stage: Stage) => Compilation,
): (slot: number) => Verdict {
  const filters: NodeJudge[] = profile.filters.flatMap(({ filter }) => {
    if (filter?.reads !== 'node') return [];
    const compilation = at(filter.stage === 'preFilter' ? 'preFilter' : 'node');
    const signed = filter.sign(request, compilation.table);
    return signed === undefined ? [] : [filter.compile(signed, compilation)];
  });
  const scores = profile.scores.flatMap(({ plugin: { score }, weight }) => {
    const compilation = at('node');
    const signed = score?.reads === 'node' ? score.sign(request, compilation.table) : undefined;
    return score?.reads !== 'node' || signed === undefined
      ? []
      : [{ judge: score.compile(signed, compilation), weight }];
  });
  return (slot) => {
    for (let index = 0; index < filters.length; index++) {
      const code = filters[index]!(slot);
      if (code > 0) return -code;
    }
    let sum = 0;
    for (let index = 0; index < scores.length; index++) sum += scores[index]!.weight * scores[index]!.judge(slot);
    return sum;
  };
}

function compileParts(profile: Profile, request: Request, compilation: Compilation): AllocationsParts {
  const { table } = compilation;
  return {
    filters: profile.filters.map(({ filter }) => {
      const signed = filter?.reads === 'allocations' ? filter.sign(request, table) : undefined;
      return signed === undefined ? undefined : filter!.compile(signed, compilation);
    }),
    scores: profile.scores.map(({ plugin: { score } }) => {
      const signed = score?.reads === 'allocations' ? score.sign(request, table) : undefined;
      return signed === undefined ? undefined : score!.compile(signed, compilation);
    }),
  };
}

/** Of several classes at once. */
export interface JoinedJudge {
  readonly judge: AllocationsJudge;
  /** All that its verdicts depend on, besides what they start as. */
  readonly features: readonly Feature[];
}

/** What judges a node for the classes whose parts these are, by lane; verdicts start as what judgeNode said. */
export function joinParts(
  profile: Profile,
  lanes: readonly (AllocationsParts | undefined)[],
  table: TableView,
): JoinedJudge {
  const judges: AllocationsJudge[] = [];
  const features: (readonly Feature[])[] = [];
  profile.filters.forEach(({ filter }, index) => {
    const parts = lanes.map((lane) => lane?.filters[index]);
    if (filter?.reads !== 'allocations' || !parts.some(isThere)) return;
    judges.push(filter.join(parts, table));
    for (const part of parts) if (isThere(part)) features.push(filter.features(part, table));
  });
  profile.scores.forEach(({ plugin: { score }, weight }, index) => {
    const parts = lanes.map((lane) => lane?.scores[index]);
    if (score?.reads !== 'allocations' || !parts.some(isThere)) return;
    judges.push(score.join(parts, table, weight));
    for (const part of parts) if (isThere(part)) features.push(score.features(part, table));
  });
  return {
    features: union(features),
    judge: (slot, verdicts) => {
      for (let index = 0; index < judges.length; index++) judges[index]!(slot, verdicts);
    },
  };
}

const isThere = (part: unknown): boolean => part !== undefined;

function compileDomainJudges(profile: Profile, request: Request, compilation: Compilation): WeightedDomainJudge[] {
  const filters = profile.filters.map((plugin) => ({ name: plugin.name, part: plugin.domainFilter, weight: 0 }));
  const scores = profile.scores.map(({ plugin, weight }) => ({ name: plugin.name, part: plugin.domainScore, weight }));
  return [...filters, ...scores].flatMap(({ name, part, weight }) => {
    const signed = part?.sign(request, compilation.table);
    return part === undefined || signed === undefined
      ? []
      : [{ name, weight, judge: part.compile(signed, compilation) }];
  });
}

/** Of reasons. */
const MAX_CODE = 254;

/** Stands, as a code, for a place that holds no node. */
export const EMPTY_CODE = MAX_CODE + 1;
export const EMPTY: Verdict = -EMPTY_CODE;

/** Who turned a node away, from what is looked at first to what is looked at last. */
type Stage = 'preFilter' | 'node' | 'allocations' | 'domain';
const STAGES: readonly Stage[] = ['preFilter', 'node', 'allocations', 'domain'];

/**
 * Codes (1 to MAX_CODE) fit a byte, and leave room for EMPTY_CODE. Should a class meet more reasons than that (one per taint key, say), the rest count as `other reasons`,
 * for which each stage has a code set aside.
 */
export class ReasonBook {
  readonly #texts: string[] = ['', ...STAGES.map(() => 'other reasons')];
  readonly #codes = new Map<string, number>();
  /** By code: its stage, as an index of STAGES. */
  readonly #stages = new Uint8Array(MAX_CODE + 2);

  constructor() {
    STAGES.forEach((_, index) => {
      this.#stages[index + 1] = index;
    });
  }

  code(stage: Stage, text: string): number {
    const name = `${stage}: ${text}`;
    const known = this.#codes.get(name);
    if (known !== undefined) return known;
    const code = this.#texts.length;
    if (code > MAX_CODE) return STAGES.indexOf(stage) + 1;
    this.#texts.push(text);
    this.#codes.set(name, code);
    this.#stages[code] = STAGES.indexOf(stage);
    return code;
  }

  /** Of how many nodes have each code, how many there are for each reason. */
  counts(byCode: Int32Array): Map<string, number> {
    const counts = new Map<string, number>();
    for (let code = 1; code < this.#texts.length; code++) {
      if (byCode[code] !== 0) counts.set(this.text(code), (counts.get(this.text(code)) ?? 0) + byCode[code]!);
    }
    return counts;
  }

  text(code: number): string {
    return this.#texts[code]!;
  }

  /** Whether a node that got this verdict is one that the request is about at all. */
  isEligible(verdict: Verdict): boolean {
    return verdict >= 0 || (verdict !== EMPTY && this.#stages[-verdict]! > 0);
  }
}
