// The order of ids: each slot's rank among all, by `<` on the ids, so that ties are broken without comparing strings.
//
// Ranks are renumbered when ids were added; the order of those known before stays, so whoever compared them stays right.

export class Ranking {
  #rank = new Int32Array(0);
  #sorted: string[] = [];
  #added: string[] = [];
  readonly #slotOf: ReadonlyMap<string, number>;

  /** `slotOf` is the table's own map; ids that are no longer in it are forgotten. */
  constructor(slotOf: ReadonlyMap<string, number>) {
    this.#slotOf = slotOf;
  }

  add(id: string): void {
    this.#added.push(id);
  }

  /** By slot, for at least `slots` of them. */
  ranks(slots: number): Int32Array {
    if (this.#added.length > 0) this.#renumber(slots);
    return this.#rank;
  }

  #renumber(slots: number): void {
    if (this.#rank.length < slots) this.#rank = new Int32Array(2 ** Math.ceil(Math.log2(slots + 1)));
    this.#sorted = merge(this.#sorted, this.#added.sort(byCodeUnits), (id) => this.#slotOf.has(id));
    this.#added = [];
    this.#sorted.forEach((id, rank) => {
      this.#rank[this.#slotOf.get(id)!] = rank;
    });
  }
}

function byCodeUnits(left: string, right: string): number {
  return left < right ? -1 : left > right ? 1 : 0;
}

/** Both sorted; the result has each id once, and only those that are kept. */
function merge(left: readonly string[], right: readonly string[], keep: (id: string) => boolean): string[] {
  const merged: string[] = [];
  let from = 0;
  const take = (id: string) => {
    if (merged.at(-1) !== id && keep(id)) merged.push(id);
  };
  for (const id of right) {
    while (from < left.length && left[from]! < id) take(left[from++]!);
    take(id);
  }
  while (from < left.length) take(left[from++]!);
  return merged;
}
