// One version of one object as the store holds it: its JSON text, and the parsed object while somebody uses it.
import type { KubeObject } from '../json.ts';

type Labels = { readonly [key: string]: string };

/** How many objects are kept parsed: most of a large store is looked at seldom, and its text takes a third of the memory. */
const HOT = 4096;
const hot: (Entry | undefined)[] = Array.from({ length: HOT });
let nextHot = 0;

function keepHot(entry: Entry): void {
  const oldest = hot[nextHot];
  // It may be its own turn: it was given back, and is asked for again.
  if (oldest !== entry) oldest?.release();
  hot[nextHot] = entry;
  nextHot = (nextHot + 1) % HOT;
}

/** Immutable: nobody may change `object`; a new version is a new Entry. */
export class Entry {
  readonly key: string;
  readonly revision: number;
  readonly text: string;
  #object: KubeObject | undefined;
  #labels: Labels | undefined;

  constructor(key: string, revision: number, text: string, object?: KubeObject) {
    this.key = key;
    this.revision = revision;
    this.text = text;
    this.#object = object;
    if (object) keepHot(this);
  }

  get object(): KubeObject {
    if (!this.#object) {
      this.#object = JSON.parse(this.text) as KubeObject;
      keepHot(this);
    }
    return this.#object;
  }

  /** Kept apart from the object: lists by label look at all of them. */
  get labels(): Labels {
    this.#labels ??= this.object.metadata.labels ?? NO_LABELS;
    return this.#labels;
  }

  /** Gives the parsed form back to the collector; it is parsed again when asked for. */
  release(): void {
    this.#object = undefined;
  }
}

const NO_LABELS: Labels = {};

/**
 * One committed change. `next` is missing for a deletion; `previous` for a creation.
 * `renderings` keeps what watches made of it, so that a thousand watchers cost one encoding.
 */
export interface Change {
  readonly revision: number;
  readonly collection: string;
  readonly key: string;
  readonly at: number;
  readonly next: Entry | undefined;
  readonly previous: Entry | undefined;
  renderings: Map<string, unknown> | undefined;
}
