// Leader election on a coordination.k8s.io/v1 Lease: at most one process acts, and it knows by itself when it no longer may.
//
// Nobody's wall clock is trusted: a candidate times the holder by how long the Lease stays unchanged on the candidate's own
// clock, and the holder counts from before it sent its last renewal that was answered. So the holder stops first.
//
// A holder that dies is followed within 15 s: 12 s of lease, 1.2 s until its last renewal was seen, the rest to take over.
import type { Log } from '../observe/log.ts';
import { type Clock, slept } from '../runtime/clock.ts';
import type { KubeClient } from './client.ts';
import { isAlreadyExists, isConflict, isNotFound } from './errors.ts';
import type { KubeObject, Resource } from './resource.ts';

export interface LeaseSpec {
  holderIdentity?: string | undefined;
  leaseDurationSeconds?: number | undefined;
  /** metav1.MicroTime */
  acquireTime?: string | undefined;
  renewTime?: string | undefined;
  leaseTransitions?: number | undefined;
}
export interface Lease extends KubeObject {
  spec?: LeaseSpec | undefined;
}
export const leases: Resource<Lease> = {
  group: 'coordination.k8s.io',
  version: 'v1',
  plural: 'leases',
  kind: 'Lease',
  namespaced: true,
};

export interface Leadership {
  /** True while this process may write: by its own clocks, so also right after it was paused. */
  isLeader(): boolean;
  /** Aborts when this term ends. */
  readonly signal: AbortSignal;
  /** Ends the term and lets another process lead at once. Call it when nothing writes any more. */
  release(): Promise<void>;
}

export interface ElectorOptions {
  client: KubeClient;
  name: string;
  namespace: string;
  /** Unique per process: two processes of one identity would both lead. */
  identity: string;
  log: Log;
  clock: Clock;
  random: () => number;
  /** How long others wait for a silent holder; default 12,000. */
  leaseMs?: number | undefined;
  /** After so long without a renewal the holder itself stops; default 9,000, and less than leaseMs. */
  renewDeadlineMs?: number | undefined;
  /** Between renewals, up to a fifth longer at random; candidates look twice as often. Default 2,000. */
  retryMs?: number | undefined;
}

export interface Elector {
  /** Resolves once this process leads; rejects with the signal's reason. */
  acquire(signal: AbortSignal): Promise<Leadership>;
}

export function createElector(options: ElectorOptions): Elector {
  const { client, name, namespace, identity, log, clock, random } = options;
  const { leaseMs = 12_000, renewDeadlineMs = 9_000, retryMs = 2_000 } = options;
  if (renewDeadlineMs >= leaseMs) throw new RangeError('renewDeadlineMs must be less than leaseMs');
  const jittered = (ms: number) => ms * (1 + 0.2 * random());
  /** The Lease as last seen, since when, and how long it is to be left alone from then on. */
  let seen: { version: string; at: number; heldMs: number } | undefined;

  async function read(signal: AbortSignal): Promise<Lease | undefined> {
    try {
      return await client.get(leases, { name, namespace }, { signal, timeoutMs: retryMs * 2, urgent: true });
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw error;
    }
  }

  function mayTake(lease: Lease): boolean {
    const version = lease.metadata.resourceVersion ?? '';
    const { holderIdentity, leaseDurationSeconds } = lease.spec ?? {};
    const heldMs = leaseDurationSeconds === undefined ? leaseMs : leaseDurationSeconds * 1000;
    if (seen?.version !== version) seen = { version, at: clock.monotonic(), heldMs };
    return !holderIdentity || holderIdentity === identity || leftMs() <= 0;
  }

  /** Until a holder that stays silent may be followed. */
  const leftMs = () => (seen ? seen.at + seen.heldMs - clock.monotonic() : 0);

  /** Until the next look: often enough to see each renewal soon, and at the very moment at which the lease runs out. */
  function untilNextLook(): number {
    const often = jittered(retryMs / 2);
    const left = leftMs();
    return left > 0 ? Math.min(often, left) : often;
  }

  function taken(previous: LeaseSpec | undefined): LeaseSpec {
    const now = microTime(clock.now());
    const sameHolder = previous?.holderIdentity === identity;
    return {
      holderIdentity: identity,
      leaseDurationSeconds: Math.ceil(leaseMs / 1000),
      acquireTime: sameHolder ? (previous.acquireTime ?? now) : now,
      renewTime: now,
      leaseTransitions: (previous?.leaseTransitions ?? 0) + (previous && !sameHolder ? 1 : 0),
    };
  }

  /** One try to take the Lease; undefined when another process holds it or was faster. */
  async function tryTake(signal: AbortSignal): Promise<Lease | undefined> {
    const lease = await read(signal);
    if (lease && !mayTake(lease)) return undefined;
    const callOptions = { signal, timeoutMs: retryMs * 2, urgent: true };
    try {
      return lease
        ? await client.update(leases, { ...lease, spec: taken(lease.spec) }, callOptions)
        : await client.create(leases, { ...BLANK, metadata: { name, namespace }, spec: taken(undefined) }, callOptions);
    } catch (error) {
      if (isConflict(error) || isAlreadyExists(error)) return undefined;
      throw error;
    }
  }

  async function acquire(signal: AbortSignal): Promise<Leadership> {
    for (;;) {
      signal.throwIfAborted();
      const stamp = timeStamp(clock);
      try {
        const lease = await tryTake(signal);
        if (lease) {
          log.info({ lease: name, identity }, 'leading');
          return lead(lease, stamp);
        }
      } catch (error) {
        if (!signal.aborted) log.warn({ lease: name, err: error }, 'could not try for leadership');
      }
      await slept(clock, untilNextLook(), signal);
    }
  }

  function lead(first: Lease, since: TimeStamp): Leadership {
    const term = new AbortController();
    let lease = first;
    let renewed = since;
    let fence = clock.after(renewDeadlineMs, checkFence);

    function isLeader(): boolean {
      return !term.signal.aborted && elapsedMs(clock, renewed) < renewDeadlineMs;
    }
    function checkFence(): void {
      const left = renewDeadlineMs - elapsedMs(clock, renewed);
      if (left > 0) fence = clock.after(left, checkFence);
      else end('not renewed in time');
    }
    function end(why: string): void {
      if (term.signal.aborted) return;
      fence.cancel();
      log.warn({ lease: name, identity }, `no longer leading: ${why}`);
      term.abort(new Error(`leadership lost: ${why}`));
    }

    /** One renewal; `again` after a conflict with ourselves: an answer to an earlier renewal was lost. */
    async function renew(again = true): Promise<void> {
      const stamp = timeStamp(clock);
      const callOptions = { signal: term.signal, timeoutMs: retryMs * 2, urgent: true };
      try {
        lease = await client.update(leases, { ...lease, spec: taken(lease.spec) }, callOptions);
        renewed = stamp;
      } catch (error) {
        if (!isConflict(error)) throw error;
        const current = await read(term.signal);
        const holder = current?.spec?.holderIdentity;
        if (!current || holder !== identity) {
          end(`${holder || 'nobody'} holds it now`);
          return;
        }
        lease = current;
        if (again) await renew(false);
      }
    }

    async function keep(): Promise<void> {
      for (;;) {
        await slept(clock, jittered(retryMs), term.signal);
        if (term.signal.aborted) return;
        try {
          await renew();
        } catch (error) {
          if (!term.signal.aborted) log.warn({ lease: name, err: error }, 'could not renew');
        }
      }
    }
    const keeping = keep();

    return {
      isLeader,
      signal: term.signal,
      async release() {
        if (term.signal.aborted) return;
        fence.cancel();
        term.abort(new Error('leadership released'));
        await keeping;
        const spec = { ...lease.spec, holderIdentity: '', leaseDurationSeconds: 1, renewTime: microTime(clock.now()) };
        try {
          await client.update(leases, { ...lease, spec }, { timeoutMs: retryMs, urgent: true });
          log.info({ lease: name, identity }, 'leadership released');
        } catch (error) {
          log.warn({ lease: name, err: error }, 'could not release: another process leads when the lease has run out');
        }
      },
    };
  }
  return { acquire };
}

const BLANK = { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease' };

/** RFC 3339 with six decimals, the only form that Kubernetes reads as metav1.MicroTime. */
const microTime = (ms: number) => new Date(ms).toISOString().replace('Z', '000Z');

interface TimeStamp {
  readonly monotonic: number;
  readonly wall: number;
}
const timeStamp = (clock: Clock): TimeStamp => ({ monotonic: clock.monotonic(), wall: clock.now() });

/** By whichever clock says more: the monotonic one stands still while the machine is suspended, the other may be set back. */
const elapsedMs = (clock: Clock, since: TimeStamp) =>
  Math.max(clock.monotonic() - since.monotonic, clock.now() - since.wall);
