// Collect: what hardware there is.
import type { RunTask } from './table.ts';

export const collect: RunTask<'collect'> = (_task, { hardware, signal }) => hardware.inventory(signal);
