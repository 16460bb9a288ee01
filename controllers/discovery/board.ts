// What machines that are no Devices have said of themselves, until it is written down. In memory: they say it again.
import type { DiscoveredMachine } from '../../lib/provision/api/discovery.ts';

/** Whoever can reach the boot port can say anything, any number of times. */
const MOST = 1000;

export const discoveryName = (macAddress: string): string => `mac-${macAddress.replaceAll(':', '-')}`;

export class DiscoveryBoard {
  readonly #seen = new Map<string, DiscoveredMachine>();
  readonly #onChange: (name: string) => void;

  constructor(onChange: (name: string) => void) {
    this.#onChange = onChange;
  }

  get size(): number {
    return this.#seen.size;
  }

  /** Notes a machine; the one that was seen longest ago makes room. */
  saw(machine: DiscoveredMachine): void {
    const name = discoveryName(machine.macAddress);
    this.#seen.delete(name);
    this.#seen.set(name, machine);
    if (this.#seen.size > MOST) this.#seen.delete(this.#seen.keys().next().value!);
    this.#onChange(name);
  }

  of(name: string): DiscoveredMachine | undefined {
    return this.#seen.get(name);
  }

  forget(name: string): void {
    this.#seen.delete(name);
  }
}
