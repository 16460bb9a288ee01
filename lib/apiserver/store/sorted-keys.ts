// An ordered set of strings for listing in key order: sorted blocks, so that an insertion moves a few hundred keys, not all.

const BLOCK = 512;

/** The index of the first item that is not below `key` (the length when all are). */
function lowerBound(items: readonly string[], key: string): number {
  let [low, high] = [0, items.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (items[middle]! < key) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Strings in ascending order of their UTF-16 code units; for names (ASCII) that is etcd's byte order. */
export class SortedKeys {
  #blocks: string[][] = [[]];

  /** Adds a key; one that is there already stays once. */
  add(key: string): void {
    const index = this.#blockFor(key);
    const block = this.#blocks[index]!;
    const position = lowerBound(block, key);
    if (block[position] === key) return;
    block.splice(position, 0, key);
    if (block.length > 2 * BLOCK) this.#blocks.splice(index + 1, 0, block.splice(BLOCK));
  }

  delete(key: string): void {
    const index = this.#blockFor(key);
    const block = this.#blocks[index]!;
    const position = lowerBound(block, key);
    if (block[position] !== key) return;
    block.splice(position, 1);
    if (block.length === 0 && this.#blocks.length > 1) this.#blocks.splice(index, 1);
  }

  /** Keys with the prefix that come after `after`, in order. The set must not change while this runs. */
  *range(prefix: string, after = ''): Generator<string> {
    const from = after > prefix ? after : prefix;
    for (let index = this.#blockFor(from); index < this.#blocks.length; index++) {
      const block = this.#blocks[index]!;
      for (let position = lowerBound(block, from); position < block.length; position++) {
        const key = block[position]!;
        if (key === after) continue;
        if (!key.startsWith(prefix)) {
          if (key > prefix) return;
          continue;
        }
        yield key;
      }
    }
  }

  /** The block that holds the key, or would: the last one whose first key is not above it. */
  #blockFor(key: string): number {
    let [low, high] = [0, this.#blocks.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      const first = this.#blocks[middle]![0];
      if (first !== undefined && first <= key) low = middle + 1;
      else high = middle;
    }
    return Math.max(0, low - 1);
  }
}
