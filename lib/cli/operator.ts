// The operator as the CLI starts it. The CLI is handed it by the composition root: lib never imports controllers.
import type { OpenOptions } from '../bmc/open.ts';
import type { DhcpService } from '../boot/dhcp/service.ts';
import type { KubeClient } from '../kube/client.ts';
import type { Log } from '../observe/log.ts';
import type { Metrics } from '../observe/metrics.ts';
import type { Clock } from '../runtime/clock.ts';

export interface OperatorOptions {
  readonly client: KubeClient;
  readonly log: Log;
  /** Where the operator keeps its Secrets and its Lease, and where those of the BMCs are. */
  readonly namespace: string;
  /** Elects a leader among replicas; without it this process leads. */
  readonly election: boolean;
  /** Where the provisioning API listens, and how machines reach it where that is not the same. Ports 0: any free ones. */
  readonly provision: {
    readonly host: string;
    readonly port: number;
    readonly bootPort: number;
    readonly advertise?: { readonly url?: string; readonly bootUrl?: string };
    /** Folder of the live OS; simulated machines need none. */
    readonly bootFiles?: string;
  };
  /** Keeps images near the machines, in a folder of its own; without it machines fetch them from their origins. */
  readonly imageCache?: { readonly dir: string; readonly maxBytes: number } | undefined;
  /** The operator's own DHCP server, for Sites whose networks say that machines boot from there. */
  readonly dhcp?: DhcpService | undefined;
  /** The Service that shall lead machines to this process while it leads, and the IP address that it has. */
  readonly service?: { readonly name: string; readonly address: string } | undefined;
  /** What is measured, and where it is told; see ObservingOptions for the ports. */
  readonly observe?: {
    readonly host: string;
    readonly healthPort?: number | undefined;
    readonly metricsPort?: number | undefined;
    readonly metrics: Metrics;
  };
  /** How soon things are looked at again: `hardware` as real machines need it, `simulated` for machines without inertia. */
  readonly pace: 'hardware' | 'simulated';
  /** File of the scheduler's configuration; default what comes with it. */
  readonly schedulerConfig?: string | undefined;
  /** Machines that somebody else runs: `core` for the cluster's nodes or the URL of a node API, as Hosts of a namespace. */
  readonly nodes?: { readonly source: string; readonly namespace: string } | undefined;
  /** How BMCs are talked to; default as networks and BMCs need it. */
  readonly bmc?: OpenOptions | undefined;
  /** Is told of each operation that has ended or stopped: one JSON object a line makes an audit log. */
  readonly audit?: (record: object) => void;
  /** What it waits and measures by; default the system's. */
  readonly clock?: Clock;
}

export interface Operator {
  /** https://…: where agents and installed systems report. */
  readonly url: string;
  /** http://…: where machines boot from the network. */
  readonly bootUrl: string;
  /** The ports of health and metrics. */
  readonly observed?: { readonly healthPort?: number | undefined; readonly metricsPort?: number | undefined };
  /** Resolves when it has stopped; rejects when it had to. */
  readonly stopped: Promise<void>;
}

/** Starts the operator; it runs until the signal aborts. */
export type StartOperator = (options: OperatorOptions, signal: AbortSignal) => Promise<Operator>;
