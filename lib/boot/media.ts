// The live OS as a disc for one boot of one machine: the disc is the same for all, but for a place of fixed size in the boot
// loader's configuration where the kernel's arguments are put while the disc is sent.
import { kernelArguments, type LiveBoot } from './kernel-arguments.ts';

/** Beside the live OS's other files. */
export const MEDIA_FILE = 'media.iso';

/** The place: as many bytes as the kernel takes arguments (COMMAND_LINE_SIZE of x86 is 2048), begun by what it is found by. */
export const ARGUMENTS_BYTES = 1536;
export const ARGUMENTS_PLACE = 'bmp-kernel-arguments '.padEnd(ARGUMENTS_BYTES, '#');

export const MEDIA_PATH = '/media/v1/';

/** @param key of tokens.ts's mediaKey() */
export const mediaUrl = (bootUrl: string, macAddress: string, key: string): string =>
  `${mediaPrefix(bootUrl, macAddress)}${key}.iso`;

/** Of all discs for one machine. */
export const mediaPrefix = (bootUrl: string, macAddress: string): string =>
  `${bootUrl}${MEDIA_PATH}${macAddress.replaceAll(':', '-')}/`;

/** Undefined where the path is none of a disc. */
export function parseMediaPath(path: string): { readonly macAddress: string; readonly key: string } | undefined {
  const [, mac, key] = /^\/media\/v1\/([0-9a-f]{2}(?:-[0-9a-f]{2}){5})\/([0-9a-f]{32})\.iso$/.exec(path) ?? [];
  return mac === undefined || key === undefined ? undefined : { macAddress: mac.replaceAll('-', ':'), key };
}

/** What takes the place's place, of the same length. @throws RangeError where it is too long, or no words */
export function mediaArguments(boot: LiveBoot): Buffer {
  const text = kernelArguments(boot);
  if (text.length > ARGUMENTS_BYTES) throw new RangeError(`more than ${ARGUMENTS_BYTES} bytes of kernel arguments`);
  return Buffer.from(text.padEnd(ARGUMENTS_BYTES), 'latin1');
}

/** GRUB's configuration on the disc; it speaks on the serial line too, which the BMC passes on. */
export const mediaConfiguration = (): string =>
  `serial --unit=0 --speed=115200\nterminal_output console serial\nset timeout=0\nlinux /boot/vmlinuz ${ARGUMENTS_PLACE}\ninitrd /boot/initrd\nboot\n`;
