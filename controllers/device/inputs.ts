// What an operation needs to be there before anything is done, so that a running system is not shut down for an image that is
// missing. Pure.
import type { Device } from '../../lib/api/generated.ts';
import { Failure } from '../../lib/provision/operations/failures.ts';
import { INSTALLS } from '../../lib/provision/operations/operations.ts';
import { misfitOf } from '../../lib/scheduler/kubernetes/device-request.ts';
import { networkOf } from './addresses.ts';
import type { Surroundings } from './context.ts';
import { kindOf, type Status, writesImage } from './status.ts';
import { imageOf } from './tasks.ts';
import { volumesMisfit } from './volumes.ts';

/** The status with the image that the operation under way goes by. @throws Failure naming what is missing or does not fit */
export function withInputs(device: Device, status: Status, around: Surroundings): Status {
  const operation = status.operation!;
  const kind = kindOf(operation);
  const { claimant, type, image } = around;
  if (kind === 'PutAway' && !type)
    throw new Failure('DeviceTypeNotFound', `there is no DeviceType ${device.spec.deviceType}`);
  if (!INSTALLS.has(kind) || claimant.type !== 'live') return status;
  const found = imageOf(claimant.instance, image);
  const misfit = type && misfitOf(found, type);
  if (misfit !== undefined) throw new Failure('ImageNotAllowed', misfit);
  // Before the first byte is written the operation follows the spec; from then on it finishes what it began.
  if (writesImage(operation)) return status;
  // Of volumes that are there already nothing is changed.
  const unfit = kind === 'Reinstall' ? undefined : volumesMisfit(status, { type, instance: claimant.instance });
  if (unfit !== undefined) throw new Failure('BadVolumes', unfit);
  networkOf(device, claimant.instance, around, []);
  const { metadata, spec } = found;
  const wanted = { name: metadata.name, sha256: spec.sha256 };
  if (JSON.stringify(operation.image) === JSON.stringify(wanted)) return status;
  return { ...status, operation: { ...operation, image: wanted } };
}
