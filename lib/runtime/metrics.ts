// The framework's metrics, under the names that controller-runtime gives them, so that its dashboards and alerts work.
import { Counter, Gauge, Histogram, type Registry } from '@prometheus-io/client';
import type { CallObserver } from '../kube/transport.ts';
import type { ControllerObserver } from './controller.ts';
import type { Manager } from './manager.ts';

export interface RuntimeMetrics {
  /** For `ManagerOptions.observer`. */
  controller(name: string): ControllerObserver;
  /** For `ClientOptions.observer`. */
  readonly calls: CallObserver;
  /** Queues, caches and leadership of a manager, read whenever metrics are. */
  watch(manager: Manager): void;
}

const SECONDS = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10, 30, 60, 120];

export function createRuntimeMetrics(registry: Registry): RuntimeMetrics {
  const registers = [registry];
  const reconciles = new Counter({
    name: 'controller_runtime_reconcile_total',
    help: 'Reconciles, by how they ended: done, requeue, error, conflict, terminal, panic or aborted',
    labelNames: ['controller', 'result'],
    registers,
  });
  const reconcileSeconds = new Histogram({
    name: 'controller_runtime_reconcile_time_seconds',
    help: 'How long reconciles took',
    labelNames: ['controller'],
    buckets: SECONDS,
    registers,
  });
  const adds = new Counter({
    name: 'workqueue_adds_total',
    help: 'Keys that came into the queue',
    labelNames: ['name'],
    registers,
  });
  const retries = new Counter({
    name: 'workqueue_retries_total',
    help: 'Keys that were tried again',
    labelNames: ['name'],
    registers,
  });
  const queueSeconds = new Histogram({
    name: 'workqueue_queue_duration_seconds',
    help: 'How long keys were ready before a worker took them',
    labelNames: ['name'],
    buckets: SECONDS,
    registers,
  });
  const requests = new Counter({
    name: 'rest_client_requests_total',
    help: 'Calls to the API server, by method and HTTP status (0: no answer)',
    labelNames: ['method', 'code'],
    registers,
  });
  const requestSeconds = new Histogram({
    name: 'rest_client_request_duration_seconds',
    help: 'How long calls to the API server took until their answer began',
    labelNames: ['method'],
    buckets: SECONDS,
    registers,
  });

  return {
    controller(name) {
      const queue = { name };
      return {
        added: () => adds.inc(queue),
        retried: () => retries.inc(queue),
        taken: (waitedMs) => queueSeconds.observe(queue, waitedMs / 1000),
        reconciled(result, ms) {
          reconciles.inc({ controller: name, result });
          reconcileSeconds.observe({ controller: name }, ms / 1000);
        },
      };
    },
    calls: {
      answered(method, status, ms) {
        requests.inc({ method, code: String(status) });
        requestSeconds.observe({ method }, ms / 1000);
      },
    },
    watch(manager) {
      const ofQueues = (
        name: string,
        help: string,
        value: (stats: ReturnType<Manager['controllers'][number]['stats']>) => number,
      ) =>
        new Gauge({
          name,
          help,
          labelNames: ['name'],
          registers,
          collect() {
            for (const controller of manager.controllers)
              this.set({ name: controller.name }, value(controller.stats()));
          },
        });
      ofQueues('workqueue_depth', 'Keys that are ready', ({ depth }) => depth);
      ofQueues('workqueue_delayed', 'Keys that wait for their time', ({ delayed }) => delayed);
      ofQueues(
        'workqueue_oldest_seconds',
        'How long the first ready key has been so',
        ({ oldestMs }) => oldestMs / 1000,
      );
      ofQueues('controller_runtime_active_workers', 'Keys under way', ({ underWay }) => underWay);
      ofQueues(
        'controller_runtime_overdue_reconciles',
        'Reconciles that ignore their deadline',
        ({ overdue }) => overdue,
      );
      new Gauge({
        name: 'cache_objects',
        help: 'Objects held, by kind',
        labelNames: ['resource'],
        registers,
        collect() {
          for (const [resource, size] of manager.cached()) this.set({ resource }, size);
        },
      });
      new Gauge({
        name: 'leader_election_master_status',
        help: '1 while this process leads',
        registers,
        collect() {
          this.set(manager.isLeader() ? 1 : 0);
        },
      });
    },
  };
}
