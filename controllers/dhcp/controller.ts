// The DHCP controller: the networks that Sites let machines boot from are served, on the replica that leads.
//
// Which machines are its hosts is for the steps of their operations; whoever is left over, because its Device went without
// them, is taken out here.
import type { Device, Site } from '../../lib/api/generated.ts';
import type { DhcpNetwork } from '../../lib/boot/dhcp/config.ts';
import { dnsmasqConfig } from '../../lib/boot/dhcp/config.ts';
import { type DhcpService, NotServing } from '../../lib/boot/dhcp/service.ts';
import type { EventRecorder } from '../../lib/kube/events.ts';
import type { Store } from '../../lib/kube/store.ts';
import type { Log } from '../../lib/observe/log.ts';
import { type Controller, createController } from '../../lib/runtime/controller.ts';
import { requeue } from '../../lib/runtime/reconcile.ts';
import { atStart, watch, whenChanged } from '../../lib/runtime/source.ts';

export interface DhcpDependencies {
  readonly dhcp: DhcpService;
  readonly bootUrl: string;
  readonly sites: Store<Site>;
  readonly devices: Store<Device>;
  readonly events: EventRecorder;
  readonly log: Log;
}

const KEY = 'dhcp';
/** A server that went by itself is noticed by looking. */
const LOOK_MS = 10_000;

export function createDhcpController({ dhcp, bootUrl, sites, devices, events, log }: DhcpDependencies): Controller {
  const isDevice = (mac: string) => [...devices.values()].some(({ spec }) => spec.bootMACAddress === mac);
  /** What was last told of each Site, so that it is told once. */
  const told = new Map<string, string>();

  function served(site: Site): DhcpNetwork[] {
    const { name } = site.metadata;
    try {
      const networks = bootNetworks(site);
      told.delete(name);
      return networks;
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      if (told.get(name) !== error.message) events.event(site, 'Warning', 'BootNetworkRefused', error.message);
      told.set(name, error.message);
      return [];
    }
  }

  return createController({
    name: 'dhcp',
    concurrency: 1,
    watches: [
      atStart(KEY),
      watch(sites, { when: whenChanged(({ spec }) => spec.networks), keys: () => [KEY] }),
      watch(devices, { when: ({ type }) => type === 'deleted', keys: () => [KEY] }),
    ],
    async reconcile(_request, signal) {
      const networks = [...sites.values()].toSorted(byName).flatMap(served);
      try {
        await dhcp.serve({ networks, bootUrl }, signal);
        if (networks.length === 0) return requeue(LOOK_MS);
        for (const mac of await dhcp.hosts(signal)) if (!isDevice(mac)) await dhcp.removeHost(mac, signal);
      } catch (error) {
        if (!(error instanceof NotServing)) throw error;
        log.warn({ err: error }, 'DHCP does not serve yet');
      }
      return requeue(LOOK_MS);
    },
  });
}

const byName = (a: Site, b: Site) => (a.metadata.name < b.metadata.name ? -1 : 1);

/** @throws RangeError when one of them cannot be served. */
function bootNetworks({ spec }: Site): DhcpNetwork[] {
  const networks = (spec.networks ?? []).flatMap(({ subnet, gateway, dns, ntp, boot }): DhcpNetwork[] => {
    if (!boot) return [];
    return [
      {
        subnet,
        ...(gateway !== undefined && { gateway }),
        ...(dns && { dns }),
        // DHCP has no names for time servers.
        ...(ntp && { ntp: ntp.filter((server) => /^[0-9.]+$/.test(server)) }),
        range: { first: boot.range.start, last: boot.range.end },
        strangers: boot.discover === true,
      },
    ];
  });
  dnsmasqConfig({ interfaces: [], networks, bootUrl: 'http://checked' }, '/hosts', '/leases');
  return networks;
}
