// A binary heap that lets go of any element in O(log n): each element knows its own place.

export interface Placed {
  /** Index in the heap; kept by the heap alone. */
  slot: number;
}

export interface Heap<T extends Placed> {
  readonly size: number;
  /** The least element. */
  peek(): T | undefined;
  push(item: T): void;
  /** The item must be in this heap. */
  remove(item: T): void;
}

export function createHeap<T extends Placed>(less: (a: T, b: T) => boolean): Heap<T> {
  const items: T[] = [];

  function place(item: T, slot: number): void {
    items[slot] = item;
    item.slot = slot;
  }

  function rise(item: T): void {
    let slot = item.slot;
    while (slot > 0) {
      const parent = (slot - 1) >> 1;
      if (!less(item, items[parent]!)) break;
      place(items[parent]!, slot);
      slot = parent;
    }
    place(item, slot);
  }

  function sink(item: T): void {
    let slot = item.slot;
    for (let child = 2 * slot + 1; child < items.length; child = 2 * slot + 1) {
      if (child + 1 < items.length && less(items[child + 1]!, items[child]!)) child++;
      if (!less(items[child]!, item)) break;
      place(items[child]!, slot);
      slot = child;
    }
    place(item, slot);
  }

  return {
    get size() {
      return items.length;
    },
    peek: () => items[0],
    push(item) {
      item.slot = items.length;
      items.push(item);
      rise(item);
    },
    remove(item) {
      const last = items.pop()!;
      if (last === item) return;
      last.slot = item.slot;
      rise(last);
      sink(last);
    },
  };
}
