// One process of the model: a client whose calls wait until the test lets them happen, and caches that lag behind.

import type { CallOptions, KubeClient, Patch } from '../../../lib/kube/client.ts';
import { ApiError } from '../../../lib/kube/errors.ts';
import { type KubeObject, objectKey, type Resource, resourceName } from '../../../lib/kube/resource.ts';
import { createStore, type Store, type StoreWriter } from '../../../lib/kube/store.ts';
import type { ModelApi } from './api.ts';

/** What becomes of a call under way. */
export type Fate =
  | 'answered'
  /** It took hold, but nobody heard. */
  | 'answer lost'
  /** It never arrived. */
  | 'lost';

/** A call on its way to the server. */
export interface Call {
  readonly what: string;
  happen(fate: Fate): void;
}

interface Cache {
  readonly resource: Resource;
  readonly store: Store<KubeObject>;
  readonly writer: StoreWriter<KubeObject>;
  /** How many of the server's changes it has seen. */
  seen: number;
}

export class ModelProcess {
  readonly client: KubeClient;
  /** Calls under way, oldest first. They may still happen when the process is long gone. */
  readonly calls: Call[] = [];
  readonly #api: ModelApi;
  readonly #caches: Cache[] = [];

  constructor(api: ModelApi) {
    this.#api = api;
    this.client = this.#createClient();
  }

  /** A cache with everything that is there now. */
  store<T extends KubeObject>(resource: Resource<T>): Store<T> {
    const { store, writer } = createStore<KubeObject>(resource);
    this.#caches.push({ resource, store, writer, seen: this.#api.changes.length });
    writer.replace(new Map(this.#api.all(resource).map((object) => [objectKey(object), structuredClone(object)])));
    return store as unknown as Store<T>;
  }

  /** How many changes the caches have yet to see, each. */
  behind(): number[] {
    return this.#caches.map((cache) => this.#api.changes.length - cache.seen);
  }

  /** Lets the cache number `index` see the next change. */
  deliver(index: number): void {
    const cache = this.#caches[index]!;
    const change = this.#api.changes[cache.seen++]!;
    if (resourceName(change.resource) !== resourceName(cache.resource)) return;
    if (change.type === 'DELETED') cache.writer.remove(objectKey(change.object));
    else cache.writer.upsert(structuredClone(change.object));
  }

  /** Lets the caches of a kind see everything that happened. */
  deliverAll(resource: Resource): void {
    this.behind().forEach((count, index) => {
      if (resourceName(this.#caches[index]!.resource) !== resourceName(resource)) return;
      for (let left = count; left > 0; left--) this.deliver(index);
    });
  }

  /** Everything happens and is seen. */
  settle(): void {
    for (const call of this.calls.splice(0)) call.happen('answered');
    this.behind().forEach((count, index) => {
      for (let left = count; left > 0; left--) this.deliver(index);
    });
  }

  #call<T>(what: string, options: CallOptions | undefined, effect: () => T): Promise<T> {
    return new Promise((resolve, reject) => {
      const failed = (reason: string) => reject(new ApiError(0, reason, `${what}: no answer`));
      options?.signal?.addEventListener('abort', () => failed('Aborted'), { once: true });
      if (options?.signal?.aborted) return failed('Aborted');
      this.calls.push({
        what,
        happen(fate) {
          if (fate === 'lost') return failed('Timeout');
          try {
            const result = structuredClone(effect());
            if (fate === 'answered') resolve(result);
          } catch (error) {
            if (fate === 'answered') reject(error);
          }
          if (fate === 'answer lost') failed('Timeout');
        },
      });
    });
  }

  #createClient(): KubeClient {
    const api = this.#api;
    const refuse = (method: string) => async (): Promise<never> => {
      throw new Error(`the model has no ${method}`);
    };
    const write = <T extends KubeObject>(
      resource: Resource<T>,
      name: { name: string },
      patch: Patch,
      options: CallOptions | undefined,
      subresource?: 'status',
    ) =>
      this.#call(`patch ${resource.kind} ${name.name} ${JSON.stringify(patch)}`, options, () => {
        if (patch.type !== 'merge') throw new Error(`the model has no ${patch.type} patch`);
        return api.patch(resource, name, patch.body, subresource);
      });
    return {
      get: (resource, name, options) =>
        this.#call(`get ${resource.kind} ${name.name}`, options, () => api.get(resource, name)),
      patch: (resource, name, patch, options) => write(resource, name, patch, options),
      patchStatus: (resource, name, patch, options) => write(resource, name, patch, options, 'status'),
      list: refuse('list'),
      create: refuse('create'),
      update: (resource, object, options) =>
        this.#call(`update ${resource.kind} ${object.metadata.name} ${JSON.stringify(object)}`, options, () => {
          if (options?.subresource !== 'status') throw new Error('the model has no update but that of a status');
          return api.replaceStatus(resource, object);
        }),
      delete: refuse('delete'),
      raw: refuse('raw'),
      pages: () => {
        throw new Error('the model has no pages');
      },
      watch: () => {
        throw new Error('the model has no watch');
      },
      close: async () => undefined,
    };
  }
}
