// A Site's network as something to take addresses from. Pure.
import { createHash } from 'node:crypto';
import { Failure } from '../operations/failures.ts';
import {
  type Address,
  contains,
  formatAddress,
  isReserved,
  parseAddress,
  parseSubnet,
  pick,
  type Subnet,
} from './address.ts';
import type { Attachment } from './netplan.ts';

/** As the Site writes it. */
export interface SiteNetwork {
  readonly name: string;
  readonly subnet: string;
  readonly gateway?: string;
  readonly vlan?: number;
  readonly range?: { readonly start: string; readonly end: string };
  readonly dns?: readonly string[];
}

interface Pool {
  readonly subnet: Subnet;
  readonly gateway: Address | undefined;
  readonly first: Address;
  readonly last: Address;
}

/** @throws Failure BadNetwork */
export function networkNamed(networks: readonly SiteNetwork[], site: string, name: string): SiteNetwork {
  const found = networks.find((network) => network.name === name);
  if (found) return found;
  const there = networks.map((network) => network.name).join(', ') || 'none';
  throw new Failure('BadNetwork', `site ${site} has no network ${name}, it has ${there}`);
}

/** @throws Failure BadNetwork where the Site does not say what can be taken, or says it wrongly. */
function poolOf({ name, subnet: text, gateway: via, range }: SiteNetwork, site: string): Pool {
  const wrong = (what: string) => new Failure('BadNetwork', `network ${name} of site ${site}: ${what}`);
  const subnet = parseSubnet(text);
  if (!subnet) throw wrong(`${text} is no subnet, such as 192.0.2.0/24`);
  if (!range) throw wrong('it has no range to take addresses from');
  const within = (address: string) => {
    const parsed = parseAddress(address);
    if (parsed && contains(subnet, parsed)) return parsed;
    throw wrong(`${address} is no address in ${text}`);
  };
  const [first, last] = [within(range.start), within(range.end)];
  if (first.value > last.value) throw wrong(`its range ends at ${range.end}, before it starts at ${range.start}`);
  return { subnet, gateway: via === undefined ? undefined : within(via), first, last };
}

/** Whether the network, as it is now, would give this address away. */
export function offers(network: SiteNetwork, site: string, address: string): boolean {
  const { first, last, ...pool } = poolOf(network, site);
  const parsed = parseAddress(address);
  return (
    parsed !== undefined &&
    parsed.version === first.version &&
    parsed.value >= first.value &&
    parsed.value <= last.value &&
    canBeGiven(pool, parsed)
  );
}

/**
 * An address that is not taken. Where it begins to look depends on who asks, so that whoever asks at the same time seldom
 * wants the same, and whoever asks again gets the same.
 *
 * @throws Failure BadNetwork, or AddressesExhausted
 */
export function freeAddress(
  network: SiteNetwork,
  site: string,
  whom: string,
  isTaken: (address: string) => boolean,
): string {
  const pool = poolOf(network, site);
  const from = createHash('sha256').update(whom).digest().readBigUInt64BE();
  const found = pick(pool, from, (address) => canBeGiven(pool, address) && !isTaken(formatAddress(address)));
  if (found) return formatAddress(found);
  const { start, end } = network.range!;
  throw new Failure(
    'AddressesExhausted',
    `network ${network.name} of site ${site} has no address left from ${start} to ${end}`,
  );
}

const canBeGiven = ({ subnet, gateway }: Pick<Pool, 'subnet' | 'gateway'>, address: Address): boolean =>
  !isReserved(subnet, address) && address.value !== gateway?.value;

/** How an interface is put on the network with that address. @throws Failure BadNetwork */
export function attachment(network: SiteNetwork, site: string, address: string, on: string | undefined): Attachment {
  const { name, gateway, vlan, dns = [] } = network;
  return {
    network: name,
    address,
    prefix: poolOf(network, site).subnet.prefix,
    nameservers: dns,
    ...(on !== undefined && { interface: on }),
    ...(gateway !== undefined && { gateway }),
    ...(vlan !== undefined && { vlan }),
  };
}

/** What an Address is called: of the Site and the address alone, so that there is one. @throws Failure BadNetwork */
export function addressName(site: string, address: string): string {
  const { version, value } = parseAddress(address)!;
  const written =
    version === 4
      ? address.replaceAll('.', '-')
      : value
          .toString(16)
          .padStart(32, '0')
          .replace(/(.{4})(?=.)/g, '$1-');
  const name = `${site}.${written}`;
  if (name.length <= 253) return name;
  throw new Failure('BadNetwork', `the name of site ${site} is too long for its addresses to have names`);
}
