// Wipe: everything on the named disks, all at once, since each takes hours where it must be overwritten. A disk that
// fails does not keep the others from being wiped; then the task has failed, and says which and why. Arrays are taken apart
// first, whoever has made them, Linux or a RAID controller: what is wiped are their disks, each from end to end.
import type { WipeRecord } from '../../provision/protocol.ts';
import { AgentError, taskError } from '../errors.ts';
import type { RunTask } from './table.ts';

export const wipe: RunTask<'wipe'> = async ({ diskSerialNumbers }, { hardware, progress, signal }) => {
  const serials = [...new Set(diskSerialNumbers)];
  for (const { id, disks } of await hardware.arrays(signal)) {
    if (disks.some((serial) => serials.includes(serial))) await hardware.removeArray(id, signal);
  }
  const percents = new Map(serials.map((serial) => [serial, 0]));
  const outcomes = await Promise.allSettled(
    serials.map((serial) =>
      hardware.wipe(
        serial,
        (percent) => {
          percents.set(serial, percent);
          progress([...percents.values()].reduce((sum, each) => sum + each, 0) / percents.size);
        },
        signal,
      ),
    ),
  );
  const failed = outcomes.flatMap((outcome, at) =>
    outcome.status === 'rejected' ? [{ serial: serials[at], ...taskError(outcome.reason) }] : [],
  );
  const worst = failed.find((failure) => failure.class === 'permanent') ?? failed[0];
  if (worst) {
    const all = failed.map(({ serial, message }) => `${serial}: ${message}`).join('; ');
    throw new AgentError(worst.code, `${failed.length} of ${serials.length} disks not wiped: ${all}`, {
      class: worst.class,
    });
  }
  const disks = outcomes.flatMap((outcome): WipeRecord[] => (outcome.status === 'fulfilled' ? [outcome.value] : []));
  return { disks };
};
