// Where the provisioning API and the Device controller meet: per device, the last that was received and what is to be
// answered. In memory only, and nothing is lost with it: machines repeat their whole state until they are answered, so a
// fresh process is refilled by their next reports, and the controller answers by what it finds in the Device's status.
//
// Levels, not events: the controller may say the same again at any time, and should at each reconcile. Of a device it has
// said nothing about yet, nobody is refused; they wait, and are told to come back.
import type { Orders, Report, SystemReport } from '../protocol.ts';
import {
  type NetworkBoot,
  type ProvisionBackend,
  type Refusal,
  type SessionKey,
  type SessionOpening,
  sameSession,
} from './backend.ts';
import type { DiscoveredMachine } from './discovery.ts';
import type { SessionClaims, SystemClaims } from './tokens.ts';

/** What has come in for a device and is for the controller to look at. Times in milliseconds since the epoch. */
export interface Received {
  /** An agent that waits to be admitted: grantSession or refuseSession. */
  readonly opening?: SessionOpening;
  /**
   * The agent's last report, and when it was last heard: while its request is held here, that is now, for then it is our turn to
   * speak, not the agent's. Compare `session` with the status before believing it (sameSession).
   */
  readonly report?: { readonly session: SessionClaims; readonly report: Report; readonly heardAt: number };
  /** An installed system that waits for its boot to be recorded: ackSystem or refuseSystem. */
  readonly system?: { readonly claims: SystemClaims; readonly report: SystemReport; readonly receivedAt: number };
}

export interface MailboxOptions {
  /** See ProvisionBackend.boot: answered from the devices themselves, not from here. */
  readonly boot: (macAddress: string) => NetworkBoot | Refusal | 'unknown' | undefined;
  readonly discovered?: (machine: DiscoveredMachine) => void;
  /** Called with a device's name when something came in that the controller should look at. Must only enqueue. */
  readonly onChange: (device: string) => void;
  readonly agentLog: (session: SessionClaims, text: string) => void;
  readonly now: () => number;
  /** How many devices are remembered; the longest untouched is dropped first (it refills). */
  readonly capacity?: number;
}

interface Box {
  opening?: SessionOpening;
  report?: { readonly session: SessionClaims; readonly report: Report; heardAt: number; isHeld: boolean };
  system?: NonNullable<Received['system']>;
  /** The only session that is valid now; `ended`: none is; undefined: the controller has not said. */
  session?: SessionKey | 'ended';
  expiresAt?: string;
  orders?: Orders;
  refusedNonce?: { readonly session: SessionKey; readonly reason: string };
  ackedBoot?: string;
  refusedBoot?: { readonly bootID: string; readonly reason: string };
  forgotten?: boolean;
  readonly wake: Set<() => void>;
}

const LATER: Refusal = { refuse: 'later', message: 'the operator has not recorded this yet' };
const GONE: Refusal = { refuse: 'invalid', message: 'the device is gone' };

export class Mailbox implements ProvisionBackend {
  readonly #boxes = new Map<string, Box>();
  readonly #options: MailboxOptions;
  readonly #capacity: number;

  constructor(options: MailboxOptions) {
    this.#options = options;
    this.#capacity = options.capacity ?? 100_000;
  }

  // The controller's side.

  get(device: string): Received {
    const box = this.#boxes.get(device);
    return {
      ...(box?.opening && { opening: box.opening }),
      ...(box?.report && { report: this.#heard(box.report) }),
      ...(box?.system && { system: box.system }),
    };
  }

  /** Admits one agent, and by that ends every other session of the device. Only after it stands in the status. */
  grantSession(device: string, session: SessionKey, expiresAt: string): void {
    this.#change(device, (box) => {
      this.#admit(box, session);
      box.expiresAt = expiresAt;
      if (box.opening && sameSession(box.opening, session)) delete box.opening;
    });
  }

  /** Refuses one agent for good: another machine, an earlier boot, a token that was used before. */
  refuseSession(device: string, session: SessionKey, reason: string): void {
    this.#change(device, (box) => {
      box.refusedNonce = { session, reason };
      if (box.opening && sameSession(box.opening, session)) delete box.opening;
    });
  }

  /** What the admitted agent shall be at; no other session is valid from now on. */
  setOrders(device: string, session: SessionKey, orders: Orders): void {
    this.#change(device, (box) => {
      this.#admit(box, session);
      box.orders = orders;
    });
  }

  /** No agent is admitted, by the status, as before each boot: those of earlier boots are answered 401. */
  endSession(device: string): void {
    this.#change(device, (box) => {
      box.session = 'ended';
      delete box.orders;
      delete box.report;
    });
  }

  /** The system's boot is in the status. */
  ackSystem(device: string, bootID: string): void {
    this.#change(device, (box) => {
      box.ackedBoot = bootID;
      if (box.system?.report.bootID === bootID) delete box.system;
    });
  }

  /** That system is not wanted (any more) on this device: it shall stop reporting. */
  refuseSystem(device: string, bootID: string, reason: string): void {
    this.#change(device, (box) => {
      box.refusedBoot = { bootID, reason };
      if (box.system?.report.bootID === bootID) delete box.system;
    });
  }

  /** The device does not exist (any more): whatever waits for it is refused. */
  forget(device: string): void {
    const box = this.#boxes.get(device);
    if (!box) return;
    this.#boxes.delete(device);
    box.forgotten = true;
    wakeAll(box);
  }

  // The API server's side.

  boot(macAddress: string): NetworkBoot | Refusal | 'unknown' | undefined {
    return this.#options.boot(macAddress);
  }

  discovered(machine: DiscoveredMachine): void {
    this.#options.discovered?.(machine);
  }

  agentLog(session: SessionClaims, text: string): void {
    this.#options.agentLog(session, text);
  }

  async openSession(opening: SessionOpening, signal: AbortSignal): Promise<{ readonly expiresAt: string } | Refusal> {
    const box = this.#box(opening.device);
    const answer = () => {
      if (box.forgotten) return GONE;
      if (box.refusedNonce && sameSession(box.refusedNonce.session, opening)) {
        return { refuse: 'invalid', message: box.refusedNonce.reason } as const;
      }
      const granted = box.session !== undefined && box.session !== 'ended' && sameSession(box.session, opening);
      return granted && box.expiresAt !== undefined ? { expiresAt: box.expiresAt } : undefined;
    };
    const known = answer();
    if (known) return known;
    // One waits at a time; the newest, because the machine that asked before may have been reset since.
    box.opening = opening;
    this.#options.onChange(opening.device);
    const settled = await until(box, answer, signal);
    if (box.opening === opening) delete box.opening;
    return settled ?? LATER;
  }

  async report(session: SessionClaims, report: Report, signal: AbortSignal): Promise<Orders | Refusal> {
    const box = this.#box(session.device);
    const ended = (): Refusal | undefined => {
      if (box.forgotten) return GONE;
      const over = box.session === 'ended' || (box.session !== undefined && !sameSession(box.session, session));
      return over ? { refuse: 'invalid', message: 'this session has ended' } : undefined;
    };
    const over = ended();
    if (over) return over;
    if (report.task && box.orders && report.task.id !== box.orders.task?.id) {
      return { refuse: 'stale', message: `task ${report.task.id} is not what is wanted` };
    }
    const news = !box.orders || JSON.stringify(box.report?.report) !== JSON.stringify(report);
    const received = { session, report, heardAt: this.#options.now(), isHeld: true };
    box.report = received;
    if (news) this.#options.onChange(session.device);
    const answer = (): Orders | Refusal | undefined => {
      const refusal = ended();
      if (refusal) return refusal;
      const answerNow = report.task?.state === 'running' || report.task?.id !== box.orders?.task?.id;
      return box.orders && answerNow ? box.orders : undefined;
    };
    const answered = await until(box, answer, signal);
    received.heardAt = this.#options.now();
    received.isHeld = false;
    return answered ?? box.orders ?? LATER;
  }

  async systemReport(system: SystemClaims, report: SystemReport, signal: AbortSignal): Promise<Refusal | undefined> {
    const box = this.#box(system.device);
    const answer = (): Refusal | 'recorded' | undefined => {
      if (box.forgotten) return GONE;
      if (box.refusedBoot?.bootID === report.bootID) return { refuse: 'invalid', message: box.refusedBoot.reason };
      return box.ackedBoot === report.bootID ? 'recorded' : undefined;
    };
    let settled = answer();
    if (settled === undefined) {
      box.system = { claims: system, report, receivedAt: this.#options.now() };
      this.#options.onChange(system.device);
      // It stays for the controller when the caller gives up: a boot is a fact, whoever still waits for the answer.
      settled = await until(box, answer, signal);
    }
    if (settled === 'recorded') return undefined;
    return settled ?? LATER;
  }

  #heard({ isHeld, heardAt, ...said }: NonNullable<Box['report']>): NonNullable<Received['report']> {
    return { ...said, heardAt: isHeld ? this.#options.now() : heardAt };
  }

  #box(device: string): Box {
    const box = this.#boxes.get(device) ?? { wake: new Set() };
    // Re-inserting keeps the map in the order of last use.
    this.#boxes.delete(device);
    this.#boxes.set(device, box);
    for (const [name, oldest] of this.#boxes) {
      if (this.#boxes.size <= this.#capacity) break;
      if (oldest !== box && oldest.wake.size === 0) this.#boxes.delete(name);
    }
    return box;
  }

  #change(device: string, change: (box: Box) => void): void {
    const box = this.#box(device);
    change(box);
    wakeAll(box);
  }

  #admit(box: Box, session: SessionKey): void {
    if (box.session !== undefined && box.session !== 'ended' && sameSession(box.session, session)) return;
    box.session = session;
    delete box.orders;
    delete box.expiresAt;
    if (box.report && !sameSession(box.report.session, session)) delete box.report;
  }
}

function wakeAll(box: Box): void {
  for (const wake of box.wake) wake();
}

/** Waits until the box gives an answer; undefined when the signal came first. */
function until<T>(box: Box, answer: () => T | undefined, signal: AbortSignal): Promise<T | undefined> {
  return new Promise((resolve) => {
    const settle = (value: T | undefined) => {
      box.wake.delete(check);
      signal.removeEventListener('abort', check);
      resolve(value);
    };
    const check = () => {
      const value = answer();
      if (value !== undefined || signal.aborted) settle(value);
    };
    box.wake.add(check);
    signal.addEventListener('abort', check);
    check();
  });
}
