// Metrics of operations on machines, read off the histories that Devices keep: whoever did them, each is counted once.
import { Counter, Histogram, type Registry } from '@prometheus-io/client';
import type { Device } from '../api/generated.ts';
import type { Store } from '../kube/store.ts';

export interface OperationMetrics {
  /** Counts what ends from now on, while `counts` says that it is this process that counts. */
  follow(devices: Pick<Store<Device>, 'subscribe'>, counts: () => boolean): void;
}

const SECONDS = [1, 5, 15, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200, 14_400];

export function createOperationMetrics(registry: Registry): OperationMetrics {
  const registers = [registry];
  const labelNames = ['kind', 'result'] as const;
  const operations = new Counter({
    name: 'bmp_operations_total',
    help: 'Operations on machines that ended, by kind and result',
    labelNames,
    registers,
  });
  const seconds = new Histogram({
    name: 'bmp_operation_duration_seconds',
    help: 'How long operations on machines took from their first step to their end',
    labelNames,
    buckets: SECONDS,
    registers,
  });
  return {
    follow(devices, counts) {
      devices.subscribe((event) => {
        if (event.type !== 'updated' || !counts()) return;
        for (const { kind, result, startedAt, endedAt } of ended(event.old, event.object)) {
          operations.inc({ kind, result });
          seconds.observe({ kind, result }, (Date.parse(endedAt) - Date.parse(startedAt)) / 1000);
        }
      });
    },
  };
}

function ended(before: Device, after: Device) {
  const history = after.status?.history ?? [];
  if (history === before.status?.history) return [];
  const known = new Set(before.status?.history?.map(({ id }) => id));
  return history.filter(({ id }) => !known.has(id));
}
