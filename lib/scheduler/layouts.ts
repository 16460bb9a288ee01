// Finds the layout for a class: the one whose classes look at the same topology keys and say the same of every node by itself.
import { Cells } from './cells.ts';
import { Layout } from './layout.ts';
import type { Profile } from './pipeline.ts';
import type { NodeTable } from './table.ts';
import type { Lease } from './topology.ts';

interface Kept {
  readonly layout: Layout;
  readonly lease: Lease;
}

export class Layouts {
  readonly table: NodeTable;
  /** By profile and keys. */
  readonly #kept = new Map<string, Kept[]>();

  constructor(table: NodeTable) {
    this.table = table;
  }

  /** About what they take, without what is kept for each of their classes. */
  get bytes(): number {
    let sum = 0;
    for (const list of this.#kept.values()) for (const { layout } of list) sum += layout.bytes;
    return sum;
  }

  /** `fixed` is what the class says of nodes as the table stands, by slot; a new layout keeps it. */
  find(profile: Profile, keys: readonly string[], fixed: Int32Array): Layout {
    this.tidy();
    const name = JSON.stringify([profile.name, keys]);
    const list = this.#kept.get(name) ?? [];
    this.#kept.set(name, list);
    const found = list.find(({ layout }) => layout.agrees(fixed));
    if (found) return found.layout;
    const lease = this.table.lease();
    const cells = new Cells(keys.map((key) => lease.domains(key)));
    const layout = new Layout(this.table, profile, cells, fixed);
    list.push({ layout, lease });
    return layout;
  }

  /** Forgets those that nobody follows any more. */
  tidy(): void {
    for (const [name, list] of this.#kept) {
      const used = list.filter(({ layout }) => !layout.isUnused);
      if (used.length === list.length) continue;
      for (const { layout, lease } of list) if (layout.isUnused) lease.end();
      if (used.length > 0) this.#kept.set(name, used);
      else this.#kept.delete(name);
    }
  }
}
