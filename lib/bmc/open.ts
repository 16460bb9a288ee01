// Which driver speaks to a BMC: chosen by its address's scheme, here and nowhere else.
import { type BmcAddress, parseAddress } from './address.ts';
import type { BmcTarget, Driver } from './driver.ts';
import { IpmiDriver } from './ipmi/driver.ts';
import type { IpmiOptions } from './ipmi/options.ts';
import { Transport } from './ipmi/transport.ts';
import { RedfishDriver } from './redfish/driver.ts';
import type { RedfishOptions } from './redfish/options.ts';

export interface OpenOptions {
  /** The UDP sockets to share. Without it, all drivers of the process share one pair. */
  readonly transport?: Transport;
  readonly ipmi?: Partial<IpmiOptions>;
  readonly redfish?: Partial<RedfishOptions>;
}

interface Scheme {
  readonly defaultPort: number;
  readonly open: (target: BmcTarget, at: BmcAddress, options: OpenOptions) => Driver;
}

function openRedfish(target: BmcTarget, at: BmcAddress, { redfish }: OpenOptions): Driver {
  return new RedfishDriver(target, at, redfish);
}

const SCHEMES: Readonly<Record<string, Scheme>> = {
  ipmi: {
    defaultPort: 623,
    open: (target, at, options) => new IpmiDriver(target, at, options.transport ?? processTransport(), options.ipmi),
  },
  redfish: { defaultPort: 443, open: openRedfish },
  'redfish+http': { defaultPort: 80, open: openRedfish },
};

const DEFAULT_PORTS = Object.fromEntries(Object.entries(SCHEMES).map(([name, { defaultPort }]) => [name, defaultPort]));

let shared: Transport | undefined;

/** Opened when first needed. Its sockets keep no process alive, so nobody has to close it. */
function processTransport(): Transport {
  shared ??= new Transport();
  return shared;
}

/**
 * A driver for this BMC; nothing is sent before its first call. Throws a BmcError: `unsupported` for an address that cannot be
 * used (naming the schemes that can), `credentials` for ones that the protocol cannot carry.
 */
export function openDriver(target: BmcTarget, options: OpenOptions = {}): Driver {
  const at = parseAddress(target.address, DEFAULT_PORTS);
  return SCHEMES[at.scheme]!.open(target, at, options);
}
