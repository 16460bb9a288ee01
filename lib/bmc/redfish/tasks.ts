// Actions that a Redfish service carries out later: it answers 202 and where to look (DSP0266 §12.2, schema Task).
import { entryOf, type Json, path, text } from './json.ts';

/** Where to ask how the task gets on: the monitor of the Location header, else the task in the body. */
export function taskPath(location: string | undefined, json: Json | undefined): string | undefined {
  const there = location?.replace(/^https?:\/\/[^/]*/i, '');
  return path(there) ?? path(json?.['@odata.id']);
}

export type TaskOutcome = 'running' | 'done' | 'failed';

/** States in which a task stays. Others, known or not, are on the way. */
const FINAL: Readonly<Record<string, TaskOutcome>> = {
  Completed: 'done',
  Exception: 'failed',
  Killed: 'failed',
  Cancelled: 'failed',
  Interrupted: 'failed',
};

/** A monitor answers 202 while the task runs, then with what the action itself would have answered; a task tells its state. */
export function taskOutcome(status: number, json: Json | undefined): TaskOutcome {
  const state = entryOf(FINAL, text(json ?? {}, 'TaskState'));
  if (state) return state;
  return status === 202 || text(json ?? {}, 'TaskState') !== undefined ? 'running' : 'done';
}
