// The placement controller's rounds in a process of the model.
import { CAPACITY_QUOTAS, DEVICES, HOSTS, INSTANCES, PLACEMENTS, SITES } from '../../../lib/api/resources.ts';
import type { EventRecorder } from '../../../lib/kube/events.ts';
import type { KubeObject } from '../../../lib/kube/resource.ts';
import type { Clock } from '../../../lib/runtime/clock.ts';
import { fixed } from '../../../lib/scheduler/kubernetes/configuration-file.ts';
import type { ModelApi } from '../../claim/model/api.ts';
import { ModelProcess } from '../../claim/model/process.ts';
import { BY_NAMESPACE } from '../records.ts';
import { createRounds } from '../round.ts';

export interface RecordedEvent {
  readonly name: string;
  readonly reason: string;
  readonly note: string;
}

const silent = () => undefined;
const byNamespace = ({ metadata }: KubeObject) => [metadata.namespace ?? ''];

export class ModelScheduler {
  readonly process: ModelProcess;
  readonly events: RecordedEvent[] = [];
  readonly #round: (namespace: string, signal: AbortSignal) => Promise<unknown>;
  readonly #end = new AbortController();
  #running = false;

  constructor(api: ModelApi, clock: Clock, configured = fixed()) {
    this.process = new ModelProcess(api);
    const instances = this.process.store(INSTANCES);
    const placements = this.process.store(PLACEMENTS);
    const hosts = this.process.store(HOSTS);
    for (const store of [instances, hosts]) store.addIndex(BY_NAMESPACE, byNamespace);
    placements.addIndex(BY_NAMESPACE, byNamespace);
    const quotas = this.process.store(CAPACITY_QUOTAS);
    quotas.addIndex(BY_NAMESPACE, byNamespace);
    const recorder: EventRecorder = {
      event: (object, _type, reason, note) => this.events.push({ name: object.metadata.name, reason, note }),
      flush: async () => undefined,
    };
    this.#round = createRounds({
      client: this.process.client,
      caches: {
        instances,
        hosts,
        placements,
        quotas,
        devices: this.process.store(DEVICES),
        sites: this.process.store(SITES),
      },
      events: recorder,
      log: { debug: silent, info: silent, warn: silent, error: silent },
      clock,
      configured,
    });
  }

  /** Between two rounds. */
  get isIdle(): boolean {
    return !this.#running;
  }

  /** Starts a round of namespace "team-a". It goes on as its calls are let happen. */
  start(): void {
    this.#running = true;
    const over = () => {
      this.#running = false;
    };
    // A round that fails is tried again by whoever runs it: here, the next start.
    this.#round('team-a', this.#end.signal).then(over, over);
  }

  /** Ends the process. Its calls under way may still reach the server. */
  kill(): void {
    this.#end.abort();
  }
}
