// What a measurement looks at: time, CPU, memory, and how long the event loop stood still.
import { monitorEventLoopDelay } from 'node:perf_hooks';

export interface Measurement {
  /** Wall-clock and CPU seconds of what was measured. */
  seconds: number;
  cpuSeconds: number;
  /** Resident at the end. */
  residentMB: number;
  /** Longest time that the event loop stood still. */
  stallMs: number;
  /** Objects held, reconciles or writes. */
  count: number;
}

/** Resolves to `count`; calls `begin` when its preparations are over. */
export type Work = (kubeconfig: string, namespace: string, seconds: number, begin: () => void) => Promise<number>;

/** Prints the Measurement of `work` as a line of JSON, and ends the process. */
export async function measured(work: Work, kubeconfig: string, namespace: string, seconds: number): Promise<never> {
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  let start = performance.now();
  let cpu = process.cpuUsage();
  const begin = () => {
    start = performance.now();
    cpu = process.cpuUsage();
    delay.reset();
  };
  const count = await work(kubeconfig, namespace, seconds, begin);
  const used = process.cpuUsage(cpu);
  const measurement: Measurement = {
    seconds: (performance.now() - start) / 1000,
    cpuSeconds: (used.user + used.system) / 1e6,
    residentMB: process.memoryUsage.rss() / 2 ** 20,
    stallMs: delay.max / 1e6,
    count,
  };
  console.log(JSON.stringify(measurement));
  process.exit(0);
}
