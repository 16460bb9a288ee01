// From a request to its class: signs it with a profile's plugins and compiles, once per signature, what judges a node.
import type { Compilation, DomainJudge, Plugin, Reads, Signature } from './plugin.ts';
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
  readonly key: string;
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

/** Equal keys: equal signatures by every plugin of the profile, so equal answers for every state of the table. */
export function classKey(profile: Profile, request: Request, table: TableView): string {
  let key = profile.name;
  const add = (part: { sign(request: Request, table: TableView): Signature | undefined } | undefined) => {
    if (part) key += `\n${JSON.stringify(part.sign(request, table))}`;
  };
  for (const { filter, domainFilter } of profile.filters) {
    add(filter);
    add(domainFilter);
  }
  for (const { plugin } of profile.scores) {
    add(plugin.score);
    add(plugin.domainScore);
  }
  return key;
}

/** The lease must outlive the class. */
export function compileClass(
  key: string,
  profile: Profile,
  request: Request,
  table: TableView,
  lease: Lease,
): RequestClass {
  const reasons = new ReasonBook();
  const compilation: Compilation = {
    table,
    reason: (text) => reasons.code(text),
    counter: (tenant, match, topologyKey) => lease.counter(tenant, match, topologyKey),
  };
  const judge = (reads: Reads) =>
    sequence(
      compileFilters(profile, reads, request, compilation, reasons),
      compileScores(profile, reads, request, compilation),
    );
  const judgeNode = judge('node');
  const judgeAllocations = judge('allocations');
  const domainJudges = compileDomainJudges(profile, request, compilation);
  const keys = [...new Set(domainJudges.flatMap(({ judge: { keys: own } }) => own))].sort();
  return { key, reasons, judgeNode, judgeAllocations, domainJudges, keys };
}

function compileFilters(
  profile: Profile,
  reads: Reads,
  request: Request,
  compilation: Compilation,
  reasons: ReasonBook,
): Judge[] {
  return profile.filters.flatMap(({ filter }) => {
    if (filter?.reads !== reads) return [];
    const signed = filter.sign(request, compilation.table);
    if (signed === undefined) return [];
    if (filter.stage === 'filter') return [filter.compile(signed, compilation)];
    const reason = (text: string) => reasons.preFilterCode(text);
    return [filter.compile(signed, { ...compilation, reason })];
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
  return (slot) => {
    for (let index = 0; index < filters.length; index++) {
      const code = filters[index]!(slot);
      if (code > 0) return -code;
    }
    let sum = 0;
    for (let index = 0; index < scores.length; index++) sum += scores[index]!(slot);
    return sum;
  };
}

export const MAX_CODE = 255;

/** Codes fit a byte. Should a class meet more reasons than that (one per taint key, say), the last code takes the rest. */
export class ReasonBook {
  readonly #texts: string[] = [''];
  readonly #codes = new Map<string, number>();
  readonly #ofPreFilters = new Set<number>();

  code(text: string): number {
    const known = this.#codes.get(text);
    if (known !== undefined) return known;
    if (this.#texts.length === MAX_CODE) this.#texts.push('other reasons');
    if (this.#texts.length > MAX_CODE) return MAX_CODE;
    this.#codes.set(text, this.#texts.length);
    return this.#texts.push(text) - 1;
  }

  preFilterCode(text: string): number {
    const code = this.code(text);
    this.#ofPreFilters.add(code);
    return code;
  }

  text(code: number): string {
    return this.#texts[code]!;
  }

  /** Whether a node that got this verdict is one that the request is about at all. */
  isEligible(verdict: Verdict): boolean {
    return !this.#ofPreFilters.has(-verdict);
  }
}
