// What the agent makes of a disk for an image that is a tar. Pure.
import type { Image } from '../../lib/api/generated.ts';
import { bytes } from '../../lib/api/quantity.ts';
import type { SystemOrder } from '../../lib/provision/protocol.ts';
import { guidOf } from '../../lib/provision/volumes/partitions.ts';
import { type SystemPartition, WHOLE_DISK } from '../../lib/provision/volumes/system-partitions.ts';
import { compact, type Operation } from './status.ts';

/** Undefined where the image is a disk, and brings all that itself. The same for every try of the operation. */
export function systemOrder({ spec }: Image, operation: Operation): SystemOrder | undefined {
  if (spec.format !== 'tar') return undefined;
  const partitions = (spec.partitions ?? [{ ...WHOLE_DISK, size: undefined }]).map(
    ({ fileSystem, size, mountPoint }, index) =>
      compact<SystemPartition>({
        id: guidOf(`${operation.id}/system/${index}`),
        fileSystem,
        sizeBytes: size === undefined ? undefined : bytes(size),
        mountPoint,
      }),
  );
  return { partitions, kernelArguments: spec.kernelArguments ?? '' };
}
