// What can go wrong with a task, in the closed set that the operator knows, and whether trying again may help.
import type { TaskError, TaskErrorCode } from '../provision/protocol.ts';

const CLASSES: Record<TaskErrorCode, TaskError['class']> = {
  ImageUnavailable: 'transient',
  ImageDigestMismatch: 'permanent',
  ImageTooLarge: 'permanent',
  UnsupportedImage: 'permanent',
  DiskMissing: 'permanent',
  DiskFailed: 'permanent',
  DiskReadOnly: 'permanent',
  // A cable or a controller may do better next time; a disk that lies shows up as the same error again.
  ReadBackMismatch: 'transient',
  WipeNotVerified: 'transient',
  ArrayForeign: 'permanent',
  ArrayMissing: 'permanent',
  ArrayDegraded: 'permanent',
  // A disk that was busy, a controller at work.
  ArrayRefused: 'transient',
  ControllerNotDriven: 'permanent',
  BadVolumes: 'permanent',
  NoSystem: 'permanent',
  AgentFailed: 'transient',
};

const LONGEST_MESSAGE = 1000;

export class AgentError extends Error {
  override readonly name = 'AgentError';
  readonly code: TaskErrorCode;
  readonly class: TaskError['class'];

  constructor(code: TaskErrorCode, message: string, options: { cause?: unknown; class?: TaskError['class'] } = {}) {
    super(message, options.cause === undefined ? {} : { cause: options.cause });
    this.code = code;
    this.class = options.class ?? CLASSES[code];
  }
}

/** Any error as the report tells it: short, and without a stack. */
export function taskError(error: unknown): TaskError {
  const known = error instanceof AgentError ? error : new AgentError('AgentFailed', reason(error), { cause: error });
  return { class: known.class, code: known.code, message: known.message.slice(0, LONGEST_MESSAGE) };
}

/** The innermost message: fetch and TLS wrap what happened in one that says nothing. */
export function reason(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause === undefined ? error.message : reason(error.cause);
}
