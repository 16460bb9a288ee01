// Says why: how many nodes each rule turned away, and what every plugin gave the best ones.
import { Appraisal } from './appraisal.ts';
import { unschedulable } from './message.ts';
import type { Profile } from './pipeline.ts';
import type { NodeTable } from './table.ts';
import type { ReasonCount, Request } from './types.ts';

export interface ScoredNode {
  readonly node: string;
  readonly score: number;
  /** What each plugin of the profile added, its weight included. */
  readonly plugins: Readonly<Record<string, number>>;
}

export interface Explanation {
  /** Nodes in all, and how many of them fit. */
  readonly total: number;
  readonly feasible: number;
  /** Nodes turned away, by the first reason; the most frequent first. */
  readonly reasons: readonly ReasonCount[];
  /** The winner and the runners-up. */
  readonly nodes: readonly ScoredNode[];
}

/** As the table stands; for a request that holds a place already, as if it did not. Looks at every node. */
export function explain(table: NodeTable, profile: Profile, request: Request, runnersUp: number): Explanation {
  return table.suppose([request.id], () => {
    const verdicts = allVerdicts(table, profile, request);
    const counts = new Map<string, number>();
    for (const { reason } of verdicts) if (reason !== undefined) counts.set(reason, (counts.get(reason) ?? 0) + 1);
    const feasible = verdicts.filter(({ reason }) => reason === undefined);
    const best = feasible.sort((left, right) => right.score - left.score || (left.id < right.id ? -1 : 1));
    const slots = best.slice(0, 1 + runnersUp);
    const parts = profile.scores.map(({ plugin, weight }) => {
      const alone = { ...profile, scores: [{ plugin, weight }] };
      return {
        name: plugin.name,
        scores: scoresOf(
          table,
          alone,
          request,
          slots.map(({ slot }) => slot),
        ),
      };
    });
    return {
      total: verdicts.length,
      feasible: feasible.length,
      reasons: unschedulable(counts).reasons,
      nodes: slots.map(({ id, score }, index) => ({
        node: id,
        score,
        plugins: Object.fromEntries(parts.map(({ name, scores }) => [name, scores[index]!])),
      })),
    };
  });
}

interface NodeVerdict {
  readonly slot: number;
  readonly id: string;
  readonly score: number;
  readonly reason: string | undefined;
}

function allVerdicts(table: NodeTable, profile: Profile, request: Request): NodeVerdict[] {
  const appraisal = new Appraisal(table, profile, request);
  const list: NodeVerdict[] = [];
  for (let slot = 0; slot < table.slots; slot++) {
    const id = table.node(slot)?.id;
    if (id === undefined) continue;
    const verdict = appraisal.verdict(slot);
    list.push({ slot, id, score: verdict, reason: verdict < 0 ? appraisal.reason(verdict) : undefined });
  }
  appraisal.end();
  return list;
}

function scoresOf(table: NodeTable, profile: Profile, request: Request, slots: readonly number[]): number[] {
  const appraisal = new Appraisal(table, profile, request);
  const scores = slots.map((slot) => appraisal.verdict(slot));
  appraisal.end();
  return scores;
}
