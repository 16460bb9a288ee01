// What dnsmasq is told: addresses for known machines, for others only where that is wanted, and by whom a network boot goes on. Pure text, its values
// checked, since a line break in one would be another option.
//
// Source: dnsmasq(8); RFC 4578 (client architectures), RFC 5970 and the UEFI specification §24.7 (HTTP boot), ipxe.org
// (option 175). Firmware gets iPXE over TFTP or HTTP, iPXE gets the machine's own script from the operator.
import { isIPv4, isIPv6 } from 'node:net';

export interface DhcpNetwork {
  /** IPv4, CIDR: 192.0.2.0/24. */
  readonly subnet: string;
  readonly gateway?: string;
  readonly dns?: readonly string[];
  /** Addresses; DHCP has no names for time servers. */
  readonly ntp?: readonly string[];
  /** For hosts that have no address of their own, both ends included. Without it such hosts are not answered. */
  readonly range?: { readonly first: string; readonly last: string };
  /** Gives addresses of the range to machines that nobody has named yet, too, so that they can be discovered. */
  readonly strangers?: boolean;
}

export interface DhcpHost {
  /** Lower case, colons. */
  readonly macAddress: string;
  /** IPv4, in one of the networks. Without it: one of the range of the network that the machine asks from. */
  readonly address?: string;
  readonly hostname?: string;
}

export interface DhcpSettings {
  /** Names of the interfaces to answer on; relayed requests come in there too. */
  readonly interfaces: readonly string[];
  readonly networks: readonly DhcpNetwork[];
  /**
   * IPv6 prefix of 64 bits (fd00::) that the interfaces have an address in. It is announced, without a route: iPXE waits
   * a quarter of a minute for a router where there is none. Not where another router announces.
   */
  readonly announcedPrefix?: string;
  /** Of the provisioning API. */
  readonly bootUrl: string;
  /** Holds BOOT_FILES; without it nothing is served by TFTP. */
  readonly tftpRoot?: string;
  /** Of server and client, where they are not 67 and 68. */
  readonly ports?: { readonly server: number; readonly client: number };
}

/** iPXE for each firmware, under the names that Debian's package ipxe has. */
export const BOOT_FILES = { bios: 'undionly.kpxe', x64: 'snponly.efi', arm64: 'snponly-arm64.efi' } as const;

/** RFC 4578 §2.1 and IANA's registry: which processor and firmware asks, and whether over HTTP. */
const ARCHITECTURES = [
  { code: 0, file: BOOT_FILES.bios, http: false },
  { code: 7, file: BOOT_FILES.x64, http: false },
  { code: 9, file: BOOT_FILES.x64, http: false },
  { code: 11, file: BOOT_FILES.arm64, http: false },
  { code: 16, file: BOOT_FILES.x64, http: true },
  { code: 19, file: BOOT_FILES.arm64, http: true },
] as const;

const LEASE = '10m';

/** @throws RangeError when a value is not what it should be, as hostLine(). */
export function dnsmasqConfig(settings: DhcpSettings, hostsFolder: string, leaseFile: string): string {
  const { interfaces, networks, announcedPrefix, bootUrl, tftpRoot, ports } = settings;
  const lines = [
    // No DNS.
    'port=0',
    'no-resolv',
    'no-hosts',
    ...interfaces.map((name) => `interface=${checked(name, /^[\w.-]{1,15}$/, 'interface')}`),
    'bind-dynamic',
    ...(ports ? [`dhcp-alternate-port=${ports.server},${ports.client}`] : []),
    // An address is given by file alone: an echo request before each offer would cost a machine three seconds.
    'no-ping',
    `dhcp-leasefile=${path(leaseFile)}`,
    `dhcp-hostsdir=${path(hostsFolder)}`,
    ...networks.flatMap(networkLines),
    ...(announcedPrefix === undefined ? [] : announcement(announcedPrefix, interfaces)),
    'dhcp-userclass=set:ipxe,iPXE',
    ...ARCHITECTURES.flatMap(({ code, file, http }) => {
      const name = `arch${code}`;
      const match = `dhcp-match=set:${name},option:client-arch,${code}`;
      if (!http) return [match, `dhcp-boot=tag:!ipxe,tag:${name},${file}`];
      // Firmware takes an HTTP boot only from a server that calls itself HTTPClient.
      const vendor = `dhcp-option-force=tag:!ipxe,tag:${name},60,HTTPClient`;
      return [match, vendor, `dhcp-boot=tag:!ipxe,tag:${name},${url(bootUrl)}/liveos/${file}`];
    }),
    // iPXE puts in the address of the interface that it booted from; with hyphens, for it would encode colons.
    `dhcp-boot=tag:ipxe,${url(bootUrl)}/boot/v1/\${netX/mac:hexhyp}`,
    // Option 175.176, no-pxedhcp: do not wait for a second server's offer.
    'dhcp-option=encap:175,176,1b',
    ...(tftpRoot === undefined ? [] : ['enable-tftp', `tftp-root=${path(tftpRoot)}`, 'tftp-no-fail']),
  ];
  return `${lines.join('\n')}\n`;
}

/** A line of a file in dnsmasq's dhcp-hostsdir. */
export function hostLine({ macAddress, address, hostname }: DhcpHost): string {
  const name =
    hostname === undefined ? '' : `,${checked(hostname, /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/i, 'host name')}`;
  return `${mac(macAddress)}${address === undefined ? '' : `,${ipv4(address)}`}${name}\n`;
}

/** @throws RangeError */
export function mac(macAddress: string): string {
  return checked(macAddress, /^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/, 'MAC address');
}

function networkLines(
  { subnet, gateway, dns = [], ntp = [], range, strangers = false }: DhcpNetwork,
  index: number,
): string[] {
  const [base = '', length = ''] = subnet.split('/');
  const bits = Number(checked(length, /^\d{1,2}$/, 'prefix length'));
  if (bits === 0 || bits > 30) throw new RangeError(`the subnet ${subnet} has no room for machines, or no end`);
  const tag = `net${index}`;
  const option = (name: string, addresses: readonly string[]) =>
    `dhcp-option=tag:${tag},option:${name}${addresses.map((each) => `,${ipv4(each)}`).join('')}`;
  if (range !== undefined) {
    const [first, last] = [number(range.first), number(range.last)];
    const inside = [first, last].every((one) => one >>> (32 - bits) === number(ipv4(base)) >>> (32 - bits));
    if (!inside || first > last) throw new RangeError(`${range.first} to ${range.last} is no range of ${subnet}`);
  }
  const addresses = range === undefined ? `${ipv4(base)},static` : `${ipv4(range.first)},${ipv4(range.last)}`;
  // dnsmasq's own tag for machines that have a file.
  const whose = range === undefined || strangers ? '' : 'tag:known,';
  return [
    `dhcp-range=${whose}set:${tag},${addresses},${netmask(bits)},${LEASE}`,
    // An empty option keeps dnsmasq from naming itself as the router.
    option('router', gateway === undefined ? [] : [gateway]),
    ...(dns.length > 0 ? [option('dns-server', dns)] : []),
    ...(ntp.length > 0 ? [option('ntp-server', ntp)] : []),
  ];
}

/** Every ten seconds, as a router that nobody's traffic goes through (lifetime 0). RFC 4861, §6.2.1. */
function announcement(prefix: string, interfaces: readonly string[]): string[] {
  if (!isIPv6(prefix)) throw new RangeError(`not an IPv6 prefix: ${JSON.stringify(prefix)}`);
  return [
    'enable-ra',
    `dhcp-range=${prefix},ra-only,64,${LEASE}`,
    ...interfaces.map((name) => `ra-param=${name},10,0`),
  ];
}

function netmask(bits: number): string {
  const mask = bits === 0 ? 0 : (0xffff_ffff << (32 - bits)) >>> 0;
  return [24, 16, 8, 0].map((shift) => (mask >>> shift) & 255).join('.');
}

const number = (address: string): number =>
  ipv4(address)
    .split('.')
    .reduce((sum, octet) => sum * 256 + Number(octet), 0);

function ipv4(text: string): string {
  if (isIPv4(text)) return text;
  throw new RangeError(`not an IPv4 address: ${JSON.stringify(text)}`);
}

function url(text: string): string {
  return checked(text, /^https?:\/\/[\w.:[\]-]+$/, 'URL');
}

function path(text: string): string {
  return checked(text, /^\/[\w./-]+$/, 'path');
}

function checked(text: string, form: RegExp, what: string): string {
  if (form.test(text)) return text;
  throw new RangeError(`not a ${what} for dnsmasq: ${JSON.stringify(text)}`);
}
