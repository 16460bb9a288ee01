// What keeps new work off a node: a hold (cordoned, in maintenance, not ready), taints, its limit of placements.
import type { AllocationsFilter, Filter, Plugin, Score } from '../plugin.ts';
import { firstUntolerated } from '../selectors.ts';
import type { Request, Toleration } from '../types.ts';

const always = () => true as const;
const tolerations = (request: Request) => request.tolerations;

const holdFilter: Filter<true> = {
  stage: 'filter',
  reads: 'node',
  sign: always,
  compile(_signed, { table, reason }) {
    return (slot) => {
      const node = table.node(slot)!;
      return node.schedulable ? 0 : reason(node.hold ?? 'not ready');
    };
  },
};

const taintFilter: Filter<readonly Toleration[]> = {
  stage: 'filter',
  reads: 'node',
  sign: tolerations,
  compile(tolerated, { table, reason }) {
    return (slot) => {
      const { taints } = table.node(slot)!;
      if (taints.length === 0) return 0;
      const taint = firstUntolerated(taints, tolerated, ['NoSchedule', 'NoExecute']);
      return taint === undefined ? 0 : reason(`taint ${taint.key}`);
    };
  },
};

const MAX_TAINTS = 10;

/** Ten less one for each taint with PreferNoSchedule that the request does not tolerate. */
const taintScore: Score<readonly Toleration[]> = {
  max: MAX_TAINTS,
  reads: 'node',
  sign: tolerations,
  compile(tolerated, { table }) {
    return (slot) => {
      const { taints } = table.node(slot)!;
      if (taints.length === 0) return MAX_TAINTS;
      const repelling = taints.filter((taint) => firstUntolerated([taint], tolerated, ['PreferNoSchedule']));
      return MAX_TAINTS - Math.min(MAX_TAINTS, repelling.length);
    };
  },
};

const limitFilter: AllocationsFilter<true, number> = {
  stage: 'filter',
  reads: 'allocations',
  sign: always,
  compile: (_signed, { reason }) => -reason('too many placements'),
  features: (_refused, table) => [
    {
      name: 'has all placements',
      kind: 'flag',
      read: (slot) => (table.placements[slot]! < table.maxPlacements[slot]! ? 0 : 1),
    },
  ],
  join(parts, table) {
    const full = Int32Array.from(parts, (refused) => refused ?? 0);
    return (slot, verdicts) => {
      if (table.placements[slot]! < table.maxPlacements[slot]!) return;
      for (let lane = 0; lane < full.length; lane++) {
        if (verdicts[lane]! >= 0 && full[lane]! < 0) verdicts[lane] = full[lane]!;
      }
    };
  },
};

export const nodeUnschedulable: Plugin = { name: 'NodeUnschedulable', filter: holdFilter };
export const taintToleration: Plugin = { name: 'TaintToleration', filter: taintFilter, score: taintScore };
export const placementLimit: Plugin = { name: 'PlacementLimit', filter: limitFilter };
