// Event recorder: what happened to an object, in `kubectl describe`.
import type { KubeObject } from './resource.ts';

export type EventType = 'Normal' | 'Warning';

export interface EventRecorder {
  /**
   * Records that something happened to `object`. Never throws and never waits: the same event again raises the count of
   * the first one. `reason` is CamelCase, up to 128 characters; `note` is for people, cut at 1,024 bytes, without secrets.
   */
  event(object: KubeObject, type: EventType, reason: string, note: string): void;
  /** Resolves when everything recorded so far is written or given up. */
  flush(signal?: AbortSignal): Promise<void>;
}
