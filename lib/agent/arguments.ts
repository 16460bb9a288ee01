// How the live OS learns of its operator: arguments on the kernel's command line (Linux: /proc/cmdline).
import { KERNEL_ARGUMENTS } from '../provision/protocol.ts';

export interface AgentArguments {
  readonly url: string;
  readonly fingerprint: string;
  readonly token: string;
}

/** Undefined when one is missing or is not what it should be: such a boot was not meant for the agent. */
export function agentArguments(commandLine: string): AgentArguments | undefined {
  const value = (name: string) =>
    commandLine
      .split(/\s+/)
      .findLast((word) => word.startsWith(`${name}=`))
      ?.slice(name.length + 1);
  const url = value(KERNEL_ARGUMENTS.url);
  const fingerprint = value(KERNEL_ARGUMENTS.fingerprint);
  const token = value(KERNEL_ARGUMENTS.token);
  if (!url || !token || !fingerprint || !/^[0-9a-f]{64}$/.test(fingerprint)) return undefined;
  return URL.canParse(url) && new URL(url).protocol === 'https:' ? { url, fingerprint, token } : undefined;
}
