// The Device's place at the operator's DHCP server: whether it has one, and its errors in the operation's terms.
import type { Site } from '../../lib/api/generated.ts';
import { type DhcpService, NotServing } from '../../lib/boot/dhcp/service.ts';
import { Failure } from '../../lib/provision/operations/failures.ts';

/** Whether machines of this Site boot by the operator's DHCP server; else by the site's own. */
const bootsByDhcp = (site: Site | undefined): boolean => site?.spec.networks?.some(({ boot }) => boot) ?? false;

/** Undefined where that is not how the machine boots. @throws Failure DHCPUnavailable, or the signal's reason */
export async function readDhcp(
  dhcp: DhcpService | undefined,
  site: Site | undefined,
  macAddress: string,
  signal: AbortSignal,
): Promise<'served' | 'absent' | undefined> {
  if (!dhcp || !bootsByDhcp(site)) return undefined;
  const hosts = await asked((within) => dhcp.hosts(within), signal);
  return hosts.includes(macAddress) ? 'served' : 'absent';
}

/** Resolves when the server has said that it is so. @throws as readDhcp() */
export function serveByDhcp(dhcp: DhcpService, macAddress: string, serve: boolean, signal: AbortSignal): Promise<void> {
  return asked(
    (within) => (serve ? dhcp.addHost({ macAddress }, within) : dhcp.removeHost(macAddress, within)),
    signal,
  );
}

/** A Device that goes takes its place with it. One that cannot be taken out now is found left over later. */
export async function leaveDhcp(dhcp: DhcpService | undefined, macAddress: string, signal: AbortSignal): Promise<void> {
  try {
    await dhcp?.removeHost(macAddress, signal);
  } catch (error) {
    if (!(error instanceof NotServing)) throw error;
  }
}

/** dnsmasq says at once what it has read. */
const ANSWER_MS = 15_000;

async function asked<T>(ask: (signal: AbortSignal) => Promise<T>, signal: AbortSignal): Promise<T> {
  try {
    return await ask(AbortSignal.any([signal, AbortSignal.timeout(ANSWER_MS)]));
  } catch (error) {
    signal.throwIfAborted();
    throw new Failure('DHCPUnavailable', error instanceof Error ? error.message : String(error), { cause: error });
  }
}
