// What a machine that is no Device is told to do: to say what it is, and to boot as it would without us. Pure.
//
// Source: ipxe.org, "Settings" (SMBIOS: serial, manufacturer, product, uuid), commands imgfetch and exit.

/** What its firmware says of it. Nobody has checked that. */
export interface DiscoveredMachine {
  readonly macAddress: string;
  /** From where it asked. */
  readonly address?: string;
  readonly serialNumber?: string;
  readonly manufacturer?: string;
  readonly product?: string;
  readonly uuid?: string;
}

export const DISCOVERY_PATH = '/discovery/v1/';

/** iPXE fills in the settings, encoded for a URL. What comes of it does not matter: the machine boots on. */
export function discoveryScript(bootUrl: string, macAddress: string): string {
  const settings = ['serial', 'manufacturer', 'product', 'uuid'].map((name) => `${name}=\${${name}:uristring}`);
  const url = `${bootUrl}${DISCOVERY_PATH}${macAddress.replaceAll(':', '-')}?${settings.join('&')}`;
  return `#!ipxe
imgfetch --timeout 5000 ${url} ||
imgfree
exit
`;
}

/** Undefined where the path names no MAC address. Texts are cut, and cleared of what nobody can read. */
export function parseDiscovery(url: string, address: string | undefined): DiscoveredMachine | undefined {
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
  return {
    macAddress: mac.toLowerCase().replaceAll('-', ':'),
    ...(address !== undefined && { address }),
    ...(serialNumber !== undefined && { serialNumber }),
    ...(manufacturer !== undefined && { manufacturer }),
    ...(product !== undefined && { product }),
    ...(uuid !== undefined && { uuid }),
  };
}
