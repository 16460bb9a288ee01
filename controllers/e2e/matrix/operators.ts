// The operator, one after the other in this process: what it was about to do when it is killed is never done.
import { OPERATOR_NAMESPACE } from '../../../lib/api/names.ts';
import { createClientOver, type KubeClient } from '../../../lib/kube/client.ts';
import { createCredentials } from '../../../lib/kube/credentials.ts';
import { createTransport } from '../../../lib/kube/transport.ts';
import type { Clock } from '../../../lib/runtime/clock.ts';
import type { SimulatedDhcp } from '../../../lib/sim/dhcp.ts';
import { startOperator } from '../../operator.ts';
import type { Gate } from './gate.ts';

/**
 * Simulated BMCs answer at once, but for their faults. Time is moved on around one that does not answer: whoever waits for it has
 * to have given up before that.
 */
const BMC = {
  ipmi: { schedule: [150, 300, 600], suitesSchedule: [150, 300], closeSchedule: [100] },
  redfish: { requestMs: 2000, busyPauses: [100, 300], closeMs: 200 },
};

const CACHE_BYTES = 64 * 1024 * 1024;

export interface Operators extends AsyncDisposable {
  readonly deaths: number;
  bootUrl(): string | undefined;
  start(): Promise<void>;
  /** What it was about to do is never done: it is dead to the server before it hears of it. */
  kill(): Promise<void>;
}

/** What stands beside each operator, and outlives it. */
interface Beside {
  readonly dhcp?: SimulatedDhcp;
  /** Folder of its image cache. */
  readonly imageCache?: string;
  /** Folder of the live OS. */
  readonly bootFiles?: string;
}

export function createOperators(kubeconfig: string, gate: Gate, clock: Clock, beside: Beside = {}): Operators {
  let ports = { port: 0, bootPort: 0 };
  let bootUrl: string | undefined;
  let current: { dead: AbortController; stopped: Promise<void>; client: KubeClient } | undefined;
  let deaths = 0;

  async function start(): Promise<void> {
    const credentials = createCredentials({ kubeconfig });
    const transport = createTransport({ credentials, userAgent: 'bmp-operator', maxInFlight: 64, timeoutMs: 30_000 });
    const dead = new AbortController();
    const client = createClientOver(gate.through(transport, dead.signal));
    const provision = {
      host: '127.0.0.1',
      ...ports,
      ...(beside.bootFiles !== undefined && { bootFiles: beside.bootFiles }),
    };
    const operator = await startOperator(
      {
        client,
        log: NOTHING,
        namespace: OPERATOR_NAMESPACE,
        election: false,
        provision,
        pace: 'simulated',
        bmc: BMC,
        dhcp: beside.dhcp?.service(),
        ...(beside.imageCache !== undefined && { imageCache: { dir: beside.imageCache, maxBytes: CACHE_BYTES } }),
        clock,
      },
      dead.signal,
    );
    bootUrl = operator.bootUrl;
    ports = { port: Number(new URL(operator.url).port), bootPort: Number(new URL(bootUrl).port) };
    current = { dead, stopped: operator.stopped, client };
  }

  async function kill(): Promise<void> {
    if (!current) return;
    const { dead, stopped, client } = current;
    current = undefined;
    dead.abort(new Error('killed'));
    await stopped;
    await client.close();
  }

  return {
    get deaths() {
      return deaths;
    },
    bootUrl: () => bootUrl,
    start,
    async kill() {
      deaths++;
      await kill();
    },
    [Symbol.asyncDispose]: kill,
  };
}

/** What a dying operator says is of no interest. */
const NOTHING = { debug() {}, info() {}, warn() {}, error() {} };
