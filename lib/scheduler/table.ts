// The node table: what there is and what was given away, as columns of typed arrays indexed by slot.
//
// A node keeps its slot until it is removed. Every change is put in a journal, so that whoever keeps something derived from
// nodes (class indexes) can catch up by looking at the changed slots only. The table records facts and never refuses one:
// a reservation that the API server has committed stands, even beyond the node's capacity or before the node is known.
import { isDeepStrictEqual } from 'node:util';
import { type Held, Holdings, NO_SLOT, type Shelf } from './holdings.ts';
import { Journal } from './journal.ts';
import { Ranking } from './ranking.ts';
import { RepellingTerms } from './repelling.ts';
import { type Lease, type Population, Topology } from './topology.ts';
import type { Allocation, Node, PlacementTerm, Reservation } from './types.ts';
import { allocatable, checkNode, checkReservation } from './validate.ts';

/** One resource: what can be taken of it, and what is left (below 0 where more was bound than fits now). */
export interface ResourceColumn {
  readonly name: string;
  readonly capacity: Float64Array;
  readonly free: Float64Array;
}

/** What plugins may read. Arrays are replaced when the table grows: read them through the view or the column each time. */
export interface TableView {
  /** One more than the highest slot in use. */
  readonly slots: number;
  /** Undefined for a slot that is empty. */
  node(slot: number): Node | undefined;
  /** Undefined while no node has had any of it. */
  resource(name: string): ResourceColumn | undefined;
  readonly placements: Int32Array;
  readonly maxPlacements: Int32Array;
  /** The required anti-affinity terms that a tenant's placements hold, with their keys. */
  repelling(tenant: string): readonly (readonly [key: string, term: PlacementTerm])[];
}

type Column = { name: string; capacity: Float64Array; free: Float64Array };

const FIRST_SLOTS = 64;

export class NodeTable implements TableView, Population {
  readonly journal = new Journal();
  placements: Int32Array = new Int32Array(FIRST_SLOTS);
  maxPlacements: Int32Array = new Int32Array(FIRST_SLOTS);
  readonly #nodes: (Node | undefined)[] = [];
  readonly #slotOf = new Map<string, number>();
  readonly #emptySlots: number[] = [];
  readonly #columns = new Map<string, Column>();
  readonly #holdings = new Holdings();
  readonly #repelling = new RepellingTerms();
  readonly #ranking = new Ranking(this.#slotOf);
  readonly #topology = new Topology(this);

  get slots(): number {
    return this.#nodes.length;
  }

  /** How many nodes there are. */
  get size(): number {
    return this.#slotOf.size;
  }

  node(slot: number): Node | undefined {
    return this.#nodes[slot];
  }

  slotOf(nodeId: string): number | undefined {
    return this.#slotOf.get(nodeId);
  }

  get(nodeId: string): Node | undefined {
    const slot = this.#slotOf.get(nodeId);
    return slot === undefined ? undefined : this.#nodes[slot];
  }

  resource(name: string): ResourceColumn | undefined {
    return this.#columns.get(name);
  }

  repelling(tenant: string): readonly (readonly [key: string, term: PlacementTerm])[] {
    return this.#repelling.of(tenant);
  }

  /** Each slot's place in the order of node ids. */
  ranks(): Int32Array {
    return this.#ranking.ranks(this.slots);
  }

  /** Access to domains and counters, until the lease ends. */
  lease(): Lease {
    return this.#topology.lease();
  }

  /** Adds a node or takes over its new state; the same state again changes nothing. Throws InvalidInputError. */
  upsert(node: Node): void {
    checkNode(node);
    const known = this.#slotOf.get(node.id);
    if (known !== undefined && isDeepStrictEqual(this.#nodes[known], node)) return;
    const shelf = this.#holdings.openShelf(node.id);
    const slot = known ?? this.#takeSlot(node.id);
    shelf.slot = slot;
    // A copy of its own: nobody can change the table by changing an object that was passed in. Its id is the very string that
    // maps know it by, so that looking up a decision's node compares no characters.
    this.#nodes[slot] = { ...structuredClone(node), id: shelf.nodeId };
    for (const name of Object.keys(node.capacity)) this.#addColumn(name);
    this.maxPlacements[slot] = node.maxPlacements;
    this.placements[slot] = shelf.held.length;
    for (const column of this.#columns.values()) {
      const capacity = allocatable(node, column.name);
      column.capacity[slot] = capacity;
      column.free[slot] = capacity - sumOf(shelf, column.name);
    }
    this.#topology.place(slot, node, reservationsOn(shelf));
    this.journal.node(slot);
  }

  /** Forgets a node (unknown: nothing). Its reservations stay on record, and count again if the node comes back. */
  remove(nodeId: string): void {
    const shelf = this.#holdings.shelf(nodeId);
    if (shelf === undefined || shelf.slot === NO_SLOT) return;
    const { slot } = shelf;
    this.#topology.place(slot, undefined, reservationsOn(shelf));
    this.#slotOf.delete(nodeId);
    this.#nodes[slot] = undefined;
    this.#emptySlots.push(slot);
    shelf.slot = NO_SLOT;
    this.#holdings.tidy(shelf);
    this.journal.node(slot);
  }

  /** Records that a node holds this reservation; one with the same id elsewhere, or other amounts, is replaced. */
  reserve(nodeId: string, reservation: Reservation): void {
    checkReservation(reservation);
    const known = this.#holdings.get(reservation.id);
    const copy = ownCopy(reservation);
    if (known) {
      if (known.shelf.nodeId === nodeId && isDeepStrictEqual(known.reservation, copy)) return;
      this.release(reservation.id);
    }
    this.#account(this.#holdings.add(nodeId, copy), 1);
  }

  /** Gives a place back. False when nothing was held under that id. */
  release(requestId: string): boolean {
    const held = this.#holdings.get(requestId);
    if (held === undefined) return false;
    this.#holdings.remove(held);
    this.#account(held, -1);
    return true;
  }

  has(requestId: string): boolean {
    return this.#holdings.get(requestId) !== undefined;
  }

  /** The id of the node that holds this request's reservation. */
  nodeOf(requestId: string): string | undefined {
    return this.#holdings.get(requestId)?.shelf.nodeId;
  }

  /** The reservations on a node, in no order. */
  reservations(nodeId: string): Reservation[] {
    return reservationsOn(this.#holdings.shelf(nodeId));
  }

  /** How many members of a tenant's group hold a place. */
  membersOf(tenant: string, group: string): number {
    return this.#holdings.ofTenant(tenant).filter(({ reservation }) => reservation.group?.name === group).length;
  }

  /** Shows a tenant's reservations on known nodes. */
  eachHeldBy(tenant: string, see: (slot: number, reservation: Reservation) => void): void {
    for (const { shelf, reservation } of this.#holdings.ofTenant(tenant)) {
      if (shelf.slot !== NO_SLOT) see(shelf.slot, reservation);
    }
  }

  /** What a node has given away, also of a node that is not known (yet). */
  allocated(nodeId: string): Allocation {
    const reservations = this.reservations(nodeId);
    const resources: Record<string, number> = {};
    for (const reservation of reservations) {
      for (const [name, amount] of Object.entries(reservation.resources)) {
        resources[name] = (resources[name] ?? 0) + amount;
      }
    }
    return { resources, placements: reservations.length };
  }

  /**
   * Looks at the table as it would be without these reservations. Whoever looks must change nothing and must not ask a class
   * index, which would not learn that it was only supposed.
   */
  suppose<T>(without: readonly string[], look: () => T): T {
    const taken = without.flatMap((id) => this.#holdings.get(id) ?? []);
    for (const held of taken) this.#move(held, -1);
    try {
      return look();
    } finally {
      for (const held of taken) this.#move(held, 1);
    }
  }

  #account(held: Held, sign: 1 | -1): void {
    this.#repelling.count(held.reservation, sign);
    this.#move(held, sign);
    if (held.shelf.slot !== NO_SLOT) this.journal.allocations(held.shelf.slot);
  }

  /** Adds a reservation to its node's sums, or takes it out. */
  #move({ shelf: { slot }, reservation }: Held, sign: 1 | -1): void {
    if (slot === NO_SLOT) return;
    for (const name in reservation.resources) {
      const free = this.#columns.get(name)?.free;
      if (free) free[slot] = free[slot]! - sign * reservation.resources[name]!;
    }
    this.placements[slot] = this.placements[slot]! + sign;
    this.#topology.count(slot, reservation, sign);
  }

  // Only capacity makes a column: a request cannot fill the memory by asking for resources that nobody has.
  #addColumn(name: string): void {
    if (this.#columns.has(name)) return;
    const length = this.placements.length;
    const column = { name, capacity: new Float64Array(length), free: new Float64Array(length) };
    this.#columns.set(name, column);
    for (const [nodeId, slot] of this.#slotOf) column.free[slot] = -sumOf(this.#holdings.shelf(nodeId), name);
  }

  #takeSlot(nodeId: string): number {
    const slot = this.#emptySlots.pop() ?? this.#nodes.length;
    if (slot >= this.placements.length) this.#grow(this.placements.length * 2);
    this.#slotOf.set(nodeId, slot);
    this.#ranking.add(nodeId);
    return slot;
  }

  #grow(length: number): void {
    this.placements = resized(this.placements, new Int32Array(length));
    this.maxPlacements = resized(this.maxPlacements, new Int32Array(length));
    for (const column of this.#columns.values()) {
      column.capacity = resized(column.capacity, new Float64Array(length));
      column.free = resized(column.free, new Float64Array(length));
    }
    this.journal.hold(length);
  }
}

function resized<A extends Int32Array | Float64Array>(from: A, to: A): A {
  to.set(from);
  return to;
}

function sumOf(shelf: Shelf | undefined, resource: string): number {
  let sum = 0;
  for (const { reservation } of shelf?.held ?? []) sum += reservation.resources[resource] ?? 0;
  return sum;
}

function reservationsOn(shelf: Shelf | undefined): Reservation[] {
  return (shelf?.held ?? []).map(({ reservation }) => reservation);
}

/** Only what a reservation is made of, so that nothing of a caller's object is shared or kept alive. */
function ownCopy({ id, tenant, resources, priority, labels, group, antiAffinity }: Reservation): Reservation {
  return {
    id,
    tenant,
    resources: { ...resources },
    priority,
    labels: labels && { ...labels },
    group: group && { ...group },
    antiAffinity: antiAffinity && structuredClone(antiAffinity),
  };
}
