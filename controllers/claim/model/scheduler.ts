// The claim controller's rounds in a process of the model.
import {
  CAPACITY_QUOTAS,
  DEVICE_INVENTORIES,
  DEVICE_TYPES,
  DEVICES,
  IMAGES,
  INSTANCES,
  SITES,
} from '../../../lib/api/resources.ts';
import type { EventRecorder } from '../../../lib/kube/events.ts';
import { fixed } from '../../../lib/scheduler/kubernetes/configuration-file.ts';
import { createFakeClock } from '../../../lib/testing/fake-clock.ts';
import { createRounds } from '../round.ts';
import type { ModelApi } from './api.ts';
import { ModelProcess } from './process.ts';

export interface RecordedEvent {
  readonly name: string;
  readonly reason: string;
  readonly note: string;
}

const silent = () => undefined;

export class ModelScheduler {
  readonly process: ModelProcess;
  readonly events: RecordedEvent[] = [];
  readonly #round: (signal: AbortSignal) => Promise<unknown>;
  readonly #end = new AbortController();
  #running = false;

  constructor(api: ModelApi) {
    this.process = new ModelProcess(api);
    const recorder: EventRecorder = {
      event: (object, _type, reason, note) => this.events.push({ name: object.metadata.name, reason, note }),
      flush: async () => undefined,
    };
    this.#round = createRounds({
      client: this.process.client,
      caches: {
        instances: this.process.store(INSTANCES),
        devices: this.process.store(DEVICES),
        inventories: this.process.store(DEVICE_INVENTORIES),
        types: this.process.store(DEVICE_TYPES),
        sites: this.process.store(SITES),
        images: this.process.store(IMAGES),
        quotas: this.process.store(CAPACITY_QUOTAS),
      },
      events: recorder,
      log: { debug: silent, info: silent, warn: silent, error: silent },
      clock: createFakeClock(),
      configured: fixed(),
    });
  }

  /** Between two rounds. */
  get isIdle(): boolean {
    return !this.#running;
  }

  /** Starts a round. It goes on as its calls are let happen. */
  start(): void {
    this.#running = true;
    const over = () => {
      this.#running = false;
    };
    // A round that fails is tried again by whoever runs it: here, the next start.
    this.#round(this.#end.signal).then(over, over);
  }

  /** Ends the process. Its calls under way may still reach the server. */
  kill(): void {
    this.#end.abort();
  }
}
