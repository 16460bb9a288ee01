// The nodes that some classes agree on, and what each of these classes thinks of them, kept up to date for all at once.
//
// Classes share a layout when they look at the same topology keys and say the same of every node by itself: whether it would
// do, and its score. Nodes that look alike (looks.ts) are in one *state* (node-states.ts), and each class has one verdict on
// a state, in its *lane* (lane.ts). So a change costs no class anything until it is asked, save for a state that is new.
import type { Cells } from './cells.ts';
import { type Follower, Lane, UNFIT, VERDICT_BYTES, type Winner } from './lane.ts';
import { Looks } from './looks.ts';
import { NodeStates, STATE_BYTES } from './node-states.ts';
import { highestScore, type JoinedJudge, joinParts, type Profile, type Verdict } from './pipeline.ts';
import { NONE } from './rows.ts';
import type { NodeTable } from './table.ts';

/** Who was not asked for so many questions, as a multiple of states, is let go: new states are judged for every lane. */
const PATIENCE = 2;
/** Room for states beyond twice the nodes, so that those that come again are known: for each node, and in all. */
const FOR_EACH = 16;
const MANY = 4096;
const SLOT_BYTES = 24;

export class Layout {
  /** Goes up when nodes come, go or change themselves. */
  generation = 0;
  /** Goes up with every change. */
  version = 0;
  readonly cells: Cells;
  /** By slot, of every node. */
  readonly cellOf: Int32Array;

  readonly #table: NodeTable;
  readonly #profile: Profile;
  /** By slot: what all lanes say of a node by itself, UNFIT or a score. */
  readonly #fixed: Int32Array;
  /** Of `#fixed`: layouts that say the same have the same. */
  #fingerprint: number;
  /** By slot: the id of the node that was there last. */
  readonly #ids: string[] = [];
  #looks = new Looks([], 0);
  #states = new NodeStates(0, 1, 0);
  readonly #lanes: (Lane | undefined)[] = [];
  /** By state: lane and score, in turn, of lanes that were asked while it had no nodes and was in the way. */
  #aside: (number[] | undefined)[] = [];
  /** Undefined when lanes changed. */
  #joined: JoinedJudge | undefined;
  /** Verdicts by lane. */
  #row = new Int32Array(0);
  /** Goes up with each lane that comes. A state is noted with the last that all lanes judged it in; with nodes, that is this. */
  #judging = 1;
  #questions = 0;
  #looked = 0;
  /** Up to where the table's journal was read. */
  #read: number;
  /** It is too far behind, or the table has outgrown it: nobody follows any more. */
  #isLost = false;

  /** `fixed` is what is said of nodes as the table stands, by slot, and is the layout's from now on. */
  constructor(table: NodeTable, profile: Profile, cells: Cells, fixed: Int32Array) {
    this.#table = table;
    this.#profile = profile;
    this.cells = cells;
    this.cellOf = new Int32Array(fixed.length);
    this.#fixed = fixed;
    this.#fingerprint = fingerprint(fixed);
    this.#read = table.journal.next;
    for (let slot = 0; slot < fixed.length; slot++) this.#meet(slot);
    this.#deal();
  }

  /** About what it takes itself. */
  get bytes(): number {
    return this.#fixed.length * SLOT_BYTES + this.#states.room * STATE_BYTES;
  }

  /** About what each lane takes. */
  get laneBytes(): number {
    return this.#states.room * VERDICT_BYTES;
  }

  /** Whether nobody follows. */
  get isUnused(): boolean {
    return this.#lanes.every((lane) => lane === undefined);
  }

  /** Whether this is what its lanes say of nodes, too, as the table stands. */
  agrees(fixed: Int32Array): boolean {
    if (this.#fingerprint !== fingerprint(fixed)) return false;
    this.catchUp();
    if (this.#isLost || this.#fixed.length !== fixed.length) return false;
    for (let slot = 0; slot < fixed.length; slot++) if (this.#fixed[slot] !== fixed[slot]) return false;
    return true;
  }

  /** Brings everything up to the table's state; lets followers go that do not agree any more. */
  catchUp(): void {
    const { journal } = this.#table;
    if (this.#read === journal.next) return;
    if (this.#read < journal.oldest || this.#table.placements.length !== this.#fixed.length) {
      this.#isLost = true;
      this.#letGo(() => true);
      return;
    }
    const changes = journal.since(this.#read);
    const hasNodes = journal.latestNode >= this.#read;
    this.#read = journal.next;
    if ((hasNodes && !this.#renewAll(changes)) || !this.#moveAll(changes)) this.#deal();
  }

  /** Somebody asks this class, which follows from then on, in the lane that it has or gets. Gives the lane's number. */
  follow(follower: Follower, own: number | undefined): number {
    this.#questions++;
    if (own !== undefined) {
      this.#lanes[own]!.asked = this.#questions;
      return own;
    }
    this.#letGoIdle();
    const hole = this.#lanes.indexOf(undefined);
    const number = hole < 0 ? this.#lanes.length : hole;
    this.#judging++;
    const lane = this.#laneFor(follower, this.#questions);
    this.#lanes[number] = lane;
    this.#joined = undefined;
    if (this.#looks.hasAll(this.#joinedJudge().features)) {
      this.#teach(lane);
      this.#noteAllJudged();
    } else this.#deal();
    return number;
  }

  /** It will not be asked any more. */
  forget(lane: number): void {
    this.#lanes[lane] = undefined;
    this.#joined = undefined;
  }

  /** The best node of a cell for a lane, of the lowest rank where several are. */
  best(lane: number, cell: number): Winner | undefined {
    return this.#lanes[lane]!.best(cell, this.#table.ranks(), (state, score) => {
      const aside = this.#aside[state];
      if (aside) aside.push(lane, score);
      else this.#aside[state] = [lane, score];
    });
  }

  /** Every state with nodes: what a lane says of it, how many nodes it has, and their cell. */
  eachVerdict(lane: number, see: (verdict: Verdict, count: number, cell: number) => void): void {
    const states = this.#states;
    for (let state = 0; state < states.size; state++) {
      const count = states.count(state);
      if (count > 0) see(this.#lanes[lane]!.verdict(state), count, states.cell(state));
    }
  }

  #letGo(isOver: (lane: Lane) => boolean): void {
    this.#lanes.forEach((lane, number) => {
      if (lane === undefined || !isOver(lane)) return;
      this.forget(number);
      lane.follower.end();
    });
  }

  /** Now and then. */
  #letGoIdle(): void {
    const patience = PATIENCE * this.#states.room;
    if (this.#questions - this.#looked < patience / 2) return;
    this.#looked = this.#questions;
    this.#letGo(({ asked }) => this.#questions - asked > patience);
  }

  /** Looks at the nodes themselves that changed. False when it is too many to go on. */
  #renewAll(changes: Int32Array): boolean {
    let isGood = true;
    this.generation++;
    this.version++;
    for (let index = 0; index < changes.length; index++) {
      const change = changes[index]!;
      if ((change & 1) === 1 && !this.#renew(change >> 1)) isGood = false;
    }
    return isGood;
  }

  /** What the first says of a node counts: who says otherwise is let go. */
  #renew(slot: number): boolean {
    let fixed: number | undefined;
    this.#letGo(({ follower }) => {
      const said = follower.reconsider(slot);
      fixed ??= said;
      return said !== fixed;
    });
    fixed ??= UNFIT;
    this.#fingerprint = (this.#fingerprint - mix(slot, this.#fixed[slot]!) + mix(slot, fixed)) | 0;
    this.#fixed[slot] = fixed;
    this.#meet(slot);
    if (fixed >= 0) return this.#looks.meet(slot, this.cellOf[slot]!, fixed);
    this.#looks.forget(slot);
    if (this.#states.of(slot) !== NONE) this.#states.leave(slot);
    return true;
  }

  /** Finds the cell of a node. Who still knows the slot by its former node's rank is wrong. */
  #meet(slot: number): void {
    const id = this.#table.node(slot)?.id;
    if (id === undefined) return;
    this.cellOf[slot] = this.cells.of(slot);
    if (this.#ids[slot] === id) return;
    if (this.#ids[slot] !== undefined) this.#states.reorder();
    this.#ids[slot] = id;
  }

  /** Puts nodes into the states that they are in now. False when there is no room for one. */
  #moveAll(changes: Int32Array): boolean {
    const rank = this.#table.ranks();
    const looks = this.#looks;
    const states = this.#states;
    for (let index = 0; index < changes.length; index++) {
      const slot = changes[index]! >> 1;
      if (!looks.has(slot)) continue;
      looks.look(slot);
      const before = states.of(slot);
      if (before !== NONE) {
        if (states.is(before, looks.row)) continue;
        states.leave(slot);
      }
      const state = states.enter(slot, this.cellOf[slot]!, looks.row, rank);
      if (state === NONE) return false;
      this.version++;
      this.#putBack(state);
      if (states.judged(state) !== this.#judging) this.#judge(state, slot);
    }
    return true;
  }

  /** A state has nodes again. A lane may be another class's by now, which does not know the state. */
  #putBack(state: number): void {
    const aside = this.#aside[state];
    if (aside === undefined) return;
    const cell = this.#states.cell(state);
    for (let index = 0; index < aside.length; index += 2) {
      const lane = this.#lanes[aside[index]!];
      if (lane?.knows(state)) lane.putBack(state, cell, aside[index + 1]!);
    }
    aside.length = 0;
  }

  /** What lanes that do not know a state say of it, by one node that is in it. */
  #judge(state: number, slot: number): void {
    const lanes = this.#lanes;
    if (this.#row.length < lanes.length) this.#row = new Int32Array(2 * lanes.length);
    const row = this.#row.fill(this.#fixed[slot]!);
    this.#joinedJudge().judge(slot, row);
    for (let index = 0; index < lanes.length; index++) {
      const lane = lanes[index];
      if (lane && !lane.knows(state)) lane.learn(state, row[index]!);
    }
    this.#states.noteJudged(state, this.#judging);
  }

  #joinedJudge(): JoinedJudge {
    const parts = this.#lanes.map((lane) => lane?.follower.parts);
    this.#joined ??= joinParts(this.#profile, parts, this.#table);
    return this.#joined;
  }

  #laneFor(follower: Follower, asked: number): Lane {
    return new Lane(follower, this.#states, highestScore(this.#profile), this.#judging, asked);
  }

  /** A lane that is new judges all states with nodes. */
  #teach(lane: Lane): void {
    const states = this.#states;
    const rank = this.#table.ranks();
    const { judge } = joinParts(this.#profile, [lane.follower.parts], this.#table);
    const verdict = new Int32Array(1);
    for (let state = 0; state < states.size; state++) {
      if (states.count(state) === 0) continue;
      const slot = states.first(state, rank);
      verdict[0] = this.#fixed[slot]!;
      judge(slot, verdict);
      lane.learn(state, verdict[0]);
    }
  }

  #noteAllJudged(): void {
    const states = this.#states;
    for (let state = 0; state < states.size; state++)
      if (states.count(state) > 0) states.noteJudged(state, this.#judging);
  }

  /** Puts every node into its state anew, with room for as many states again, and has all lanes judge them. */
  #deal(): void {
    this.version++;
    this.generation++;
    const slots = this.#fixed.length;
    const rank = this.#table.ranks();
    const looks = new Looks(this.#joinedJudge().features, slots);
    const nodes = this.#fixed.reduce((sum, fixed) => sum + (fixed < 0 ? 0 : 1), 0);
    const states = new NodeStates(slots, looks.row.length, 2 * nodes + Math.min(MANY, FOR_EACH * nodes));
    for (let slot = 0; slot < slots; slot++) {
      if (this.#fixed[slot]! < 0) continue;
      looks.meet(slot, this.cellOf[slot]!, this.#fixed[slot]!);
      looks.look(slot);
      states.enter(slot, this.cellOf[slot]!, looks.row, rank);
    }
    this.#looks = looks;
    this.#states = states;
    this.#aside = Array.from({ length: states.room }, () => undefined);
    this.#judging++;
    this.#lanes.forEach((lane, number) => {
      if (lane === undefined) return;
      const dealt = this.#laneFor(lane.follower, lane.asked);
      this.#lanes[number] = dealt;
      this.#teach(dealt);
    });
    this.#noteAllJudged();
  }
}

function fingerprint(fixed: Int32Array): number {
  let sum = 0;
  for (let slot = 0; slot < fixed.length; slot++) sum = (sum + mix(slot, fixed[slot]!)) | 0;
  return sum;
}

function mix(slot: number, fixed: number): number {
  const mixed = Math.imul(slot ^ Math.imul(fixed, 0x9e3779b1), 0x85ebca6b);
  return Math.imul(mixed ^ (mixed >>> 15), 0xc2b2ae35);
}
