// The leaves of class indexes: which slot stands where, shared by all classes with the same scope and topology keys.
//
// A layout holds the nodes in its scope (one node, one pool, or all) and groups them into *cells*: nodes that are in the same domain of every key
// are one cell. Leaves of a cell stand together in runs; a node that comes later gets a leaf at the end, in a run of its
// own, until the layout is made anew. Its journal tells classes which leaves changed; those that are in use are told all at
// once, while what they know of a leaf, side by side on the layout's board, is at hand.
import { Journal } from './journal.ts';
import { type AllocationsParts, joinParts, type Profile } from './pipeline.ts';
import type { AllocationsJudge } from './plugin.ts';
import type { NodeTable } from './table.ts';
import { type Domains, type Lease, NO_DOMAIN } from './topology.ts';
import { Board, type TieOrder } from './tournament.ts';

/** Of a leaf that is empty, and of a slot that has no leaf. */
export const NONE = -1;

/** Which nodes a layout is about: the one with this id, those of this pool, or all. */
export interface Scope {
  readonly node?: string | undefined;
  readonly pool?: string | undefined;
}

/** Leaves [from, to) are of one cell. */
export interface Run {
  readonly cell: number;
  readonly from: number;
  to: number;
}

/** A class whose verdicts are kept up to date in a lane of the board. */
export interface Follower {
  readonly parts: AllocationsParts;
  /** From now on. It fills its lane with all verdicts. */
  begin(lane: number): void;
  /** At that leaf is another node, or one that changed itself: it takes the leaf out, and says what depends on the node alone. */
  reconsider(lane: number, leaf: number, order: TieOrder): void;
  /** No longer: its lane is somebody else's. */
  end(): void;
}

/** Who was not asked for so many questions, as a multiple of leaves, is let go: to begin anew then costs less than to be told. */
const PATIENCE = 2;

export class Layout {
  readonly journal = new Journal();
  /** Of all classes; made anew with the leaves. */
  board = new Board(2);
  /** Goes up when leaves were dealt anew: whatever was kept by leaf is worth nothing then. */
  version = 0;
  /** How many leaves have been in use; a power of two above it is reserved. */
  leaves = 0;
  slotAt = new Int32Array(2);
  cellAt = new Int32Array(2);
  /** How many leaves hold a node. */
  size = 0;
  runs: Run[] = [];
  /** By cell: the code of its domain for each key. */
  cells: Int32Array[] = [];

  readonly #table: NodeTable;
  readonly #profile: Profile;
  readonly #scope: Scope;
  readonly #domains: readonly Domains[];
  readonly #cellOf = new Map<string, number>();
  #leafOf = new Int32Array(0);
  #read = 0;
  #holes = 0;
  /** By lane. */
  #followers: (Follower | undefined)[] = [];
  /** By lane: the number of the question that its follower was asked last. */
  #asked: number[] = [];
  #questions = 0;
  #told = 0;
  #judge: AllocationsJudge | undefined;
  #verdicts = new Int32Array(0);

  constructor(table: NodeTable, profile: Profile, scope: Scope, keys: readonly string[], lease: Lease) {
    this.#table = table;
    this.#profile = profile;
    this.#scope = scope;
    this.#domains = keys.map((key) => lease.domains(key));
    this.#deal();
  }

  /** How many nodes are out of scope. */
  get leftOut(): number {
    return this.#table.size - this.size;
  }

  /** The reason that counts for those. */
  get leftOutFor(): string {
    return this.#scope.node === undefined ? 'other pool' : 'other node';
  }

  leafOf(slot: number): number {
    return this.#leafOf[slot] ?? NONE;
  }

  order(): TieOrder {
    return { slotAt: this.slotAt, rank: this.#table.ranks() };
  }

  /** Brings leaves, journal and followers up to the table's state. */
  catchUp(): void {
    this.#follow();
    const { journal } = this;
    if (this.#told === journal.next) return;
    if (this.#told < journal.oldest || journal.next - this.#told > this.size) this.#letGo(() => true);
    else this.#tell(journal.since(this.#told));
    this.#told = journal.next;
  }

  /** What judges a node for one class alone. */
  judgeOf({ parts }: Follower): AllocationsJudge {
    return joinParts(this.#profile, [parts], this.#table);
  }

  /** Somebody asks this class, which follows from then on, in the lane that it has or gets. Gives the lane. */
  follow(follower: Follower, own: number | undefined): number {
    const lane = own ?? this.board.take();
    this.#asked[lane] = ++this.#questions;
    if (own !== undefined) return lane;
    this.#followers[lane] = follower;
    this.#judge = undefined;
    follower.begin(lane);
    return lane;
  }

  /** It will not be asked any more. */
  forget(lane: number): void {
    this.#followers[lane] = undefined;
    this.#judge = undefined;
    this.board.giveBack(lane);
  }

  /** One look at a change is for all followers: this is where a decision's time goes. */
  #tell(changes: Int32Array): void {
    const oldest = this.#questions - PATIENCE * this.slotAt.length;
    this.#letGo((asked) => asked < oldest);
    const order = this.order();
    const followers = this.#followers;
    const lanes = followers.length;
    if (this.#verdicts.length < lanes) this.#verdicts = new Int32Array(2 * lanes);
    const verdicts = this.#verdicts;
    this.#judge ??= joinParts(
      this.#profile,
      followers.map((follower) => follower?.parts),
      this.#table,
    );
    const judge = this.#judge;
    const { board } = this;
    const { fixed, lanes: stride } = board;
    for (let index = 0; index < changes.length; index++) {
      const change = changes[index]!;
      const leaf = change >> 1;
      if ((change & 1) === 1)
        followers.forEach((follower, lane) => {
          follower?.reconsider(lane, leaf, order);
        });
      const base = leaf * stride;
      for (let lane = 0; lane < lanes; lane++) verdicts[lane] = fixed[base + lane]!;
      const slot = this.slotAt[leaf]!;
      if (slot !== NONE) judge(slot, verdicts);
      board.update(leaf, verdicts, lanes, order);
    }
  }

  #letGo(isOver: (asked: number) => boolean): void {
    for (let lane = 0; lane < this.#followers.length; lane++) {
      const follower = this.#followers[lane];
      if (follower === undefined || !isOver(this.#asked[lane]!)) continue;
      follower.end();
      this.forget(lane);
    }
  }

  /** Brings leaves and journal up to the table's state. */
  #follow(): void {
    const { journal } = this.#table;
    if (this.#read < journal.oldest) {
      this.#deal();
      return;
    }
    if (this.#read === journal.next) return;
    const changes = journal.since(this.#read);
    this.#read = journal.next;
    for (let index = 0; index < changes.length; index++) {
      const change = changes[index]!;
      const slot = change >> 1;
      if ((change & 1) === 0) {
        const leaf = this.leafOf(slot);
        if (leaf !== NONE) this.journal.allocations(leaf);
      } else if (!this.#place(slot)) {
        this.#deal();
        return;
      }
    }
  }

  /** Follows a node that came, went or changed. False when there is no room: leaves must be dealt anew. */
  #place(slot: number): boolean {
    const leaf = this.leafOf(slot);
    const cell = this.#isMember(slot) ? this.#cellOfSlot(slot) : NONE;
    if (leaf !== NONE && this.cellAt[leaf] === cell) {
      this.journal.node(leaf);
      return true;
    }
    if (leaf !== NONE) this.#vacate(leaf, slot);
    return cell === NONE || this.#append(slot, cell);
  }

  #vacate(leaf: number, slot: number): void {
    this.slotAt[leaf] = NONE;
    this.#leafOf[slot] = NONE;
    this.size--;
    this.#holes++;
    this.journal.node(leaf);
  }

  #append(slot: number, cell: number): boolean {
    if (this.leaves === this.slotAt.length || slot >= this.#leafOf.length) return false;
    if (this.#holes > this.size + 64 || this.runs.length > 2 * this.cells.length + 64) return false;
    this.#seat(slot, cell);
    this.journal.node(this.leaves - 1);
    return true;
  }

  #seat(slot: number, cell: number): void {
    const leaf = this.leaves++;
    this.slotAt[leaf] = slot;
    this.cellAt[leaf] = cell;
    this.#leafOf[slot] = leaf;
    this.size++;
    const last = this.runs.at(-1);
    if (last?.cell === cell) last.to = leaf + 1;
    else this.runs.push({ cell, from: leaf, to: leaf + 1 });
  }

  #isMember(slot: number): boolean {
    const node = this.#table.node(slot);
    if (node === undefined) return false;
    const { node: id, pool } = this.#scope;
    return id === undefined ? pool === undefined || pool === node.pool : id === node.id;
  }

  #cellOfSlot(slot: number): number {
    if (this.#domains.length === 0 && this.cells.length > 0) return 0;
    const codes = this.#domains.map(({ codeOf }) => codeOf[slot] ?? NO_DOMAIN);
    const name = codes.join();
    const known = this.#cellOf.get(name);
    if (known !== undefined) return known;
    this.#cellOf.set(name, this.cells.length);
    return this.cells.push(Int32Array.from(codes)) - 1;
  }

  /** Deals leaves anew: cell by cell. */
  #deal(): void {
    const table = this.#table;
    this.version++;
    this.leaves = 0;
    this.size = 0;
    this.#holes = 0;
    this.runs = [];
    this.cells = [];
    this.#cellOf.clear();
    const seats: { slot: number; cell: number }[] = [];
    for (let slot = 0; slot < table.slots; slot++) {
      if (this.#isMember(slot)) seats.push({ slot, cell: this.#cellOfSlot(slot) });
    }
    if (this.#domains.length > 0) seats.sort((left, right) => left.cell - right.cell);
    const room = 2 ** Math.ceil(Math.log2(seats.length * 1.25 + 2));
    this.board = new Board(room);
    for (const follower of this.#followers) follower?.end();
    this.#followers = [];
    this.#judge = undefined;
    this.slotAt = new Int32Array(room).fill(NONE);
    this.cellAt = new Int32Array(room).fill(NONE);
    this.#leafOf = new Int32Array(table.placements.length).fill(NONE);
    for (const { slot, cell } of seats) this.#seat(slot, cell);
    this.journal.hold(room);
    this.#told = this.journal.next;
    this.#read = table.journal.next;
  }
}
