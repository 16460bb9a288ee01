// Who holds a place where: every reservation, by its id, by node and by tenant.
//
// A node has a shelf from the first reservation or the first sight of it, whichever comes first. Lists are kept without
// order, so that taking one out costs nothing.
import type { Reservation } from './types.ts';

/** Of a shelf whose node is not in the table. */
export const NO_SLOT = -1;

export interface Shelf {
  readonly nodeId: string;
  /** Where the node is in the table. */
  slot: number;
  readonly held: Held[];
}

export interface Held {
  readonly reservation: Reservation;
  readonly shelf: Shelf;
  readonly ofTenant: Held[];
  /** Where it stands in `shelf.held` and in `ofTenant`. */
  onShelf: number;
  amongTenant: number;
}

export class Holdings {
  readonly #byId = new Map<string, Held>();
  readonly #shelves = new Map<string, Shelf>();
  readonly #byTenant = new Map<string, Held[]>();

  get(id: string): Held | undefined {
    return this.#byId.get(id);
  }

  shelf(nodeId: string): Shelf | undefined {
    return this.#shelves.get(nodeId);
  }

  ofTenant(tenant: string): readonly Held[] {
    return this.#byTenant.get(tenant) ?? [];
  }

  /** The node's shelf, made when there is none. */
  openShelf(nodeId: string): Shelf {
    const known = this.#shelves.get(nodeId);
    if (known) return known;
    const shelf = { nodeId, slot: NO_SLOT, held: [] };
    this.#shelves.set(nodeId, shelf);
    return shelf;
  }

  /** Forgets a shelf that neither holds anything nor has a node. */
  tidy(shelf: Shelf): void {
    if (shelf.held.length === 0 && shelf.slot === NO_SLOT) this.#shelves.delete(shelf.nodeId);
  }

  /** The id must not be held. */
  add(nodeId: string, reservation: Reservation): Held {
    const shelf = this.openShelf(nodeId);
    let ofTenant = this.#byTenant.get(reservation.tenant);
    if (ofTenant === undefined) {
      ofTenant = [];
      this.#byTenant.set(reservation.tenant, ofTenant);
    }
    const held = { reservation, shelf, ofTenant, onShelf: shelf.held.length, amongTenant: ofTenant.length };
    shelf.held.push(held);
    ofTenant.push(held);
    this.#byId.set(reservation.id, held);
    return held;
  }

  remove(held: Held): void {
    const { reservation, shelf, ofTenant } = held;
    this.#byId.delete(reservation.id);
    const lastOnShelf = shelf.held.pop()!;
    if (lastOnShelf !== held) {
      shelf.held[held.onShelf] = lastOnShelf;
      lastOnShelf.onShelf = held.onShelf;
    }
    const lastOfTenant = ofTenant.pop()!;
    if (lastOfTenant !== held) {
      ofTenant[held.amongTenant] = lastOfTenant;
      lastOfTenant.amongTenant = held.amongTenant;
    }
    if (ofTenant.length === 0) this.#byTenant.delete(reservation.tenant);
    this.tidy(shelf);
  }
}
