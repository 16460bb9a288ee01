// A plan that empties nodes: which reservations to move where, one after the other, so that fewer nodes are in use.
//
// The emptiest nodes are tried first, each whole or not at all; nothing moves onto a node that is empty, or twice. Every move is to
// a node that the scheduler itself would choose, so all rules hold at every moment of the plan. It is a plan: the table is as
// it was when this returns.
import type { Scheduler } from './scheduler.ts';
import type { NodeTable } from './table.ts';
import type { Request, Reservation } from './types.ts';

export interface Move {
  /** The reservation's id. */
  readonly id: string;
  readonly from: string;
  readonly to: string;
}

export interface DefragmentationPlan {
  /** In this order; each finds the room that those before it left. */
  readonly moves: readonly Move[];
  /** Nodes that hold nothing afterwards: the gain. */
  readonly emptied: readonly string[];
  /** Nodes in use before and after. */
  readonly before: number;
  readonly after: number;
}

/**
 * `requestOf` gives what the holder of a reservation asks for (its id may be any); undefined: it must stay where it is. At most
 * that many moves.
 */
export function planDefragmentation(
  scheduler: Scheduler,
  requestOf: (reservation: Reservation) => Request | undefined,
  mostMoves = 1000,
): DefragmentationPlan {
  const { table } = scheduler;
  const used = nodesInUse(table);
  const moves: Move[] = [];
  const emptied: string[] = [];
  const filled = new Set<string>();
  const undo: (() => void)[] = [];
  try {
    for (const { id } of used.toSorted((left, right) => left.share - right.share || (left.id < right.id ? -1 : 1))) {
      if (filled.has(id)) continue;
      const found = movesOff(scheduler, id, requestOf, mostMoves - moves.length);
      if (found === undefined) continue;
      undo.push(found.undo);
      moves.push(...found.moves);
      for (const { to } of found.moves) filled.add(to);
      emptied.push(id);
    }
    return { moves, emptied, before: used.length, after: used.length - emptied.length };
  } finally {
    for (const each of undo.reverse()) each();
  }
}

/** Nodes that hold something, with the larger of cpu's and memory's share in use. */
function nodesInUse(table: NodeTable): { id: string; share: number }[] {
  const list: { id: string; share: number }[] = [];
  for (let slot = 0; slot < table.slots; slot++) {
    const id = table.node(slot)?.id;
    if (id === undefined || table.placements[slot] === 0) continue;
    const shareOf = (name: string) => {
      const column = table.resource(name);
      const capacity = column?.capacity[slot] ?? 0;
      return column === undefined || capacity === 0 ? 0 : 1 - column.free[slot]! / capacity;
    };
    list.push({ id, share: Math.max(shareOf('cpu'), shareOf('memory')) });
  }
  return list;
}

/** Moves everything off a node, or nothing. `undo` puts it all back. */
function movesOff(
  scheduler: Scheduler,
  from: string,
  requestOf: (reservation: Reservation) => Request | undefined,
  most: number,
): { moves: Move[]; undo: () => void } | undefined {
  const { table } = scheduler;
  const node = table.get(from)!;
  const held = table.reservations(from);
  const requests = held.map((reservation) => requestOf(reservation));
  if (held.length > most || requests.includes(undefined)) return undefined;
  const moves: Move[] = [];
  const undo = () => {
    for (const { id } of moves) table.release(id);
    for (const reservation of held) table.reserve(from, reservation);
    table.upsert(node);
  };
  table.upsert({ ...node, schedulable: false });
  const largestFirst = held
    .map((reservation, index) => ({ reservation, request: requests[index]! }))
    .sort((left, right) => (right.reservation.resources.cpu ?? 0) - (left.reservation.resources.cpu ?? 0));
  for (const { reservation, request } of largestFirst) {
    table.release(reservation.id);
    const { node: to } = scheduler.decide(request);
    // On an empty node it would only be empty somewhere else.
    if (to === undefined || table.reservations(to).length === 0) {
      undo();
      return undefined;
    }
    table.reserve(to, reservation);
    moves.push({ id: reservation.id, from, to });
  }
  return { moves, undo };
}
