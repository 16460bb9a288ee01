// Keys that are ready: the highest priority first, first come first served within one, and now and then the oldest of all.

export interface ReadyItem {
  readonly key: string;
  readonly priority: number;
  /** Since when it is ready. */
  readonly due: number;
}

export interface ReadyList<T extends ReadyItem> {
  readonly size: number;
  get(key: string): T | undefined;
  push(item: T): void;
  /** False when it was not in the list. */
  remove(item: T): boolean;
  /** Takes the next one out; the list must not be empty. */
  shift(): T;
  oldest(): T | undefined;
}

/** A ring with its sentinel: any link is taken out in O(1). */
interface Link<T> {
  item: T | undefined;
  before: Link<T>;
  after: Link<T>;
}

/** Every so many items, the one that has been ready longest goes first, whatever its priority: none starves. */
const FAIR_EVERY = 8;

export function createReadyList<T extends ReadyItem>(): ReadyList<T> {
  const links = new Map<string, Link<T>>();
  const rings = new Map<number, Link<T>>();
  let shifts = 0;

  /** The first of each priority. Priorities are few. */
  const heads = () => [...rings.values()].map((ring) => ring.after.item!);

  const oldest = () => best(heads(), (a, b) => a.due < b.due);
  const highest = () => best(heads(), (a, b) => a.priority > b.priority);

  function remove(item: T): boolean {
    const link = links.get(item.key);
    if (link?.item !== item) return false;
    links.delete(item.key);
    link.before.after = link.after;
    link.after.before = link.before;
    if (link.before === link.after && link.before.item === undefined) rings.delete(item.priority);
    return true;
  }

  return {
    get size() {
      return links.size;
    },
    get: (key) => links.get(key)?.item,
    push(item) {
      const ring = rings.get(item.priority) ?? createRing<T>();
      rings.set(item.priority, ring);
      const link: Link<T> = { item, before: ring.before, after: ring };
      ring.before.after = link;
      ring.before = link;
      links.set(item.key, link);
    },
    remove,
    shift() {
      shifts = (shifts + 1) % FAIR_EVERY;
      const item = (shifts === 0 ? oldest() : highest())!;
      remove(item);
      return item;
    },
    oldest,
  };
}

function createRing<T>(): Link<T> {
  const ring = { item: undefined } as Link<T>;
  ring.before = ring;
  ring.after = ring;
  return ring;
}

function best<T>(items: readonly T[], better: (a: T, b: T) => boolean): T | undefined {
  let found: T | undefined;
  for (const item of items) if (found === undefined || better(item, found)) found = item;
  return found;
}
