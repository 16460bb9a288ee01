// Metrics of what is asked of BMCs: how often, what came of it, how long it took. Labels never name a machine.
import { Counter, Histogram, type Registry } from '@prometheus-io/client';
import type { Driver } from '../bmc/driver.ts';
import { BmcError } from '../bmc/errors.ts';
import type { OpenDriver } from '../bmc/pool.ts';
import type { Clock } from '../runtime/clock.ts';

export interface BmcMetrics {
  /** Opens drivers as `open` does, and counts what is asked of them. */
  measuring(open: OpenDriver): OpenDriver;
}

const SECONDS = [0.005, 0.01, 0.05, 0.1, 0.5, 1, 2, 5, 10, 30, 60];

export function createBmcMetrics(registry: Registry, clock: Pick<Clock, 'monotonic'>): BmcMetrics {
  const registers = [registry];
  const requests = new Counter({
    name: 'bmc_requests_total',
    help: 'Requests to BMCs by protocol, kind and result: ok, aborted, error, or the code of the BMC error',
    labelNames: ['protocol', 'request', 'result'],
    registers,
  });
  const seconds = new Histogram({
    name: 'bmc_request_duration_seconds',
    help: 'How long requests to BMCs took, waiting for their turn and repetitions included',
    labelNames: ['protocol', 'request'],
    buckets: SECONDS,
    registers,
  });
  return {
    measuring: (open) => (target) => {
      const protocol = /^[a-z+]+/.exec(target.address)?.[0] ?? 'unknown';
      return measured(open(target), clock, (request, result, ms) => {
        requests.inc({ protocol, request, result });
        seconds.observe({ protocol, request }, ms / 1000);
      });
    },
  };
}

type Tell = (request: string, result: string, ms: number) => void;

/** The same driver; whatever it is asked that takes time is told of. */
function measured(driver: Driver, clock: Pick<Clock, 'monotonic'>, tell: Tell): Driver {
  return new Proxy(driver, {
    get(target, property) {
      const member: unknown = Reflect.get(target, property);
      if (typeof member !== 'function') return member;
      return (...parameters: unknown[]) => {
        const start = clock.monotonic();
        const answer: unknown = Reflect.apply(member, target, parameters);
        if (answer instanceof Promise) {
          const end = (result: string) => tell(String(property), result, clock.monotonic() - start);
          void answer.then(
            () => end('ok'),
            (error: unknown) => end(resultOf(error)),
          );
        }
        return answer;
      };
    },
  });
}

function resultOf(error: unknown): string {
  if (error instanceof BmcError) return error.code;
  return error instanceof Error && error.name === 'AbortError' ? 'aborted' : 'error';
}
