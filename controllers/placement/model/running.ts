// The placement controller on an API server, with caches, queues and events, for one namespace.
import type { KubeClient } from '../../../lib/kube/client.ts';
import { createEventRecorder } from '../../../lib/kube/events.ts';
import { systemClock } from '../../../lib/runtime/clock.ts';
import { createManager, type Manager } from '../../../lib/runtime/manager.ts';
import { createLogRecorder } from '../../../lib/testing/log-recorder.ts';
import { createPlacementController } from '../controller.ts';

export function startScheduler(client: KubeClient, namespace: string): AsyncDisposable {
  const log = createLogRecorder();
  const manager = createManager({ client, log });
  const events = createEventRecorder({ client: manager.client, component: 'test', log, clock: systemClock });
  const scoped: Pick<Manager, 'client' | 'store'> = {
    client: manager.client,
    store: (resource, options) => manager.store(resource, { ...options, ...(resource.namespaced && { namespace }) }),
  };
  manager.add(createPlacementController({ manager: scoped, events, log, clock: systemClock }));
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
