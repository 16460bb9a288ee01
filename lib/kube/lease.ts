// Leader election on a coordination.k8s.io/v1 Lease.

export interface Leadership {
  /** True while this process may write: by its own monotonic clock, so also right after it was paused. */
  isLeader(): boolean;
  /** Aborts when this term ends. */
  readonly signal: AbortSignal;
}
