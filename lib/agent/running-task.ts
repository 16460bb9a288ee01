// One task under way: its state as the next report tells it, and how to stop it.
import type { Log } from '../observe/log.ts';
import type { Task, TaskState } from '../provision/protocol.ts';
import { taskError } from './errors.ts';
import type { Hardware } from './hardware.ts';
import { runTask } from './tasks/table.ts';

export interface RunningTask {
  readonly task: Task;
  /** Another object after each change. */
  state(): TaskState;
  /** Resolves when the task has succeeded or failed. Never rejects. */
  readonly ended: Promise<void>;
  /** Resolves when the hardware is no longer touched. */
  stop(): Promise<void>;
}

export interface TaskSurroundings {
  readonly hardware: Hardware;
  readonly signal: AbortSignal;
  readonly log: Log;
  readonly onTask?: (task: Task) => void;
}

export function startTask(task: Task, { hardware, signal, log, onTask }: TaskSurroundings): RunningTask {
  const { id, kind } = task;
  const stopped = new AbortController();
  let state: TaskState = { id, kind, state: 'running', percent: 0 };
  const progress = (percent: number) => {
    const whole = Math.min(100, Math.max(state.percent, Math.floor(percent)));
    if (state.state === 'running' && whole !== state.percent) state = { ...state, percent: whole };
  };
  const run = async () => {
    log.info({ task: id, kind }, 'task begun');
    onTask?.(task);
    try {
      const result = await runTask(task, { hardware, progress, signal: AbortSignal.any([signal, stopped.signal]) });
      state = { id, kind, state: 'succeeded', percent: 100, result };
      log.info({ task: id, kind }, 'task done');
    } catch (cause) {
      const error = taskError(cause);
      state = { id, kind, state: 'failed', percent: state.percent, error };
      log.warn({ task: id, kind, error, err: cause }, 'task failed');
    }
  };
  const ended = run();
  return {
    task,
    state: () => state,
    ended,
    async stop() {
      stopped.abort();
      await ended;
    },
  };
}
