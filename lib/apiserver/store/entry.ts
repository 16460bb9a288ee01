// One version of one object as the store holds it: its JSON text, and the parsed object while somebody uses it.
import type { KubeObject } from '../json.ts';

/** Immutable: nobody may change `object`; a new version is a new Entry. */
export class Entry {
  readonly key: string;
  readonly revision: number;
  readonly text: string;
  #object: KubeObject | undefined;

  constructor(key: string, revision: number, text: string, object?: KubeObject) {
    this.key = key;
    this.revision = revision;
    this.text = text;
    this.#object = object;
  }

  get object(): KubeObject {
    this.#object ??= JSON.parse(this.text) as KubeObject;
    return this.#object;
  }

  /** Gives the parsed form back to the collector; it is parsed again when asked for. */
  release(): void {
    this.#object = undefined;
  }
}

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
