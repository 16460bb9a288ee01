// What the live OS is told on its kernel's command line, whichever way it is booted. Pure text; what it says is checked, since a
// blank in a value would become another kernel argument.
import { KERNEL_ARGUMENTS } from '../provision/protocol.ts';

export interface LiveBoot {
  /** Of the provisioning API, as the machine reaches it. */
  readonly url: string;
  readonly fingerprint: string;
  readonly token: string;
  /** Of the interface that booted, so that the live OS asks for an address there (PXELINUX's BOOTIF). */
  readonly macAddress: string;
  /** What that interface has instead of asking: CIDR, and the router. */
  readonly network?: { readonly address: string; readonly gateway?: string | undefined } | undefined;
  /** Further kernel arguments. Default: CONSOLES. */
  readonly kernelArguments?: readonly string[];
}

/** What the live OS says is for whoever sits at the machine, and for the serial console that the BMC passes on. */
const CONSOLES = ['console=tty0', 'console=ttyS0,115200', 'quiet'];

/** @throws RangeError when a value is not a single printable word. */
export function kernelArguments(boot: LiveBoot): string {
  const { network } = boot;
  return [
    `${KERNEL_ARGUMENTS.url}=${word(boot.url)}`,
    `${KERNEL_ARGUMENTS.fingerprint}=${word(boot.fingerprint)}`,
    `${KERNEL_ARGUMENTS.token}=${word(boot.token)}`,
    `BOOTIF=01-${word(boot.macAddress.replaceAll(':', '-'))}`,
    ...(network ? [`${KERNEL_ARGUMENTS.address}=${word(network.address)}`] : []),
    ...(network?.gateway === undefined ? [] : [`${KERNEL_ARGUMENTS.gateway}=${word(network.gateway)}`]),
    ...(boot.kernelArguments ?? CONSOLES).map(word),
  ].join(' ');
}

/** @throws RangeError */
export function word(text: string): string {
  // iPXE and GRUB expand ${…}, iPXE ends commands at && and ||, GRUB at ; and knows quotes.
  if (/^[\x21-\x7e]+$/.test(text) && !/[$&|;{}<>'"\\#]/.test(text)) return text;
  throw new RangeError(`not a word for a boot script: ${JSON.stringify(text)}`);
}
