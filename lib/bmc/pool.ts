// One driver per device, for everybody who talks to its BMC: sessions are few, and a BMC is asked one thing at a time.
import type { BmcTarget, Driver } from './driver.ts';

export type OpenDriver = (target: BmcTarget) => Driver;

interface Held {
  readonly target: BmcTarget;
  readonly driver: Driver;
}

export class BmcPool {
  readonly #open: OpenDriver;
  readonly #held = new Map<string, Held>();
  readonly #closing = new Set<Promise<void>>();

  /** `open` is usually openDriver with a transport of the pool's owner. */
  constructor(open: OpenDriver) {
    this.#open = open;
  }

  /** How many drivers are held. */
  get size(): number {
    return this.#held.size;
  }

  /**
   * The driver of the device `key`. A changed address or changed credentials close the driver there was, behind what it is
   * doing, and open another. Throws what `open` throws; then none is held.
   */
  driver(key: string, target: BmcTarget): Driver {
    const held = this.#held.get(key);
    if (held && same(held.target, target)) return held.driver;
    void this.#release(key);
    const kept = structuredClone(target); // one copy, which the driver shares
    const driver = this.#open(kept);
    this.#held.set(key, { target: kept, driver });
    return driver;
  }

  /** Ends the driver of a device that is gone. */
  async forget(key: string): Promise<void> {
    await this.#release(key);
  }

  /** Ends all drivers and waits until each has said goodbye, or given up doing so. The pool may be used again. */
  async close(): Promise<void> {
    for (const key of this.#held.keys()) void this.#release(key);
    await Promise.all(this.#closing);
  }

  #release(key: string): Promise<void> {
    const held = this.#held.get(key);
    if (!held) return Promise.resolve();
    this.#held.delete(key);
    const closing = held.driver.close().finally(() => this.#closing.delete(closing));
    this.#closing.add(closing);
    return closing;
  }
}

function same(a: BmcTarget, b: BmcTarget): boolean {
  return (
    a.address === b.address &&
    a.credentials.username === b.credentials.username &&
    a.credentials.password === b.credentials.password &&
    a.credentials.bmcKey === b.credentials.bmcKey &&
    a.tls?.ca === b.tls?.ca &&
    a.tls?.fingerprint === b.tls?.fingerprint &&
    a.tls?.insecure === b.tls?.insecure
  );
}
