// A BMC's address, read and checked.
import { isIP } from 'node:net';
import { BmcError } from './errors.ts';

export interface BmcAddress {
  readonly scheme: string;
  /** A name, or a literal IP address without brackets. */
  readonly host: string;
  readonly port: number;
}

/** DNS names, and those with underscores that some networks use. */
const NAME = /^(?=.{1,253}$)[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)*\.?$/i;

/**
 * Reads `scheme://host[:port]`. Throws a BmcError `unsupported` for anything more: a path, a query, and above all credentials, which
 * never belong in an address (and are not repeated in the error).
 */
export function parseAddress(address: string, defaultPorts: Readonly<Record<string, number>>): BmcAddress {
  const found = /^([a-z][a-z0-9+]*):\/\/(\[[^\]]*\]|[^:/?#@[\]]*)(?::(\d{1,5}))?\/?$/i.exec(address);
  if (!found) throw new BmcError('unsupported', withoutCredentials(address), 'not of the form scheme://host:port');
  const scheme = found[1]!.toLowerCase();
  const defaultPort = defaultPorts[scheme];
  if (defaultPort === undefined) {
    const known = Object.keys(defaultPorts)
      .map((name) => `${name}://`)
      .join(', ');
    throw new BmcError('unsupported', address, `unknown scheme; known are ${known}`);
  }
  const port = found[3] === undefined ? defaultPort : Number(found[3]);
  if (port < 1 || port > 65535) throw new BmcError('unsupported', address, 'the port is not between 1 and 65535');
  return { scheme, host: checkedHost(address, found[2]!), port };
}

function checkedHost(address: string, host: string): string {
  const bare = host.startsWith('[') ? host.slice(1, -1) : host;
  const good = host.startsWith('[') ? isIP(bare) === 6 : isIP(bare) === 4 || NAME.test(bare);
  if (!good) throw new BmcError('unsupported', address, 'the host is neither a name nor an IP address');
  return bare;
}

function withoutCredentials(address: string): string {
  return address.replace(/^([^:]*:\/\/)?.*@/, '$1…@');
}
