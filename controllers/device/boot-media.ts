// The live OS on a disc that the BMC lends the machine: which Devices boot that way, and what is in their drive.
import type { Device, Site } from '../../lib/api/generated.ts';
import type { Driver } from '../../lib/bmc/driver.ts';
import { mediaPrefix } from '../../lib/boot/media.ts';
import type { BootClaims } from '../../lib/provision/api/tokens.ts';
import type { Media } from '../../lib/provision/operations/operations.ts';
import { bootOf } from './desk.ts';
import type { Operation, Status } from './status.ts';

/** Where discs are served. */
export interface MediaPlace {
  readonly bootUrl: string;
  /** The disc of one boot. */
  readonly url: (macAddress: string, boot: BootClaims) => string;
}

/** As the Device says; else as its Site wants it, where the BMC has a drive. */
export function bootsByMedia({ spec }: Device, { bmc }: Status, site: Site | undefined): boolean {
  if (spec.boot?.method !== undefined) return spec.boot.method === 'VirtualMedia';
  return site?.spec.boot?.method === 'VirtualMedia' && bmc?.virtualMedia === true;
}

/** Whether the machine needs nobody's DHCP. */
export const bootsWithoutDhcp = (device: Device, status: Status, site: Site | undefined): boolean =>
  device.spec.boot?.address !== undefined && bootsByMedia(device, status, site);

export const discOf = (place: MediaPlace, device: Device, operation: Operation): string =>
  place.url(device.spec.bootMACAddress, bootOf(device, operation));

/** @throws BmcError */
export async function readMedia(
  driver: Driver,
  place: MediaPlace,
  device: Device,
  operation: Operation,
  signal: AbortSignal,
): Promise<Media> {
  const image = await driver.media(signal);
  if (image === discOf(place, device, operation)) return 'current';
  return image?.startsWith(mediaPrefix(place.bootUrl, device.spec.bootMACAddress)) ? 'stale' : 'foreign';
}
