// Metrics of the scheduler's configuration: whether what is in the file is what is in force.
import { Counter, Gauge, type Registry } from '@prometheus-io/client';

export interface ConfigurationMetrics {
  /** A look at the file came to this; `nowMs` is Unix time. */
  looked(result: 'taken' | 'missing' | 'refused', nowMs: number): void;
}

export function createConfigurationMetrics(registry: Registry): ConfigurationMetrics {
  const registers = [registry];
  const reloads = new Counter({
    name: 'bmp_scheduler_config_reloads_total',
    help: "Looks at the scheduler's configuration after it changed, by what they came to",
    labelNames: ['result'] as const,
    registers,
  });
  const isGood = new Gauge({
    name: 'bmp_scheduler_config_last_reload_successful',
    help: '0 while the file is wrong or missing, and what was good before goes on',
    registers,
  });
  const takenAt = new Gauge({
    name: 'bmp_scheduler_config_last_reload_success_timestamp_seconds',
    help: 'When a configuration was last taken over',
    registers,
  });
  return {
    looked(result, nowMs) {
      reloads.inc({ result });
      isGood.set(result === 'taken' ? 1 : 0);
      if (result === 'taken') takenAt.set(nowMs / 1000);
    },
  };
}
