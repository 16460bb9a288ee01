// The framework's metrics, under the names that controller-runtime and client-go give them, so that their dashboards and
// alerts work.
import { Counter, Gauge, Histogram, type Registry } from '@prometheus-io/client';
import type { EventObserver } from '../kube/events.ts';
import type { ReflectorObserver } from '../kube/reflector.ts';
import type { CallObserver } from '../kube/transport.ts';
import type { ControllerObserver, ControllerStats, Outcome } from './controller.ts';
import type { Manager } from './manager.ts';

export interface RuntimeMetrics {
  /** For `ManagerOptions.observer`. */
  controller(name: string): ControllerObserver;
  /** For `ManagerOptions.reflectorObserver`. */
  reflector(resource: string): ReflectorObserver;
  /** For `ClientOptions.observer`. */
  readonly calls: CallObserver;
  /** For `EventRecorderOptions.observer`. */
  readonly events: EventObserver;
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
  const counter = (name: string, help: string) => new Counter({ name, help, labelNames: ['controller'], registers });
  const failures: readonly (readonly [readonly Outcome[], Counter<'controller'>])[] = [
    [
      ['error', 'conflict', 'panic', 'terminal'],
      counter('controller_runtime_reconcile_errors_total', 'Reconciles that ended with an error of any kind'),
    ],
    [
      ['terminal'],
      counter('controller_runtime_terminal_reconcile_errors_total', 'Reconciles that gave up until something changes'),
    ],
    [['panic'], counter('controller_runtime_reconcile_panics_total', 'Reconciles that a bug ended')],
  ];
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
  const workSeconds = new Histogram({
    name: 'workqueue_work_duration_seconds',
    help: 'How long keys were worked on',
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

  const eventsDropped = new Counter({
    name: 'events_dropped_total',
    help: 'Events that were given up: refused by the API server, or too many waited to be written',
    registers,
  });

  return {
    controller(name) {
      const queue = { name };
      return {
        added: () => adds.inc(queue),
        retried: () => retries.inc(queue),
        done: (workedMs) => workSeconds.observe(queue, workedMs / 1000),
        taken: (waitedMs) => queueSeconds.observe(queue, waitedMs / 1000),
        reconciled(result, ms) {
          reconciles.inc({ controller: name, result });
          for (const [outcomes, total] of failures) if (outcomes.includes(result)) total.inc({ controller: name });
          reconcileSeconds.observe({ controller: name }, ms / 1000);
        },
      };
    },
    reflector: reflectorMetrics(registry),
    calls: {
      answered(method, status, ms) {
        requests.inc({ method, code: String(status) });
        requestSeconds.observe({ method }, ms / 1000);
      },
    },
    events: { dropped: (events) => eventsDropped.inc(events) },
    watch(manager) {
      const gauge = (
        name: string,
        help: string,
        label: 'name' | 'controller',
        value: (stats: ControllerStats) => number,
      ) =>
        new Gauge({
          name,
          help,
          labelNames: [label],
          registers,
          collect() {
            for (const controller of manager.controllers)
              this.set({ [label]: controller.name }, value(controller.stats()));
          },
        });
      const ofQueues = (name: string, help: string, value: (stats: ControllerStats) => number) =>
        gauge(`workqueue_${name}`, help, 'name', value);
      const ofControllers = (name: string, help: string, value: (stats: ControllerStats) => number) =>
        gauge(`controller_runtime_${name}`, help, 'controller', value);
      ofQueues('depth', 'Keys that are ready', ({ depth }) => depth);
      ofQueues('delayed', 'Keys that wait for their time', ({ delayed }) => delayed);
      ofQueues('oldest_seconds', 'How long the first ready key has been so', ({ oldestMs }) => oldestMs / 1000);
      ofQueues(
        'unfinished_work_seconds',
        'How long those under way have been so, together',
        ({ unfinishedMs }) => unfinishedMs / 1000,
      );
      ofQueues(
        'longest_running_processor_seconds',
        'How long the longest of those under way has been so',
        ({ longestMs }) => longestMs / 1000,
      );
      ofControllers('max_concurrent_reconciles', 'Keys under way at most', ({ concurrency }) => concurrency);
      ofControllers('active_workers', 'Keys under way', ({ underWay }) => underWay);
      ofControllers('overdue_reconciles', 'Reconciles that ignore their deadline', ({ overdue }) => overdue);
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

/** Of lists and watches; where client-go has no name for it, in its manner. */
function reflectorMetrics(registry: Registry): (resource: string) => ReflectorObserver {
  const registers = [registry];
  const labelNames = ['name'] as const;
  const lists = new Counter({
    name: 'reflector_lists_total',
    help: 'How often everything of a kind was asked for',
    labelNames,
    registers,
  });
  const listSeconds = new Histogram({
    name: 'reflector_list_duration_seconds',
    help: 'How long it took until everything of a kind had come in',
    labelNames,
    buckets: SECONDS,
    registers,
  });
  const listed = new Gauge({
    name: 'reflector_items_per_list',
    help: 'Objects that the last list brought',
    labelNames,
    registers,
  });
  const watches = new Counter({
    name: 'reflector_watches_total',
    help: 'Watches begun: the first one and every restart',
    labelNames,
    registers,
  });
  const ends = new Counter({
    name: 'reflector_ends_total',
    help: 'Lists and watches that ended, by how: ended, silent or failed',
    labelNames: ['name', 'how'],
    registers,
  });
  const events = new Counter({
    name: 'reflector_events_total',
    help: 'Events and bookmarks that watches brought',
    labelNames,
    registers,
  });
  const bytes = new Counter({
    name: 'reflector_received_bytes_total',
    help: 'Bytes of lists and watches',
    labelNames,
    registers,
  });
  const heardAt = new Map<string, number>();
  new Gauge({
    name: 'reflector_last_event_age_seconds',
    help: 'How long ago the last event or bookmark came: servers send one every minute',
    labelNames,
    registers,
    collect() {
      for (const [name, at] of heardAt) this.set({ name }, (performance.now() - at) / 1000);
    },
  });
  return (name) => {
    const kind = { name };
    return {
      listed(objects, ms) {
        lists.inc(kind);
        listSeconds.observe(kind, ms / 1000);
        listed.set(kind, objects);
      },
      watched: () => watches.inc(kind),
      heard() {
        events.inc(kind);
        heardAt.set(name, performance.now());
      },
      ended: (how) => ends.inc({ name, how }),
      received: (count) => bytes.inc(kind, count),
    };
  };
}
