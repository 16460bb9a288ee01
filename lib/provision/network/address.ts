// IP addresses of both versions as numbers, and ranges of them to pick from. Pure.
//
// Written as RFC 5952 has it (the shortest form, in lower case), so that one address is one text.
import { isIP, isIPv4 } from 'node:net';

export interface Address {
  readonly version: 4 | 6;
  readonly value: bigint;
}

export interface Subnet {
  /** The first address. */
  readonly base: Address;
  readonly prefix: number;
}

const BITS = { 4: 32, 6: 128 } as const;

/** Undefined for what is no address; one with a zone (fe80::1%eth0) is none here. */
export function parseAddress(text: string): Address | undefined {
  const version = isIP(text);
  if (version === 0 || text.includes('%')) return undefined;
  if (version === 4) return { version: 4, value: joined(text.split('.').map(Number), 8n) };
  const [head = '', tail] = shortest(text).split('::');
  const groups = (part: string | undefined) =>
    (part ?? '')
      .split(':')
      .filter(Boolean)
      .map((group) => Number.parseInt(group, 16));
  const [before, after] = [groups(head), groups(tail)];
  const zeros = Array<number>(8 - before.length - after.length).fill(0);
  return { version: 6, value: joined([...before, ...zeros, ...after], 16n) };
}

export function formatAddress({ version, value }: Address): string {
  if (version === 4) return parts(value, 4, 8n).join('.');
  const groups = parts(value, 8, 16n).map((group) => group.toString(16));
  return shortest(groups.join(':'));
}

/** Of `192.0.2.0/24`; undefined for what is none, or has bits set beyond its prefix's. */
export function parseSubnet(text: string): Subnet | undefined {
  const interfaceAddress = parseInterface(text);
  if (!interfaceAddress) return undefined;
  const { address, prefix } = interfaceAddress;
  return network(address, prefix).value === address.value ? { base: address, prefix } : undefined;
}

/** Of `192.0.2.7/24`: an interface's address with the prefix of its network. */
export function parseInterface(text: string): { readonly address: Address; readonly prefix: number } | undefined {
  const match = /^([0-9a-fA-F.:]+)\/(\d{1,3})$/.exec(text);
  const address = match && parseAddress(match[1]!);
  const prefix = Number(match?.[2]);
  return address && prefix <= BITS[address.version] ? { address, prefix } : undefined;
}

export const contains = ({ base, prefix }: Subnet, address: Address): boolean =>
  address.version === base.version && network(address, prefix).value === base.value;

/** Whether no host can have it: of IPv4, the first and the last of a subnet (RFC 3021: unless there are but two). */
export function isReserved({ base, prefix }: Subnet, { value }: Address): boolean {
  const bits = BITS[base.version] - prefix;
  if (base.version === 6 || bits < 2) return base.version === 6 && bits > 1 && value === base.value;
  return value === base.value || value === base.value + (1n << BigInt(bits)) - 1n;
}

/**
 * The first address from `from` on (counted from `first`, and round again after `last`) that may be had; undefined when
 * there is none.
 */
export function pick(
  { first, last }: { readonly first: Address; readonly last: Address },
  from: bigint,
  isFree: (address: Address) => boolean,
): Address | undefined {
  const size = last.value - first.value + 1n;
  for (let tried = 0n; tried < size; tried++) {
    const address = { version: first.version, value: first.value + ((from + tried) % size) };
    if (isFree(address)) return address;
  }
  return undefined;
}

function network({ version, value }: Address, prefix: number): Address {
  const free = BigInt(BITS[version] - prefix);
  return { version, value: (value >> free) << free };
}

const joined = (numbers: readonly number[], bits: bigint): bigint =>
  numbers.reduce((value, each) => (value << bits) | BigInt(each), 0n);

const parts = (value: bigint, count: number, bits: bigint): number[] =>
  Array.from({ length: count }, (_, at) => Number((value >> (bits * BigInt(count - 1 - at))) & ((1n << bits) - 1n)));

/** URLs have IPv6 addresses in that form (WHATWG URL, "IPv6 serializer"). */
const shortest = (text: string): string => (isIPv4(text) ? text : new URL(`http://[${text}]`).hostname.slice(1, -1));
