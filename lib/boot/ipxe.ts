// The iPXE script that boots the live OS. Pure text; what it says is checked, since a blank in a value would become
// another kernel argument.
//
// Source: ipxe.org, "Scripting" and the commands kernel, initrd, boot, sleep.
import { KERNEL_ARGUMENTS } from '../provision/protocol.ts';

export interface BootScript {
  readonly kernelUrl: string;
  readonly initrdUrl: string;
  /** Of the provisioning API, as the machine reaches it. */
  readonly url: string;
  readonly fingerprint: string;
  readonly token: string;
  /** Of the interface that booted, so that the live OS asks for an address there (PXELINUX's BOOTIF). */
  readonly macAddress: string;
  /** Further kernel arguments. Default: CONSOLES. */
  readonly kernelArguments?: readonly string[];
}

/** What the live OS says is for whoever sits at the machine, and for the serial console that the BMC passes on. */
const CONSOLES = ['console=tty0', 'console=ttyS0,115200', 'quiet'];

/** Seconds between two tries to load a file: the firmware's own network boot would give up and wait for ever. */
const RETRY_SECONDS = 3;

/** @throws RangeError when a value is not a single printable word. */
export function ipxeScript(script: BootScript): string {
  const commandLine = [
    'initrd=initrd',
    `${KERNEL_ARGUMENTS.url}=${word(script.url)}`,
    `${KERNEL_ARGUMENTS.fingerprint}=${word(script.fingerprint)}`,
    `${KERNEL_ARGUMENTS.token}=${word(script.token)}`,
    `BOOTIF=01-${word(script.macAddress.replaceAll(':', '-'))}`,
    ...(script.kernelArguments ?? CONSOLES).map(word),
  ].join(' ');
  return `#!ipxe
:load
imgfree
kernel --name kernel ${word(script.kernelUrl)} ${commandLine} || goto again
initrd --name initrd ${word(script.initrdUrl)} || goto again
boot || goto again
:again
sleep ${RETRY_SECONDS}
goto load
`;
}

/** For a machine of which the operator does not know yet: it asks again, and does not go on to its disk meanwhile. */
export function retryScript(url: string): string {
  return `#!ipxe
sleep ${RETRY_SECONDS}
chain --autofree --replace ${word(url)}
`;
}

function word(text: string): string {
  // iPXE expands ${…} and ends commands at && and ||.
  if (/^[\x21-\x7e]+$/.test(text) && !/[$&|]/.test(text)) return text;
  throw new RangeError(`not a word for a boot script: ${JSON.stringify(text)}`);
}
