// From a request to its class: signs it with a profile's plugins and compiles, once per signature, what judges a node.
import type { Plugin, Reads, Reasons, Score } from './plugin.ts';
import type { TableView } from './table.ts';
import type { Request } from './types.ts';

/** A plugin's score counts `weight` times. */
export interface WeightedScore {
  readonly name: string;
  readonly weight: number;
  readonly score: Score;
}

/** A named pipeline: filters in the order in which they are asked, and weighted scores. */
export interface Profile {
  readonly name: string;
  /** Those that read only the node come first, so that their answers can be kept while allocations change. */
  readonly filters: readonly Plugin[];
  readonly scores: readonly WeightedScore[];
}

/** 0 or more: a score. Below 0: turned away, and the negated value is the reason's code. */
export type Verdict = number;
export type Judge = (slot: number) => Verdict;

/** All that is shared by requests with the same signature. */
export interface RequestClass {
  readonly key: string;
  /** By code; code 0 is not in use. */
  readonly reasons: readonly string[];
  /** What does not depend on allocations. */
  readonly judgeNode: Judge;
  /** What does; asked only where judgeNode did not turn the node away. Its score adds to judgeNode's. */
  readonly judgeAllocations: Judge;
}

/** Equal keys: equal signatures by every plugin of the profile, so equal answers for every state of the table. */
export function classKey(profile: Profile, request: Request): string {
  let key = profile.name;
  for (const { filter } of profile.filters) key += `\n${JSON.stringify(filter!.sign(request))}`;
  for (const { score } of profile.scores) key += `\n${JSON.stringify(score.sign(request))}`;
  return key;
}

export function compileClass(key: string, profile: Profile, request: Request, table: TableView): RequestClass {
  const reasons = new ReasonBook();
  const judge = (reads: Reads) =>
    sequence(compileFilters(profile, reads, request, table, reasons), compileScores(profile, reads, request, table));
  return { key, reasons: reasons.texts, judgeNode: judge('node'), judgeAllocations: judge('allocations') };
}

function compileFilters(profile: Profile, reads: Reads, request: Request, table: TableView, reasons: Reasons): Judge[] {
  return profile.filters.flatMap(({ filter }) => {
    if (filter?.reads !== reads) return [];
    const signed = filter.sign(request);
    return signed === undefined ? [] : [filter.compile(signed, table, reasons)];
  });
}

function compileScores(profile: Profile, reads: Reads, request: Request, table: TableView): Judge[] {
  return profile.scores.flatMap(({ score, weight }) => {
    if (score.reads !== reads) return [];
    const signed = score.sign(request);
    if (signed === undefined) return [];
    const compiled = score.compile(signed, table);
    return [(slot: number) => weight * compiled(slot)];
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

const MAX_CODE = 255;

/** Codes fit a byte. Should a class meet more reasons than that (one per taint key, say), the last code takes the rest. */
class ReasonBook implements Reasons {
  readonly texts: string[] = [''];
  readonly #codes = new Map<string, number>();

  code(text: string): number {
    const known = this.#codes.get(text);
    if (known !== undefined) return known;
    if (this.texts.length === MAX_CODE) this.texts.push('other reasons');
    if (this.texts.length > MAX_CODE) return MAX_CODE;
    this.#codes.set(text, this.texts.length);
    return this.texts.push(text) - 1;
  }
}
