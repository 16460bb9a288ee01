// Other ways of choosing a host, for comparison: they look at every host of a table, for cpu and memory alone.
import type { NodeTable } from '../table.ts';
import type { Request } from '../types.ts';

export type HostPicker = (request: Request) => string | undefined;

function feasible(table: NodeTable, slot: number, { resources }: Request): boolean {
  return (
    table.resource('cpu')!.free[slot]! >= (resources.cpu ?? 0) &&
    table.resource('memory')!.free[slot]! >= (resources.memory ?? 0)
  );
}

/** The first host, in the order in which they came. */
export function firstFit(table: NodeTable): HostPicker {
  return (request) => {
    for (let slot = 0; slot < table.slots; slot++) if (feasible(table, slot, request)) return table.node(slot)!.id;
    return undefined;
  };
}

/**
 * As virtflow-scheduler says of itself: cpu and memory utilisation and the quota of VMs together, best fit wins; taken as
 * the mean of the three shares in use, the highest first.
 */
export function virtflow(table: NodeTable): HostPicker {
  const share = (name: string, slot: number) => {
    const { capacity, free } = table.resource(name)!;
    return 1 - free[slot]! / capacity[slot]!;
  };
  return (request) => {
    let best: { slot: number; score: number } | undefined;
    for (let slot = 0; slot < table.slots; slot++) {
      if (!feasible(table, slot, request)) continue;
      const vms = table.placements[slot]! / table.maxPlacements[slot]!;
      const score = (share('cpu', slot) + share('memory', slot) + vms) / 3;
      if (best === undefined || score > best.score) best = { slot, score };
    }
    return best && table.node(best.slot)!.id;
  };
}
