// From a request to its class: signs it with a profile's plugins and compiles, once per signature, what judges a node.
import type { Compilation, DomainJudge, Plugin, Reads, Signature } from './plugin.ts';
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
export type Judge = (slot: number) => Verdict;

/** A domain filter has weight 0: what it answers is a reason's code. */
export interface WeightedDomainJudge {
  readonly name: string;
  readonly weight: number;
  readonly judge: DomainJudge;
}

/** All that is shared by requests with the same signature. */
export interface RequestClass {
  readonly reasons: ReasonBook;
  /** What does not depend on allocations. */
  readonly judgeNode: Judge;
  /** What does; asked only where judgeNode did not turn the node away. Its score adds to judgeNode's. */
  readonly judgeAllocations: Judge;
  /** What depends on whole domains; filters first. */
  readonly domainJudges: readonly WeightedDomainJudge[];
  /** Topology keys that the domain judges look at, each once. */
  readonly keys: readonly string[];
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
  const judge = (reads: Reads) =>
    sequence(compileFilters(profile, reads, request, at), compileScores(profile, reads, request, at(reads)));
  const judgeNode = judge('node');
  const judgeAllocations = judge('allocations');
  const domainJudges = compileDomainJudges(profile, request, at('domain'));
  const keys = [...new Set(domainJudges.flatMap(({ judge: { keys: own } }) => own))].sort();
  return { reasons, judgeNode, judgeAllocations, domainJudges, keys };
}

function compileFilters(profile: Profile, reads: Reads, request: Request, at: (stage: Stage) => Compilation): Judge[] {
  return profile.filters.flatMap(({ filter }) => {
    if (filter?.reads !== reads) return [];
    const compilation = at(filter.stage === 'preFilter' ? 'preFilter' : reads);
    const signed = filter.sign(request, compilation.table);
    return signed === undefined ? [] : [filter.compile(signed, compilation)];
  });
}

function compileScores(profile: Profile, reads: Reads, request: Request, compilation: Compilation): Judge[] {
  return profile.scores.flatMap(({ plugin: { score }, weight }) => {
    if (score?.reads !== reads) return [];
    const signed = score.sign(request, compilation.table);
    if (signed === undefined) return [];
    const compiled = score.compile(signed, compilation);
    return [(slot: number) => weight * compiled(slot)];
  });
}

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

/** The first filter that turns the node away decides; otherwise the scores add up. */
function sequence(filters: readonly Judge[], scores: readonly Judge[]): Judge {
  const [filter = pass, nextFilter = pass, ...moreFilters] = filters;
  const [score = pass, nextScore = pass, ...moreScores] = scores;
  // The first two of each by name, not in the loop: then each of these calls is to the same function in most classes.
  return (slot) => {
    let code = filter(slot);
    if (code > 0) return -code;
    code = nextFilter(slot);
    if (code > 0) return -code;
    for (let index = 0; index < moreFilters.length; index++) {
      code = moreFilters[index]!(slot);
      if (code > 0) return -code;
    }
    let sum = score(slot) + nextScore(slot);
    for (let index = 0; index < moreScores.length; index++) sum += moreScores[index]!(slot);
    return sum;
  };
}

function pass(): 0 {
  return 0;
}

/** Of reasons. */
export const MAX_CODE = 254;

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

  /** One more than the highest code. */
  get codes(): number {
    return this.#texts.length;
  }

  text(code: number): string {
    return this.#texts[code]!;
  }

  /** Whether a node that got this verdict is one that the request is about at all. */
  isEligible(verdict: Verdict): boolean {
    return verdict >= 0 || (verdict !== EMPTY && this.#stages[-verdict]! > 0);
  }

  /** Whether a change of allocations can change that a node is turned away for this. */
  isOfAllocations(code: number): boolean {
    return this.#stages[code]! > 1;
  }
}
