// Which network settings cannot be, whatever the protocol.
import { isIPv4 } from 'node:net';
import type { NetworkChange } from './driver.ts';

const MOST_VLAN = 4094;

/** What is wrong with a change, in words; undefined where nothing is. */
export function impossible(change: NetworkChange): string | undefined {
  const addresses = change.source === 'static' ? [change.address, change.netmask, change.gateway] : [];
  const wrong = addresses.find((each) => each !== undefined && !isIPv4(each));
  if (wrong !== undefined) return `${wrong} is no IPv4 address`;
  const { vlan } = change;
  const isVlan = vlan === undefined || (Number.isInteger(vlan) && vlan >= 1 && vlan <= MOST_VLAN);
  return isVlan ? undefined : `a VLAN has a number from 1 to ${MOST_VLAN}`;
}
