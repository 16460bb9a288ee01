// The manager's own network settings (schema EthernetInterface).
import type { NetworkChange, NetworkSettings } from '../driver.ts';
import type { RedfishClient } from './client.ts';
import { child, entryOf, type Json, link, memberPaths, number, objects, text } from './json.ts';

const SOURCES: Readonly<Record<string, NetworkSettings['source']>> = { Static: 'static', DHCP: 'dhcp' };
const NO_ADDRESS = '0.0.0.0';

/** The interface that has an address, else the first one. Throws `unsupported` where the manager tells of none. */
export async function networkInterface(
  client: RedfishClient,
  managers: readonly Json[],
  signal: AbortSignal,
): Promise<{ readonly path: string; readonly json: Json }> {
  const found: { path: string; json: Json }[] = [];
  for (const manager of managers) {
    const collection = await client.find(link(manager, 'EthernetInterfaces'), signal);
    for (const path of collection ? memberPaths(collection) : []) {
      const json = await client.find(path, signal);
      if (json) found.push({ path, json });
    }
  }
  const chosen = found.find(({ json }) => networkSettings(json).address !== undefined) ?? found[0];
  if (!chosen) throw client.error('unsupported', 'the BMC tells nothing of its network');
  return chosen;
}

export function networkSettings(json: Json): NetworkSettings {
  const [ipv4 = {}] = objects(json, 'IPv4Addresses');
  const origin = text(ipv4, 'AddressOrigin');
  const vlan = child(json, 'VLAN');
  const address = (key: string) => {
    const value = text(ipv4, key);
    return value === NO_ADDRESS ? undefined : value;
  };
  const known = {
    address: address('Address'),
    netmask: address('SubnetMask'),
    gateway: address('Gateway'),
    macAddress: text(json, 'MACAddress')?.toLowerCase(),
    vlan: vlan.VLANEnable === true ? number(vlan, 'VLANId') : undefined,
  };
  const told = Object.entries(known).filter(([, value]) => value !== undefined);
  return { source: entryOf(SOURCES, origin) ?? 'other', ...Object.fromEntries(told) };
}

export function networkPatch(change: NetworkChange): Json {
  const vlan = change.vlan === undefined ? { VLANEnable: false } : { VLANEnable: true, VLANId: change.vlan };
  if (change.source === 'dhcp') return { DHCPv4: { DHCPEnabled: true }, VLAN: vlan };
  const { address, netmask, gateway } = change;
  const fixed = { Address: address, SubnetMask: netmask, ...(gateway !== undefined && { Gateway: gateway }) };
  return { DHCPv4: { DHCPEnabled: false }, IPv4StaticAddresses: [fixed], VLAN: vlan };
}
