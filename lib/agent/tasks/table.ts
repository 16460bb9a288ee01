// Which function does a task of which kind.
import type { Task, TaskKind, TaskResults } from '../../provision/protocol.ts';
import { AgentError } from '../errors.ts';
import type { Hardware, Percent } from '../hardware.ts';
import { collect } from './collect.ts';
import { configureRaid } from './configure-raid.ts';
import { prepareVolumes } from './prepare-volumes.ts';
import { setPassword } from './set-password.ts';
import { wipe } from './wipe.ts';
import { writeImage } from './write-image.ts';
import { writeSeed } from './write-seed.ts';

export interface TaskContext {
  readonly hardware: Hardware;
  readonly progress: Percent;
  /** The task is no longer wanted: end soon, and leave the disk as the task's own file says. */
  readonly signal: AbortSignal;
}

export type RunTask<K extends TaskKind> = (
  task: Extract<Task, { kind: K }>,
  context: TaskContext,
) => Promise<TaskResults[K]>;

const TASKS: { readonly [K in TaskKind]: RunTask<K> } = {
  collect,
  'configure-raid': configureRaid,
  'write-image': writeImage,
  'prepare-volumes': prepareVolumes,
  'write-seed': writeSeed,
  'set-password': setPassword,
  wipe,
};

/** @throws AgentError, or anything else, which then is the agent's own fault. */
export async function runTask(task: Task, context: TaskContext): Promise<TaskResults[TaskKind]> {
  if (!Object.hasOwn(TASKS, task.kind)) {
    throw new AgentError('AgentFailed', `this agent knows no task of kind ${task.kind}`, { class: 'permanent' });
  }
  // The table's type says that key and function belong together; the compiler cannot follow it through a lookup.
  const run = TASKS[task.kind] as RunTask<TaskKind>;
  return run(task, context);
}
