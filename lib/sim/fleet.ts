// The simulated fleet: machines with their BMCs on the wire, and the image mirror that they install from.
import type { Log } from '../provision/api/log.ts';

export interface FleetOptions {
  readonly count: number;
  /** Where the fleet lives on, ports included; without it nothing outlives the process. */
  readonly dir?: string;
  /** The first machine's BMC port, the next ones follow; 0: any free ones. Default 6231. */
  readonly basePort?: number;
  /** Where machines boot from the network, as DHCP would tell them: the operator's `bootUrl`, undefined while it is down. */
  readonly bootUrl: () => string | undefined;
  readonly timings?: Partial<Timings>;
  /** Two fleets of one seed have the same machines. Default 1. */
  readonly seed?: number;
  readonly log: Log;
}

/** How long things take, in milliseconds. */
export interface Timings {
  /** From power-on to the choice of a boot source. */
  readonly post: number;
  /** From the boot script to the agent's start. */
  readonly liveBoot: number;
  /** From the disk's boot loader to a system that reports in. */
  readonly systemBoot: number;
  readonly systemShutdown: number;
  /** Between two tries of whatever the machine repeats: a report, a network boot that was not answered. */
  readonly retry: number;
  /** What writing takes per MiB, beside the work itself. */
  readonly writePerMiB: number;
  readonly wipePerDisk: number;
}

export interface JournalEntry {
  readonly machine: string;
  /** Milliseconds since the epoch. */
  readonly at: number;
  readonly what: 'power' | 'boot' | 'write-image' | 'write-seed' | 'set-password' | 'wipe';
  /** Serial number. */
  readonly disk?: string;
  readonly sha256?: string;
  readonly bytes?: number;
  /** The agent's task that did it; it begins with the operation's id. */
  readonly taskId?: string;
  /** power: On, Off. boot: network, disk, none. write-image: begun, complete. */
  readonly detail?: string;
}

export type Fault =
  /** The agent reports another serial number. */
  | { readonly kind: 'other-serial'; readonly serialNumber: string }
  /** The BMC accepts commands, the power stays as it is. */
  | { readonly kind: 'power-stuck' }
  /** The live OS comes up, its agent never speaks. */
  | { readonly kind: 'agent-silent' }
  /** The firmware hangs before it chooses a boot source. */
  | { readonly kind: 'boot-hangs' };

export interface FleetMachine {
  /** r1-01 … r1-08, r2-01 … */
  readonly name: string;
  readonly serialNumber: string;
  readonly bootMACAddress: string;
  /** What it does now: for people and for tests that wait; no controller sees it. */
  state():
    | 'off'
    | 'post'
    | 'network-boot'
    | 'live'
    | 'system-boot'
    | 'system'
    | 'shutting-down'
    | 'no-boot-device'
    | 'hung';
  /** Undefined heals it. Holds until then. */
  fault(fault: Fault | undefined): void;
}

/** A Kubernetes object as it would stand in a file. */
export type Manifest = Readonly<Record<string, unknown>> & {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string };
};

export interface SimulatedFleet {
  readonly machines: readonly FleetMachine[];
  machine(name: string): FleetMachine;
  /** ipmi://127.0.0.1:PORT */
  address(name: string): string;
  /** The images that the mirror serves. */
  readonly images: readonly {
    readonly name: string;
    readonly url: string;
    readonly sha256: string;
    readonly bytes: number;
  }[];
  imageUrl(name: string): string;
  /** Image, and per machine a Device and the Secret of its BMC: everything to import the fleet. */
  manifests(): readonly Manifest[];
  /** What happened to the machines, in order: what crash tests check. */
  record(): readonly JournalEntry[];
  close(): Promise<void>;
}

export type StartFleet = (options: FleetOptions) => Promise<SimulatedFleet>;
