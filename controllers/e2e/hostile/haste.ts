// Time that runs several times as fast as it does: an hour of leases, back-offs, deadlines and polls in minutes. Everything
// that an operator waits for by its clock or by a call's deadline is shortened in one ratio, so that what is long beside what
// stays so; only the work itself takes as long as it takes.
import type { Transport } from '../../../lib/kube/transport.ts';
import { type Clock, systemClock } from '../../../lib/runtime/clock.ts';

/** @param epoch when it and the system's clock show the same, in milliseconds since 1970: one for all processes of a run */
export function hastyClock(speed: number, epoch: number): Clock {
  return {
    now: () => epoch + (Date.now() - epoch) * speed,
    monotonic: () => performance.now() * speed,
    after: (ms, fire) => systemClock.after(ms / speed, fire),
  };
}

/** The same way to the server, with less patience for each call that names its own. */
export function hastyTransport(transport: Transport, speed: number): Transport {
  const sooner = <E extends { timeoutMs?: number | undefined }>(exchange: E): E =>
    exchange.timeoutMs === undefined ? exchange : { ...exchange, timeoutMs: exchange.timeoutMs / speed };
  return {
    call: (exchange) => transport.call(sooner(exchange)),
    stream: (exchange) => transport.stream(sooner(exchange)),
    close: () => transport.close(),
  };
}
