// Write seed: the NoCloud files that make an installed image this instance.
import type { RunTask } from './table.ts';

export const writeSeed: RunTask<'write-seed'> = async ({ diskSerialNumber, files }, { hardware, signal }) => {
  await hardware.writeSeed(diskSerialNumber, files, signal);
  return { diskSerialNumber };
};
