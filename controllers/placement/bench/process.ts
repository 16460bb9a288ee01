// The placement controller alone, as a process of its own: what is measured beside other schedulers.
//
//   node process.ts KUBECONFIG
//
// It ends with SIGTERM, and when its standard input does: it does not outlive who started it.
import { createClient } from '../../../lib/kube/client.ts';
import { createEventRecorder } from '../../../lib/kube/events.ts';
import { createLogger } from '../../../lib/observe/logger.ts';
import { systemClock } from '../../../lib/runtime/clock.ts';
import { createManager } from '../../../lib/runtime/manager.ts';
import { createPlacementController } from '../controller.ts';

const [kubeconfig] = process.argv.slice(2);
const stop = new AbortController();
for (const [source, event] of [
  [process, 'SIGTERM'],
  [process.stdin.resume(), 'end'],
] as const)
  source.once(event, () => stop.abort(new Error('asked to end')));
const log = createLogger({ level: 'error' });
const client = createClient({ kubeconfig });
const manager = createManager({ client, log });
const events = createEventRecorder({ client: manager.client, component: 'bench', log, clock: systemClock });
manager.add(createPlacementController({ manager, events, log, clock: systemClock }));
await manager.run(stop.signal);
// What is left of the events is for people who are not there.
process.exit(0);
