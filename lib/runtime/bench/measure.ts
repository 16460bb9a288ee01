// One measurement of the framework in a process of its own: prints one line of JSON.
//
//   node lib/runtime/bench/measure.ts KUBECONFIG NAMESPACE (sync | reconcile | write | idle) SECONDS
import { setTimeout } from 'node:timers/promises';
import { writeObject } from '../../kube/apply.ts';
import { createClient } from '../../kube/client.ts';
import { createReflector } from '../../kube/reflector.ts';
import type { Store } from '../../kube/store.ts';
import { createLogger } from '../../observe/logger.ts';
import { createController } from '../controller.ts';
import { createManager } from '../manager.ts';
import { done, type Reconciler } from '../reconcile.ts';
import { watch } from '../source.ts';
import { measured, type Work } from './measured.ts';
import { type Item, items, SELECTOR } from './objects.ts';

const log = createLogger({ level: 'error' });
const scope = (namespace: string) => ({ namespace, labelSelector: SELECTOR });

/** First sync of a reflector. */
const sync: Work = async (kubeconfig, namespace, _seconds, begin) => {
  const client = createClient({ kubeconfig });
  await client.raw({ method: 'GET', path: '/version' });
  begin();
  const reflector = createReflector({ client, resource: items, log, ...scope(namespace) });
  void reflector.run(new AbortController().signal);
  await reflector.store.synced();
  return reflector.store.size;
};

/** A controller on a synced cache, given all keys again and again for the whole time. */
function controlled(reconcile: (manager: ReturnType<typeof createManager>, store: Store<Item>) => Reconciler): Work {
  return async (kubeconfig, namespace, seconds, begin) => {
    const client = createClient({ kubeconfig });
    const manager = createManager({ client, log });
    const store = manager.store(items, scope(namespace));
    const look = reconcile(manager, store);
    let looked = 0;
    const controller = createController({
      name: 'bench',
      watches: [watch(store, { when: () => false })],
      concurrency: 32,
      async reconcile(request, signal) {
        const result = await look(request, signal);
        looked++;
        return result;
      },
    });
    manager.add(controller);
    const stop = new AbortController();
    const running = manager.run(stop.signal);
    await store.synced();
    begin();
    const end = performance.now() + seconds * 1000;
    while (performance.now() < end) {
      if (controller.stats().depth < 1_000) for (const key of store.keys()) controller.trigger(key);
      await setTimeout(5);
    }
    const count = looked;
    stop.abort();
    await running;
    return count;
  };
}

const unchanged = controlled((manager, store) => async ({ key }, signal) => {
  const item = store.get(key);
  // Compares as every reconcile does, and finds nothing to write.
  if (item) await writeObject(manager.client, items, item, { ...item, data: { ...item.data } }, { signal });
  return done;
});

const changing = controlled((manager, store) => async ({ key }, signal) => {
  const item = store.get(key);
  const count = String(Number(item?.data?.count ?? 0) + 1);
  if (item) await writeObject(manager.client, items, item, { ...item, data: { ...item.data, count } }, { signal });
  return done;
});

/** A synced cache and a controller with nothing to do. */
const idle: Work = async (kubeconfig, namespace, seconds, begin) => {
  const manager = createManager({ client: createClient({ kubeconfig }), log });
  const store = manager.store(items, scope(namespace));
  manager.add(createController({ name: 'idle', watches: [watch(store)], reconcile: async () => done }));
  void manager.run(new AbortController().signal);
  await store.synced();
  await setTimeout(2_000);
  begin();
  await setTimeout(seconds * 1000);
  return store.size;
};

const WORKS: Record<string, Work> = { sync, reconcile: unchanged, write: changing, idle };

const [kubeconfig = '', namespace = '', name = '', seconds = ''] = process.argv.slice(2);
const work = WORKS[name];
if (!work) throw new Error(`usage: measure.ts KUBECONFIG NAMESPACE (${Object.keys(WORKS).join(' | ')}) SECONDS`);
await measured(work, kubeconfig, namespace, Number(seconds));
