// A cluster of the model with devices and Instances in it, and rounds until there is nothing left to do.
import { setImmediate } from 'node:timers/promises';
import type { CapacityQuota, Device, Instance } from '../../../lib/api/generated.ts';
import { CAPACITY_QUOTAS, DEVICE_TYPES, DEVICES, IMAGES, INSTANCES, SITES } from '../../../lib/api/resources.ts';
import { ModelApi } from './api.ts';
import { anImage, aSite, aType } from './fixtures.ts';
import { ModelScheduler, type RecordedEvent } from './scheduler.ts';

export function world(
  objects: { devices?: Device[]; instances?: Instance[]; quotas?: CapacityQuota[] } = {},
): ModelApi {
  const api = new ModelApi();
  api.create(SITES, aSite('fra1'));
  api.create(DEVICE_TYPES, aType('small'));
  api.create(DEVICE_TYPES, aType('large', { hardware: { minCores: 64, minMemory: '512Gi' } }));
  api.create(IMAGES, anImage('debian-12'));
  for (const quota of objects.quotas ?? []) api.create(CAPACITY_QUOTAS, quota);
  for (const device of objects.devices ?? []) api.create(DEVICES, device);
  for (const instance of objects.instances ?? []) api.create(INSTANCES, instance);
  return api;
}

/** Runs rounds until one changes nothing; gives the events. */
export async function runRounds(api: ModelApi): Promise<readonly RecordedEvent[]> {
  const scheduler = new ModelScheduler(api);
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
