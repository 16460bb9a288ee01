// The process's metrics, in the text format of Prometheus.
import { collectDefaultMetrics, type PrometheusContentType, Registry } from '@prometheus-io/client';
import { systemClock } from '../runtime/clock.ts';
import { createRuntimeMetrics, type RuntimeMetrics } from '../runtime/metrics.ts';
import { type BmcMetrics, createBmcMetrics } from './bmc.ts';
import { type ConfigurationMetrics, createConfigurationMetrics } from './configuration.ts';
import { createOperationMetrics, type OperationMetrics } from './operations.ts';

export interface Metrics {
  readonly registry: Registry<PrometheusContentType>;
  /** Of the framework: queues, reconciles, caches, calls to the API server. */
  readonly runtime: RuntimeMetrics;
  /** Of what is asked of BMCs. */
  readonly bmc: BmcMetrics;
  /** Of operations on machines. */
  readonly operations: OperationMetrics;
  /** Of the scheduler's configuration. */
  readonly configuration: ConfigurationMetrics;
}

/** A registry of its own (never the library's global one), with what Node tells of the process. */
export function createMetricsRegistry(): Registry<PrometheusContentType> {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  return registry;
}

export function createMetrics(): Metrics {
  const registry = createMetricsRegistry();
  return {
    registry,
    runtime: createRuntimeMetrics(registry),
    bmc: createBmcMetrics(registry, systemClock),
    operations: createOperationMetrics(registry),
    configuration: createConfigurationMetrics(registry),
  };
}
