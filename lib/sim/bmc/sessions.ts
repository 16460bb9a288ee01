// The sessions of a simulated BMC: set up by RAKP, few, and ended by silence (IPMI 2.0 §13.17 to §13.24, §6.12.15).
//
// An own state machine, written from the BMC's side of the specification: only message formats and key formulas are shared
// with the client.
import { randomBytes, timingSafeEqual } from 'node:crypto';
import { nextSequence, ReplayWindow } from '../../bmc/ipmi/replay.ts';
import { PRIVILEGE, type PrivilegeName } from '../../bmc/ipmi/wire/channel.ts';
import {
  CIPHER_SUITES,
  type CipherSuite,
  type CipherSuiteId,
  deriveKeys,
  type SessionKeys,
} from '../../bmc/ipmi/wire/cipher.ts';
import * as rakp from '../../bmc/ipmi/wire/rakp.ts';
import type { UserSlot, Users } from './users.ts';

/** Milliseconds without a packet after which a session, or one being set up, ends. */
const INACTIVITY = 60_000;
const PENDING_LIMIT = 16;

interface Pending {
  readonly bmcId: number;
  readonly consoleId: number;
  readonly suite: CipherSuite;
  readonly since: number;
  exchange?: rakp.Exchange;
  user?: UserSlot;
}

export interface SimulatedSession {
  readonly bmcId: number;
  readonly consoleId: number;
  readonly handle: number;
  readonly keys: SessionKeys;
  readonly user: UserSlot;
  readonly limit: number;
  readonly received: ReplayWindow;
  readonly rakp4: rakp.Rakp4;
  readonly exchange: rakp.Exchange;
  privilege: number;
  sequence: number;
  seenAt: number;
  /** Where its last packet came from. */
  from: { readonly address: string; readonly port: number } | undefined;
  /** The last request and its answer: the same request again gets the same answer, and is not carried out twice. */
  last?: { readonly request: Buffer; readonly response: Buffer };
}

export interface SessionRules {
  readonly users: Users;
  readonly suites: readonly CipherSuiteId[];
  readonly guid: Buffer;
  readonly bmcKey: Buffer | undefined;
  readonly limit: number;
  readonly now: () => number;
}

/** What faults change about logging in. */
export interface LogInFaults {
  readonly wrongCredentials: boolean;
  readonly sessionsExhausted: boolean;
}

export class Sessions {
  readonly #rules: SessionRules;
  readonly #pending = new Map<number, Pending>();
  readonly #active = new Map<number, SimulatedSession>();
  #handle = 0;

  constructor(rules: SessionRules) {
    this.#rules = rules;
  }

  get limit(): number {
    return this.#rules.limit;
  }

  /** Sessions open now, oldest first. */
  list(): SimulatedSession[] {
    this.#expire();
    return [...this.#active.values()];
  }

  find(bmcId: number): SimulatedSession | undefined {
    this.#expire();
    return this.#active.get(bmcId);
  }

  end(bmcId: number): boolean {
    return this.#active.delete(bmcId);
  }

  /** A reboot: nobody is remembered. */
  clear(): void {
    this.#active.clear();
    this.#pending.clear();
  }

  open(request: rakp.OpenSessionRequest, faults: LogInFaults): rakp.OpenSessionResponse {
    this.#expire();
    const { tag, consoleId, algorithms } = request;
    const answer = { tag, consoleId, privilege: request.privilege || PRIVILEGE.administrator, bmcId: 0, algorithms };
    const suite = this.#suite(algorithms);
    if (!suite) return { ...answer, status: rakp.RAKP_STATUS.noCipherSuiteMatch };
    if (faults.sessionsExhausted || this.#active.size >= this.#rules.limit) {
      return { ...answer, status: rakp.RAKP_STATUS.insufficientResources };
    }
    const bmcId = this.#slotFor(consoleId, suite);
    return { ...answer, status: rakp.RAKP_STATUS.ok, bmcId };
  }

  rakp1(message: rakp.Rakp1, faults: LogInFaults): rakp.Rakp2 | undefined {
    const pending = this.#pending.get(message.bmcId);
    if (!pending) return undefined;
    const { tag, role, username, consoleRandom } = message;
    const none = Buffer.alloc(0);
    const refuse = (status: number): rakp.Rakp2 => {
      this.#pending.delete(pending.bmcId);
      return { tag, status, consoleId: pending.consoleId, bmcRandom: none, bmcGuid: none, authCode: none };
    };
    if (username.length > 16) return refuse(rakp.RAKP_STATUS.invalidNameLength);
    const wanted = role & 0x0f;
    if (wanted < PRIVILEGE.callback || wanted > PRIVILEGE.oem) return refuse(rakp.RAKP_STATUS.invalidRole);
    const user = this.#rules.users.byName(username.toString('latin1'));
    if (!user) return refuse(rakp.RAKP_STATUS.unauthorizedName);
    if (wanted > limitOf(user.privilege)) return refuse(rakp.RAKP_STATUS.unauthorizedRole);
    // The same message again must get the same nonce, else the two sides would go on with different ones.
    const bmcRandom = pending.exchange?.consoleRandom.equals(consoleRandom)
      ? pending.exchange.bmcRandom
      : randomBytes(16);
    const { suite, bmcId, consoleId } = pending;
    const { guid: bmcGuid } = this.#rules;
    const exchange = { suite, consoleId, bmcId, consoleRandom, bmcRandom, bmcGuid, role, username };
    pending.exchange = exchange;
    pending.user = user;
    const password = faults.wrongCredentials ? randomBytes(20) : user.password;
    const authCode = rakp.rakp2Code(exchange, password);
    return { tag, status: rakp.RAKP_STATUS.ok, consoleId, bmcRandom, bmcGuid, authCode };
  }

  rakp3(message: rakp.Rakp3): rakp.Rakp4 | undefined {
    const open = this.#active.get(message.bmcId);
    if (open) return this.#repeated(open, message);
    const pending = this.#pending.get(message.bmcId);
    const { exchange, user } = pending ?? {};
    if (!pending || !exchange || !user) return undefined;
    this.#pending.delete(pending.bmcId);
    if (message.status !== rakp.RAKP_STATUS.ok) return undefined; // the console gave up
    const answer = { tag: message.tag, consoleId: pending.consoleId, authCode: Buffer.alloc(0) };
    if (!equal(rakp.rakp3Code(exchange, user.password), message.authCode)) {
      return { ...answer, status: rakp.RAKP_STATUS.invalidIntegrityCheck };
    }
    if (this.#active.size >= this.#rules.limit) return { ...answer, status: rakp.RAKP_STATUS.insufficientResources };
    return this.#activate(exchange, user, message.tag).rakp4;
  }

  #activate(exchange: rakp.Exchange, user: UserSlot, tag: number): SimulatedSession {
    const key = rakp.sessionIntegrityKey(exchange, this.#rules.bmcKey ?? user.password);
    const authCode = rakp.rakp4Code(exchange, key);
    const { bmcId, consoleId, suite } = exchange;
    this.#handle = (this.#handle % 0xff) + 1;
    const session: SimulatedSession = {
      bmcId,
      consoleId,
      handle: this.#handle,
      keys: deriveKeys(suite, key),
      user,
      limit: Math.min(exchange.role & 0x0f, limitOf(user.privilege)),
      received: new ReplayWindow(),
      rakp4: { tag, status: rakp.RAKP_STATUS.ok, consoleId, authCode },
      exchange,
      privilege: PRIVILEGE.user,
      sequence: 0,
      seenAt: this.#rules.now(),
      from: undefined,
    };
    this.#active.set(bmcId, session);
    return session;
  }

  /** RAKP 4 was lost, and the console asks again. */
  #repeated(session: SimulatedSession, message: rakp.Rakp3): rakp.Rakp4 | undefined {
    const genuine = equal(rakp.rakp3Code(session.exchange, session.user.password), message.authCode);
    return genuine && message.status === rakp.RAKP_STATUS.ok ? { ...session.rakp4, tag: message.tag } : undefined;
  }

  /** A console that repeats its request gets the slot that it has. */
  #slotFor(consoleId: number, suite: CipherSuite): number {
    for (const pending of this.#pending.values()) {
      if (pending.consoleId === consoleId && pending.suite === suite && !pending.exchange) return pending.bmcId;
    }
    if (this.#pending.size >= PENDING_LIMIT) this.#pending.delete(this.#pending.keys().next().value!);
    const bmcId = this.#freeId();
    this.#pending.set(bmcId, { bmcId, consoleId, suite, since: this.#rules.now() });
    return bmcId;
  }

  #suite(wanted: rakp.ProposedAlgorithms): CipherSuite | undefined {
    return this.#rules.suites
      .map((id) => CIPHER_SUITES[id])
      .find(
        (suite) =>
          suite.authentication === wanted.authentication &&
          suite.integrity === wanted.integrity &&
          suite.confidentiality === wanted.confidentiality,
      );
  }

  #freeId(): number {
    for (;;) {
      const id = randomBytes(4).readUInt32LE();
      if (id !== 0 && !this.#pending.has(id) && !this.#active.has(id)) return id;
    }
  }

  #expire(): void {
    const oldest = this.#rules.now() - INACTIVITY;
    for (const { bmcId, seenAt } of this.#active.values()) if (seenAt < oldest) this.#active.delete(bmcId);
    for (const { bmcId, since } of this.#pending.values()) if (since < oldest) this.#pending.delete(bmcId);
  }
}

/** The session's next outbound number. */
export function advance(session: SimulatedSession): number {
  session.sequence = nextSequence(session.sequence);
  return session.sequence;
}

export function limitOf(privilege: PrivilegeName): number {
  return privilege === 'none' ? 0 : PRIVILEGE[privilege];
}

function equal(expected: Buffer, received: Buffer): boolean {
  return expected.length === received.length && timingSafeEqual(expected, received);
}
