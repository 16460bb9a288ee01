// The product's operator as a process of its own, with time that runs faster, and one that tells of its insides when asked.
//
//   node --expose-gc controllers/e2e/hostile/replica.ts OPTIONS      (JSON: ReplicaOptions; started by operator-process.ts)
//
// Ends with 0 when it was told to stop, and with 3 when it had to, as after a lost lease.
import { OPERATOR_NAMESPACE } from '../../../lib/api/names.ts';
import { createClientOver } from '../../../lib/kube/client.ts';
import { createCredentials } from '../../../lib/kube/credentials.ts';
import { createTransport } from '../../../lib/kube/transport.ts';
import { createLogger, type LogLevel } from '../../../lib/observe/logger.ts';
import { createMetrics, type Metrics } from '../../../lib/observe/metrics.ts';
import { startOperator } from '../../operator.ts';
import { hastyClock, hastyTransport } from './haste.ts';

export interface ReplicaOptions {
  readonly kubeconfig: string;
  readonly speed: number;
  /** See hastyClock. */
  readonly epoch: number;
  /** Where it listens; ports 0: any free ones. */
  readonly host: string;
  readonly port: number;
  readonly bootPort: number;
  /** How machines reach it where that is not the same. */
  readonly advertise?: { readonly url: string; readonly bootUrl: string };
  readonly logLevel: LogLevel;
}

/** What a process shows that grows where something leaks, or stays where something is stuck. */
export interface Vitals {
  readonly isLeader: boolean;
  /** Since it began. */
  readonly ageMs: number;
  /** After a garbage collection, in MiB. */
  readonly heapMB: number;
  readonly rssMB: number;
  /** Open TCP and UDP sockets. */
  readonly sockets: number;
  readonly timers: number;
  /** Keys of all controllers: ready, under way, past their deadline; and tries after failures since it began. */
  readonly queues: {
    readonly depth: number;
    readonly underWay: number;
    readonly overdue: number;
    readonly retries: number;
  };
}

export type ReplicaMessage =
  | { readonly type: 'started'; readonly url: string; readonly bootUrl: string }
  | { readonly type: 'vitals'; readonly vitals: Vitals };
/** What it is asked for. */
export type ReplicaRequest = 'vitals' | 'stop';

const CALL_MS = 30_000;
const MIB = 2 ** 20;

async function vitalsOf({ registry }: Metrics): Promise<Vitals> {
  const families = await registry.getMetricsAsJSON();
  const sum = (name: string) =>
    (families.find((family) => family.name === name)?.values ?? []).reduce((total, { value }) => total + value, 0);
  globalThis.gc!();
  const { heapUsed, rss } = process.memoryUsage();
  const resources = process.getActiveResourcesInfo();
  const count = (type: RegExp) => resources.filter((resource) => type.test(resource)).length;
  return {
    isLeader: sum('leader_election_master_status') > 0,
    ageMs: performance.now(),
    heapMB: heapUsed / MIB,
    rssMB: rss / MIB,
    sockets: count(/^(TCP|TLS|UDP)/),
    timers: count(/^Timeout$/),
    queues: {
      depth: sum('workqueue_depth'),
      underWay: sum('controller_runtime_active_workers'),
      overdue: sum('controller_runtime_overdue_reconciles'),
      retries: sum('workqueue_retries_total'),
    },
  };
}

const tell = (message: ReplicaMessage) => process.send!(message);

async function main({ kubeconfig, speed, epoch, logLevel, ...provision }: ReplicaOptions): Promise<number> {
  const stop = new AbortController();
  const metrics = createMetrics();
  const log = createLogger({ level: logLevel });
  process.on('message', (request: ReplicaRequest) => {
    if (request === 'stop') stop.abort(new Error('told to stop'));
    else
      vitalsOf(metrics).then(
        (vitals) => tell({ type: 'vitals', vitals }),
        (error: unknown) => log.error({ err: error }, 'no vitals'),
      );
  });
  // Whoever started it is gone: nobody would end it.
  process.on('disconnect', () => stop.abort(new Error('left alone')));
  const transport = createTransport({
    credentials: createCredentials({ kubeconfig }),
    userAgent: 'bmp-operator',
    maxInFlight: 64,
    timeoutMs: CALL_MS / speed,
    observer: metrics.runtime.calls,
  });
  const client = createClientOver(hastyTransport(transport, speed));
  try {
    const operator = await startOperator(
      {
        client,
        log,
        namespace: OPERATOR_NAMESPACE,
        election: true,
        provision,
        observe: { host: provision.host, metrics },
        pace: 'hardware',
        clock: hastyClock(speed, epoch),
      },
      stop.signal,
    );
    tell({ type: 'started', url: operator.url, bootUrl: operator.bootUrl });
    await operator.stopped;
    return 0;
  } catch (error) {
    log.warn({ err: error }, 'the replica ends');
    return 3;
  } finally {
    await client.close();
    process.removeAllListeners('disconnect');
    if (process.connected) process.disconnect();
  }
}

process.exitCode = await main(JSON.parse(process.argv[2]!) as ReplicaOptions);
