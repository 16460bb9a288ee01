// Set password: a new password hash for one user of the system that is on the disk.
import type { RunTask } from './table.ts';

export const setPassword: RunTask<'set-password'> = async (task, { hardware, signal }) => {
  const { diskSerialNumber, user, passwordHash } = task;
  await hardware.setPassword(diskSerialNumber, user, passwordHash, signal);
  return { diskSerialNumber, user };
};
