// Events go an hour after they were last written (kube-apiserver's --event-ttl).
import type { KubeObject } from '../json.ts';
import { asText, isObject } from '../json.ts';
import type { Cluster } from '../rest/call.ts';
import { KeyQueue } from './key-queue.ts';

const COLLECTION = 'events';
const TIME_TO_LIVE = 60 * 60_000;
const SWEEP = 30_000;

export class EventExpiryController {
  readonly #cluster: Cluster;
  readonly #queue: KeyQueue;
  readonly #stop: () => void;
  readonly #timer: NodeJS.Timeout;
  /** Key → when it was last written. The oldest come first, as a write moves its key to the end. */
  readonly #written = new Map<string, number>();

  constructor(cluster: Cluster, log: (line: string) => void) {
    this.#cluster = cluster;
    this.#queue = new KeyQueue((key) => this.#expire(key), log);
    const known = Array.from(cluster.store.list(COLLECTION, { prefix: '' }), ({ key, object }) => ({
      key,
      at: Math.min(lastWritten(object), cluster.now()),
    }));
    for (const { key, at } of known.sort((a, b) => a.at - b.at)) this.#written.set(key, at);
    this.#stop = cluster.store.watch(COLLECTION, ({ key, next }) => {
      this.#written.delete(key);
      if (next) this.#written.set(key, cluster.now());
    });
    this.#timer = setInterval(() => this.sweep(), SWEEP);
    this.#timer.unref();
    this.sweep();
  }

  /** Deletes what is over. */
  sweep(): void {
    const over = this.#cluster.now() - TIME_TO_LIVE;
    for (const [key, at] of this.#written) {
      if (at > over) return;
      this.#queue.add(key);
    }
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    this.#stop();
    await this.#queue.close();
  }

  async #expire(key: string): Promise<void> {
    const at = this.#written.get(key);
    if (at !== undefined && at <= this.#cluster.now() - TIME_TO_LIVE) await this.#cluster.store.delete(COLLECTION, key);
  }
}

/** When an event that was stored earlier was last written, as far as it tells itself. */
function lastWritten(event: KubeObject): number {
  const series = isObject(event['series']) ? event['series']['lastObservedTime'] : undefined;
  const told = [event.metadata.creationTimestamp, event['lastTimestamp'], event['eventTime'], series].map((time) =>
    Date.parse(asText(time)),
  );
  return Math.max(0, ...told.filter((time) => !Number.isNaN(time)));
}
