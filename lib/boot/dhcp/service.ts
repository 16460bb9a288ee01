// DHCP as the operator uses it: which networks are served, and which machines are its hosts at this moment.
//
// Nobody is served before somebody has said for which networks, and nobody any longer than he wants it: an operator that
// does not lead says nothing, and one that ends takes his word back.
import { isDeepStrictEqual } from 'node:util';
import type { DhcpHost, DhcpNetwork } from './config.ts';
import { type DhcpServer, type DhcpServerOptions, startDhcpServer } from './server.ts';

/** What is served at all. */
export interface DhcpPlan {
  readonly networks: readonly DhcpNetwork[];
  /** Of the provisioning API. */
  readonly bootUrl: string;
}

export interface DhcpService {
  /** Serves these networks from now on; the same again changes nothing. Hosts stay. @throws RangeError where one cannot be */
  serve(plan: DhcpPlan, signal: AbortSignal): Promise<void>;
  /** Resolves when the host is served. @throws NotServing, RangeError, or the signal's reason, as all of these */
  addHost(host: DhcpHost, signal: AbortSignal): Promise<void>;
  /** Resolves when the host is served no longer; one that is not there is fine. */
  removeHost(macAddress: string, signal: AbortSignal): Promise<void>;
  /** MAC addresses of the hosts. */
  hosts(signal: AbortSignal): Promise<readonly string[]>;
  close(): Promise<void>;
}

/** Nobody has said yet what is to be served, or the server cannot be reached. It passes. */
export class NotServing extends Error {
  override readonly name = 'NotServing';
}

/** dnsmasq as a child of this process. */
export function localDhcp(options: Omit<DhcpServerOptions, keyof DhcpPlan>): DhcpService {
  let serving: { readonly plan: DhcpPlan; readonly server: DhcpServer } | undefined;
  let changes: Promise<unknown> = Promise.resolve();

  const server = () => {
    if (!serving) throw new NotServing('the DHCP server is not up');
    return serving.server;
  };
  /** One after the other: what is asked of a server that is being exchanged is asked of the next one. */
  const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
    const done = changes.then(work);
    // The caller hears of a failure; the next change does not depend on it.
    changes = Promise.allSettled([done]);
    return done;
  };
  const stop = async () => {
    const before = serving;
    serving = undefined;
    await before?.server.close();
  };

  return {
    serve: (plan) =>
      inTurn(async () => {
        if (serving && isDeepStrictEqual(serving.plan, plan)) return;
        await stop();
        if (plan.networks.length > 0) serving = { plan, server: await startDhcpServer({ ...options, ...plan }) };
      }),
    addHost: (host, signal) => inTurn(async () => server().addHost(host, signal)),
    removeHost: (macAddress, signal) => inTurn(async () => server().removeHost(macAddress, signal)),
    hosts: () => inTurn(async () => server().hosts()),
    close: () => inTurn(stop),
  };
}
