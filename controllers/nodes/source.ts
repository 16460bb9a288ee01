// What a source of nodes tells: machines that somebody else runs, as the Hosts that they shall be.
import type { Host } from '../../lib/api/generated.ts';
import type { ReasonOf } from '../../lib/api/reasons.ts';
import type { Source } from '../../lib/runtime/source.ts';

export interface Listed {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly spec: Host['spec'];
  readonly ready: {
    readonly status: 'True' | 'False' | 'Unknown';
    readonly reason: ReasonOf<'Host'>;
    readonly message: string;
  };
}

export interface Listing {
  readonly nodes: readonly Listed[];
  /** Names of nodes that are there, but cannot be made sense of, and why: what is known of them stays as it is. */
  readonly unreadable: ReadonlyMap<string, string>;
}

/** The source gave no answer, or one that says nothing of its nodes. */
export class SourceError extends Error {
  override readonly name = 'SourceError';
}

export interface NodeSource {
  /** Stands in a label of its Hosts: `core` or `http`. */
  readonly name: string;
  /** Everything that there is. Rejects with SourceError. */
  list(signal: AbortSignal): Promise<Listing>;
  /** What wakes a look at it, beside the clock. */
  readonly wakes: readonly Source[];
  /** After so long it is looked at again. */
  readonly everyMs: number;
}
