// The placement controller on an API server, with caches, queues and events, for one namespace.
import type { KubeClient } from '../../../lib/kube/client.ts';
import { createEventRecorder } from '../../../lib/kube/events.ts';
import type { Log } from '../../../lib/observe/log.ts';
import { systemClock } from '../../../lib/runtime/clock.ts';
import type { Controller } from '../../../lib/runtime/controller.ts';
import { createManager, type Manager } from '../../../lib/runtime/manager.ts';
import { createLogRecorder } from '../../../lib/testing/log-recorder.ts';
import { createPlacementController } from '../controller.ts';

type Scoped = Pick<Manager, 'client' | 'store'>;

/** `beside` gives controllers that run with it, on the same caches. */
export function startScheduler(
  client: KubeClient,
  namespace: string,
  beside: (manager: Scoped, log: Log) => readonly Controller[] = () => [],
): AsyncDisposable {
  const log = createLogRecorder();
  const manager = createManager({ client, log });
  const events = createEventRecorder({ client: manager.client, component: 'test', log, clock: systemClock });
  const scoped: Scoped = {
    client: manager.client,
    store: (resource, options) => manager.store(resource, { ...options, ...(resource.namespaced && { namespace }) }),
  };
  manager.add(createPlacementController({ manager: scoped, events, log, clock: systemClock }));
  for (const controller of beside(scoped, log)) manager.add(controller);
  const stop = new AbortController();
  const ended = manager.run(stop.signal);
  return {
    async [Symbol.asyncDispose]() {
      // Repeated events would wait for their minute.
      await events.flush();
      stop.abort();
      await ended;
    },
  };
}
