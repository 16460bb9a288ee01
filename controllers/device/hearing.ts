// What agents and installed systems come in with, judged by what the Device is about. Pure.
import type { Device, DeviceType } from '../../lib/api/generated.ts';
import type { Received } from '../../lib/provision/api/mailbox.ts';
import { timestamp } from '../../lib/runtime/clock.ts';
import { type Admission, admission, belongs } from './desk.ts';
import type { Claimant } from './plan.ts';
import { type Status, stepOf } from './status.ts';

/** An agent that asks to be admitted. */
export function heardAgent(
  device: Device,
  status: Status,
  opening: NonNullable<Received['opening']>,
  type: DeviceType | undefined,
): Admission {
  const hints = device.spec.rootDeviceHints ?? type?.spec.rootDeviceHints ?? {};
  return admission(device, status, opening, { hints, installedOn: status.installed?.diskSerialNumber });
}

/** A system that says that it runs: the status with that, or why it is not taken. */
export function heardSystem(
  { metadata }: Device,
  status: Status,
  { report, claims, receivedAt }: NonNullable<Received['system']>,
  claimant: Claimant,
): Status | 'unwanted' | 'early' {
  const instance = claimant.type === 'live' ? claimant.instance : undefined;
  const isOfClaim = claims.deviceUID === metadata.uid && claims.instanceUID === report.instanceUID;
  if (!isOfClaim || !belongs(status, instance, report)) return 'unwanted';
  if (!isExpected(status)) return 'early';
  const { bootID, instanceUID, hostname, addresses } = report;
  const reportedAt = timestamp(receivedAt);
  return { ...status, system: { bootID, instanceUID, hostname, addresses: [...addresses], reportedAt } };
}

/** Not while the machine is about to be turned off: such a report may be of the boot before. */
function isExpected({ operation, phase }: Status): boolean {
  const step = operation && stepOf(operation);
  return phase === 'InUse' && (step === undefined || step === 'disk-boot' || step === 'await-system');
}
