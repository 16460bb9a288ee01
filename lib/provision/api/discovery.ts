// What a machine that is no Device is told to do: to say what it is, and to boot as it would without us. Pure.
//
// Source: ipxe.org, "Settings" (SMBIOS: serial, manufacturer, product, uuid; network: ip of the interface that was
// configured last), commands imgfetch and exit.
import { isIP } from 'node:net';

/** What its firmware says of it. Nobody has checked that. */
export interface DiscoveredMachine {
  readonly macAddress: string;
  /** Its own, where it says one; else from where it asked, which a proxy or a load balancer hides. */
  readonly address?: string;
  readonly serialNumber?: string;
  readonly manufacturer?: string;
  readonly product?: string;
  readonly uuid?: string;
}

export const DISCOVERY_PATH = '/discovery/v1/';

/** iPXE fills in the settings, encoded for a URL. What comes of it does not matter: the machine boots on. */
export function discoveryScript(bootUrl: string, macAddress: string): string {
  const said = ['serial', 'manufacturer', 'product', 'uuid'].map((name) => `${name}=\${${name}:uristring}`);
  said.push(`ip=\${netX/ip}`);
  const url = `${bootUrl}${DISCOVERY_PATH}${macAddress.replaceAll(':', '-')}?${said.join('&')}`;
  return `#!ipxe
imgfetch --timeout 5000 ${url} ||
imgfree
exit
`;
}

/** Undefined where the path names no MAC address. Texts are cut, and cleared of what nobody can read. */
export function parseDiscovery(url: string, peerAddress: string | undefined): DiscoveredMachine | undefined {
  const { pathname, searchParams } = new URL(url, 'http://boot');
  const mac = /^\/discovery\/v1\/([0-9a-f]{2}(?:[:-][0-9a-f]{2}){5})$/i.exec(pathname)?.[1];
  if (mac === undefined) return undefined;
  const said = (name: string, most: number) =>
    searchParams
      .get(name)
      ?.replace(/[^\x20-\x7e]/g, '')
      .trim()
      .slice(0, most) || undefined;
  const [serialNumber, manufacturer] = [said('serial', 128), said('manufacturer', 256)];
  const [product, uuid] = [said('product', 256), said('uuid', 64)];
  const ip = said('ip', 64);
  const address = ip !== undefined && isIP(ip) !== 0 ? ip : peerAddress;
  return {
    macAddress: mac.toLowerCase().replaceAll('-', ':'),
    ...(address !== undefined && { address }),
    ...(serialNumber !== undefined && { serialNumber }),
    ...(manufacturer !== undefined && { manufacturer }),
    ...(product !== undefined && { product }),
    ...(uuid !== undefined && { uuid }),
  };
}
