// What the provisioning API asks of the Device controller, and nothing else: the server knows HTTP and tokens, the backend
// knows devices. Every answer follows what stands in a Device's status; the in-memory side of it is Mailbox.
import type { DiskFacts, MachineIdentity, Orders, Report, SystemReport } from '../protocol.ts';
import type { DiscoveredMachine } from './discovery.ts';
import type { BootClaims, SessionClaims, SystemClaims } from './tokens.ts';

/** A network boot that a device's operation waits for now. */
export interface NetworkBoot extends BootClaims {
  readonly kernelUrl: string;
  readonly initrdUrl: string;
  /** Further kernel arguments, such as console=ttyS0. */
  readonly kernelArguments?: readonly string[];
  /** What the live OS has instead of asking DHCP. */
  readonly network?: { readonly address: string; readonly gateway?: string | undefined } | undefined;
}

/** One session of one agent. Two with the same key are the same agent asking again. */
export type SessionKey = Pick<SessionClaims, 'deviceUID' | 'operationId' | 'boot' | 'nonceHash'>;

/** An agent that holds a good boot token and asks to be admitted. The controller compares the rest. */
export interface SessionOpening extends BootClaims {
  readonly nonceHash: string;
  readonly agentVersion: string;
  readonly identity: MachineIdentity;
  readonly disks: readonly DiskFacts[];
}

/** `invalid` is 401 (stop, do not retry), `stale` 409 (drop that task), `later` 503 (come back). */
export interface Refusal {
  readonly refuse: 'invalid' | 'stale' | 'later';
  readonly message: string;
}

export interface ProvisionBackend {
  /**
   * The boot that the device with this MAC (lower case, colons) waits for; undefined: none, it shall boot from its disk;
   * a refusal: not known yet, so that a machine is not sent to its disk by an operator that has only just started.
   * `unknown`: there is no such device.
   */
  boot(macAddress: string): NetworkBoot | Refusal | 'unknown' | undefined;
  /** A machine that is no device said what it is: untrusted, and from anybody. */
  discovered?(machine: DiscoveredMachine): void;
  /** Resolves once the session is in the Device's status, or it was refused. */
  openSession(opening: SessionOpening, signal: AbortSignal): Promise<{ readonly expiresAt: string } | Refusal>;
  /** Takes a report and resolves with the orders: at once when they are news to the agent, else held until `signal`. */
  report(session: SessionClaims, report: Report, signal: AbortSignal): Promise<Orders | Refusal>;
  /** Resolves with undefined once the report is in the Device's status. */
  systemReport(system: SystemClaims, report: SystemReport, signal: AbortSignal): Promise<Refusal | undefined>;
  /** The log of an agent that failed: untrusted text, at most 1 MiB. */
  agentLog(session: SessionClaims, text: string): void;
}

export function isRefusal(answer: object | undefined): answer is Refusal {
  return answer !== undefined && 'refuse' in answer;
}

export function sameSession(a: SessionKey, b: SessionKey): boolean {
  return (
    a.deviceUID === b.deviceUID && a.operationId === b.operationId && a.boot === b.boot && a.nonceHash === b.nonceHash
  );
}
