// The process's metrics, in the text format of Prometheus.
import { collectDefaultMetrics, type PrometheusContentType, Registry } from '@prometheus-io/client';

/** A registry of its own (never the library's global one), with what Node tells of the process. */
export function createMetricsRegistry(): Registry<PrometheusContentType> {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  return registry;
}
