// The iPXE script that boots the live OS. Pure text.
//
// Source: ipxe.org, "Scripting" and the commands kernel, initrd, boot, sleep.
import { kernelArguments, type LiveBoot, word } from './kernel-arguments.ts';

export interface BootScript extends LiveBoot {
  readonly kernelUrl: string;
  readonly initrdUrl: string;
}

/** Seconds between two tries to load a file: the firmware's own network boot would give up and wait for ever. */
const RETRY_SECONDS = 3;

/** @throws RangeError when a value is not a single printable word. */
export function ipxeScript(script: BootScript): string {
  const commandLine = `initrd=initrd ${kernelArguments(script)}`;
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
