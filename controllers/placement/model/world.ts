// A cluster of the model with hosts and Placements in it, and rounds until there is nothing left to do.
import { setImmediate } from 'node:timers/promises';
import type { Instance, Placement } from '../../../lib/api/generated.ts';
import { INSTANCES, PLACEMENTS } from '../../../lib/api/resources.ts';
import { createFakeClock } from '../../../lib/testing/fake-clock.ts';
import { ModelApi } from '../../claim/model/api.ts';
import { ModelScheduler, type RecordedEvent } from './scheduler.ts';

export function world({ hosts = [], placements = [] }: { hosts?: Instance[]; placements?: Placement[] }): ModelApi {
  const api = new ModelApi();
  for (const host of hosts) api.create(INSTANCES, host);
  for (const placement of placements) api.create(PLACEMENTS, placement);
  return api;
}

/** Runs rounds until one changes nothing; gives the events. */
export async function runRounds(api: ModelApi, now = '2026-01-02T00:00:00Z'): Promise<readonly RecordedEvent[]> {
  const scheduler = new ModelScheduler(api, createFakeClock(Date.parse(now)));
  for (let before = -1; before !== api.changes.length; ) {
    before = api.changes.length;
    scheduler.process.settle();
    scheduler.start();
    while (!scheduler.isIdle) {
      scheduler.process.settle();
      await setImmediate();
    }
  }
  return scheduler.events;
}
