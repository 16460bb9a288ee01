// A DHCP server for simulated machines: whom it answers finds its way to the operator's boot address.
import type { DhcpHost } from '../boot/dhcp/config.ts';
import { type DhcpPlan, type DhcpService, NotServing } from '../boot/dhcp/service.ts';

/** One service for one operator after the other: its hosts outlive them, as files do. */
export class SimulatedDhcp {
  readonly #hosts = new Set<string>();
  readonly #refused = new Set<string>();
  #plan: DhcpPlan | undefined;

  /** Where a machine is led to; undefined: it is not answered. */
  bootUrl(macAddress: string): string | undefined {
    const strangers = this.#plan?.networks.some((network) => network.strangers) ?? false;
    return strangers || this.#hosts.has(macAddress) ? this.#plan?.bootUrl : undefined;
  }

  /** From now on no change for this machine comes to its end, or does again. */
  refuse(macAddress: string, refused: boolean): void {
    if (refused) this.#refused.add(macAddress);
    else this.#refused.delete(macAddress);
  }

  /** As one operator has it. */
  service(): DhcpService {
    const change = (macAddress: string, how: (macAddress: string) => void): Promise<void> => {
      if (!this.#plan) return Promise.reject(new NotServing('the simulated DHCP server is not up'));
      if (this.#refused.has(macAddress)) return Promise.reject(new NotServing('the simulated DHCP server is hung'));
      how(macAddress);
      return Promise.resolve();
    };
    return {
      serve: (plan) => {
        this.#plan = plan;
        return Promise.resolve();
      },
      addHost: (host: DhcpHost) => change(host.macAddress, (mac) => this.#hosts.add(mac)),
      removeHost: (macAddress) => change(macAddress, (mac) => this.#hosts.delete(mac)),
      hosts: () =>
        this.#plan
          ? Promise.resolve([...this.#hosts])
          : Promise.reject(new NotServing('the simulated DHCP server is not up')),
      close: () => {
        this.#plan = undefined;
        return Promise.resolve();
      },
    };
  }
}
