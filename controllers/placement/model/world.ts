// A cluster of the model with hosts and Placements in it, and rounds until there is nothing left to do.
import { setImmediate } from 'node:timers/promises';
import type { CapacityQuota, Instance, Placement } from '../../../lib/api/generated.ts';
import { CAPACITY_QUOTAS, INSTANCES, PLACEMENTS } from '../../../lib/api/resources.ts';
import type { Configured } from '../../../lib/scheduler/kubernetes/configuration-file.ts';
import { createFakeClock } from '../../../lib/testing/fake-clock.ts';
import { ModelApi } from '../../claim/model/api.ts';
import { ModelScheduler, type RecordedEvent } from './scheduler.ts';

interface Contents {
  readonly hosts?: Instance[];
  readonly placements?: Placement[];
  readonly quotas?: CapacityQuota[];
}

export function world({ hosts = [], placements = [], quotas = [] }: Contents): ModelApi {
  const api = new ModelApi();
  for (const quota of quotas) api.create(CAPACITY_QUOTAS, quota);
  for (const host of hosts) api.create(INSTANCES, host);
  for (const placement of placements) api.create(PLACEMENTS, placement);
  return api;
}

/** Runs rounds until one changes nothing; gives the events. */
export async function runRounds(
  api: ModelApi,
  now = '2026-01-02T00:00:00Z',
  configured?: Configured,
): Promise<readonly RecordedEvent[]> {
  const scheduler = new ModelScheduler(api, createFakeClock(Date.parse(now)), configured);
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
