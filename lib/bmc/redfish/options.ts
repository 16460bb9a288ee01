// What may be tuned about talking to a Redfish service, and what it is otherwise.

export interface RedfishOptions {
  /** Milliseconds for one request. BMCs take seconds for some. */
  readonly requestMs: number;
  /** Milliseconds to pause before each further try while the service is busy, where it does not say itself. */
  readonly busyPauses: readonly number[];
  /** Milliseconds between two looks at a task, where the service does not say itself. */
  readonly taskPauseMs: number;
  /** Milliseconds for giving the session back. */
  readonly closeMs: number;
}

export const DEFAULT_REDFISH_OPTIONS: RedfishOptions = {
  requestMs: 30_000,
  busyPauses: [500, 1500],
  taskPauseMs: 1000,
  closeMs: 3000,
};
