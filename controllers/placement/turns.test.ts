// Namespaces do not wait for each other: rounds of one that has much to do end in between, and the others have theirs.
import { setImmediate } from 'node:timers/promises';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { INSTANCES, PLACEMENTS } from '../../lib/api/resources.ts';
import { systemClock } from '../../lib/runtime/clock.ts';
import { createLogRecorder } from '../../lib/testing/log-recorder.ts';
import { ModelApi } from '../claim/model/api.ts';
import { ModelProcess } from '../claim/model/process.ts';
import { createPlacementController } from './controller.ts';
import { aHost, aPlacement } from './model/fixtures.ts';

/** As many as the controller looks at at once. */
const BIG = ['big-1', 'big-2', 'big-3', 'big-4'];
/** Of each, several rounds' worth. */
const MANY = 1100;

test('one Placement has its place long before namespaces with thousands have all of theirs', async () => {
  const api = new ModelApi();
  const overcommit = { cpu: 100, memory: 100 };
  for (const namespace of [...BIG, 'small']) {
    for (const name of ['h1', 'h2'])
      api.create(INSTANCES, aHost(name, { metadata: { namespace }, vmHost: { overcommit, maxPlacements: 1000 } }));
    const count = namespace === 'small' ? 1 : MANY;
    for (let index = 0; index < count; index++)
      api.create(PLACEMENTS, aPlacement(`vm-${index}`, { metadata: { namespace } }));
  }
  const process = new ModelProcess(api);
  const log = createLogRecorder();
  const controller = createPlacementController({
    manager: {
      client: process.client,
      store(resource, options) {
        const store = process.store(resource);
        for (const [name, index] of Object.entries(options?.indexes ?? {})) store.addIndex(name, index);
        return store;
      },
    },
    events: { event: () => undefined, flush: async () => undefined },
    log,
    clock: systemClock,
  });
  const stop = new AbortController();
  const ended = controller.run({ clock: systemClock, random: Math.random, log }, stop.signal);
  const boundIn = (namespace: string) =>
    api.all(PLACEMENTS).filter(({ metadata, status }) => metadata.namespace === namespace && status?.phase === 'Bound');
  while (boundIn('small').length === 0) {
    process.settle();
    await setImmediate();
  }
  const left = BIG.map((namespace) => MANY - boundIn(namespace).length);
  stop.abort();
  while (process.calls.length > 0) {
    process.settle();
    await setImmediate();
  }
  await ended;
  assert.ok(Math.min(...left) > 0, `still waiting: ${left.join(' ')}`);
});

test.run();
