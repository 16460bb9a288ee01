// A BMC over IPMI: sends commands, and sees to it that there is a session to send them in.
//
// Opens a session when one is needed, keeps it alive while it is used, opens another when the BMC has dropped it (a BMC that
// rebooted simply says nothing), and closes it when idle: BMCs have few slots.
import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import type { Credentials } from '../driver.ts';
import { BmcError } from '../errors.ts';
import { Turns } from '../turns.ts';
import { NoReply, type Schedule } from './exchange.ts';
import { type Account, Astray, discover, handshake, type LogIn } from './login.ts';
import { DEFAULT_IPMI_OPTIONS, type IpmiOptions, withDefaults } from './options.ts';
import { type Command, Session } from './session.ts';
import type { Peer, Transport } from './transport.ts';
import { WireError } from './wire/bytes.ts';
import { APP, PRIVILEGE } from './wire/channel.ts';
import type { CipherSuite } from './wire/cipher.ts';
import { COMPLETION, completionText } from './wire/completion.ts';
import { GET_DEVICE_ID } from './wire/device.ts';
import { NETFN, type Response } from './wire/message.ts';

export interface IpmiTarget {
  /** For errors: the address as it was given. */
  readonly address: string;
  readonly host: string;
  readonly port: number;
  readonly credentials: Credentials;
}

const KEEP_ALIVE: Command = { netFn: NETFN.app, command: GET_DEVICE_ID, data: Buffer.alloc(0) };
const NEVER = new AbortController().signal;

/** At most 16 bytes of user name (§13.20) and 20 of password and key (§13.31). */
function account(address: string, credentials: Credentials): Account {
  const { username, password, bmcKey } = credentials;
  const bytes = (text: string, most: number, what: string) => {
    const encoded = Buffer.from(text, 'utf8');
    if (encoded.length > most) throw new BmcError('credentials', address, `the ${what} is longer than ${most} bytes`);
    return encoded;
  };
  const key = bmcKey && /^0x([0-9a-f]{2}){1,20}$/i.test(bmcKey) ? Buffer.from(bmcKey.slice(2), 'hex') : undefined;
  return {
    username: bytes(username, 16, 'user name'),
    password: bytes(password, 20, 'password'),
    bmcKey: key ?? (bmcKey ? bytes(bmcKey, 20, 'key of the BMC') : undefined),
  };
}

export class IpmiClient {
  readonly #target: IpmiTarget;
  readonly #options: IpmiOptions;
  readonly #transport: Transport;
  readonly #turns = new Turns();
  #session: Session | undefined;
  #suite: CipherSuite | undefined; // what the last log-in used: the next one asks no more
  #answeredAt = 0;
  #usedAt = 0;
  #timer: NodeJS.Timeout | undefined;

  /** Throws `credentials` for names and passwords that IPMI cannot carry. */
  constructor(target: IpmiTarget, transport: Transport, options: Partial<IpmiOptions> = DEFAULT_IPMI_OPTIONS) {
    this.#target = target;
    this.#options = withDefaults(options);
    this.#transport = transport;
    account(target.address, target.credentials); // made anew for each log-in: nothing is kept of it in between
  }

  /** The session that is open now. */
  get session(): Session | undefined {
    return this.#session;
  }

  /** A response's data. Completion codes other than 0 are BmcErrors that name `what` was asked, as by commandError(). */
  async request(what: string, command: Command, signal: AbortSignal): Promise<Buffer> {
    const response = await this.ask(command, signal);
    if (response.completion !== COMPLETION.ok) throw this.commandError(what, response.completion);
    return response.data;
  }

  /** A response with its completion code, once the BMC is no longer busy. One at a time: others wait for their turn. */
  ask(command: Command, signal: AbortSignal): Promise<Response> {
    return this.#inTurn(signal, () => this.#surely(command, signal));
  }

  /**
   * The same for a command that must not be carried out twice: one datagram, in a session that has just answered. Silence is
   * `timeout`, and then nobody knows whether the command was carried out.
   */
  askOnce(command: Command, signal: AbortSignal): Promise<Response> {
    return this.#inTurn(signal, async () => {
      await this.#surely(KEEP_ALIVE, signal);
      const patience = this.#options.schedule.reduce((sum, wait) => sum + wait, 0);
      return this.#exchange(this.#session!, command, [patience], signal);
    });
  }

  commandError(what: string, completion: number): BmcError {
    const text = `${what}: ${completionText(completion)}`;
    switch (completion) {
      case COMPLETION.invalidCommand:
      case COMPLETION.invalidForLun:
      case COMPLETION.notInThisState:
      case COMPLETION.subFunctionDisabled:
      case COMPLETION.outOfRange:
      case COMPLETION.invalidField:
        return new BmcError('unsupported', this.#target.address, text);
      case COMPLETION.insufficientPrivilege:
        return new BmcError('privilege', this.#target.address, text);
      case COMPLETION.nodeBusy:
      case COMPLETION.outOfSpace:
      case COMPLETION.initializing:
      case COMPLETION.firmwareUpdating:
        return new BmcError('busy', this.#target.address, text);
      case COMPLETION.timeout:
      case COMPLETION.noResponse:
        return new BmcError('timeout', this.#target.address, text);
      default:
        return new BmcError('protocol', this.#target.address, text);
    }
  }

  /** Closes the session, if one is open. Whether the BMC hears of it or not, the client is done with it. */
  async close(): Promise<void> {
    await this.#turns.run(NEVER, async () => {
      if (this.#session) await this.#end(this.#session);
    });
  }

  async #inTurn(signal: AbortSignal, send: () => Promise<Response>): Promise<Response> {
    try {
      return await this.#turns.run(signal, async () => {
        this.#usedAt = this.#options.now();
        return this.#patiently(send, signal);
      });
    } catch (error) {
      throw this.#told(error, signal);
    }
  }

  /** A BMC that is busy has not carried out the command: it may be sent again. */
  async #patiently(send: () => Promise<Response>, signal: AbortSignal): Promise<Response> {
    for (const wait of this.#options.busyPauses) {
      const response = await send();
      if (response.completion !== COMPLETION.nodeBusy) return response;
      await pause(wait, undefined, { signal });
    }
    return send();
  }

  /** In the session there is, and once more in a new one when that turns out to be gone. */
  async #surely(command: Command, signal: AbortSignal): Promise<Response> {
    if (this.#session && this.#options.now() - this.#answeredAt < this.#options.sessionTimeoutMs) {
      try {
        return await this.#exchange(this.#session, command, this.#options.schedule, signal);
      } catch (error) {
        if (!(error instanceof NoReply)) throw error;
      }
    }
    this.#drop();
    const session = await this.#open(signal);
    return this.#exchange(session, command, this.#options.schedule, signal);
  }

  async #exchange(session: Session, command: Command, schedule: Schedule, signal: AbortSignal): Promise<Response> {
    const response = await session.request(command, schedule, signal);
    this.#answeredAt = this.#options.now();
    return response;
  }

  async #open(signal: AbortSignal): Promise<Session> {
    const peer = await this.#resolve(signal);
    for (let attempt = 1; ; attempt++) {
      try {
        const session = await this.#attempt(peer, signal);
        await this.#raisePrivilege(session, signal);
        this.#session = session;
        this.#keepAlive();
        return session;
      } catch (error) {
        if (!(error instanceof Astray)) throw error;
        if (attempt === this.#options.logInAttempts) {
          throw new BmcError('protocol', this.#target.address, error.message, { cause: error });
        }
      }
    }
  }

  /** One log-in: with the suite that is known to work, else with each that the BMC may know. */
  async #attempt(peer: Peer, signal: AbortSignal): Promise<Session> {
    const { address, credentials } = this.#target;
    const transport = this.#transport;
    const logIn: LogIn = { transport, options: this.#options, address, account: account(address, credentials) };
    const endpoint = transport.open(peer);
    try {
      const suites = this.#suite ? [this.#suite] : await discover(logIn, endpoint, signal);
      for (const suite of suites) {
        const established = await handshake(logIn, endpoint, suite, signal);
        if (!established) continue;
        this.#suite = suite;
        this.#answeredAt = this.#options.now();
        return new Session(transport, endpoint, established);
      }
      const remembered = this.#suite !== undefined;
      this.#suite = undefined;
      if (remembered) throw new Astray('the BMC no longer accepts the cipher suite that it accepted before');
      const tried = suites.map(({ id }) => id).join(' or ');
      throw new BmcError('unsupported', address, `the BMC accepts no cipher suite ${tried}`);
    } catch (error) {
      if (endpoint.heard) this.#answeredAt = this.#options.now();
      transport.release(endpoint);
      throw error;
    }
  }

  /** Sessions begin at user level (§22.18). One that cannot be raised is closed. */
  async #raisePrivilege(session: Session, signal: AbortSignal): Promise<void> {
    const data = Buffer.of(PRIVILEGE.administrator);
    const command = { netFn: NETFN.app, command: APP.setSessionPrivilege, data };
    try {
      const { completion } = await this.#exchange(session, command, this.#options.schedule, signal);
      if (completion === COMPLETION.ok) return;
      // 80h: not available to this user; 81h: beyond the channel's or the user's limit.
      const refused = completion === 0x80 || completion === 0x81 || completion === COMPLETION.insufficientPrivilege;
      const text = `administrator rights: ${completionText(completion)}`;
      throw new BmcError(refused ? 'privilege' : 'protocol', this.#target.address, text);
    } catch (error) {
      await this.#end(session);
      throw error;
    }
  }

  async #resolve(signal: AbortSignal): Promise<Peer> {
    const { host, port, address } = this.#target;
    if (isIP(host) !== 0) return { host, port };
    try {
      const found = await lookup(host);
      signal.throwIfAborted();
      return { host: found.address, port };
    } catch (error) {
      signal.throwIfAborted();
      throw new BmcError('unreachable', address, 'the name cannot be resolved', { cause: error });
    }
  }

  /** Looks after the session until it is dropped. */
  #keepAlive(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#tend(), this.#options.keepAliveMs);
    this.#timer.unref();
  }

  async #tend(): Promise<void> {
    if (this.#turns.busy) return this.#keepAlive();
    await this.#turns.run(NEVER, async () => {
      const session = this.#session;
      if (!session) return;
      const { now, idleMs, keepAliveMs } = this.#options;
      if (now() - this.#usedAt >= idleMs) {
        await this.#end(session);
      } else if (now() - this.#answeredAt < keepAliveMs || (await this.#isAlive(session))) {
        this.#keepAlive();
      } else {
        this.#drop();
      }
    });
  }

  async #isAlive(session: Session): Promise<boolean> {
    try {
      await this.#exchange(session, KEEP_ALIVE, this.#options.schedule, NEVER);
      return true;
    } catch {
      // Silence or a network error: whoever asks next opens another session, or learns why that is not possible.
      return false;
    }
  }

  async #end(session: Session): Promise<void> {
    const data = Buffer.alloc(4);
    data.writeUInt32LE(session.bmcId);
    const command = { netFn: NETFN.app, command: APP.closeSession, data };
    try {
      await session.request(command, this.#options.closeSchedule, NEVER);
    } catch (error) {
      // Lost on the way, or refused by the network: the BMC frees the slot itself after 60 s.
      if (!(error instanceof NoReply) && !isNetworkError(error)) throw error;
    } finally {
      this.#transport.release(session.endpoint);
      this.#drop();
    }
  }

  #drop(): void {
    clearTimeout(this.#timer);
    if (this.#session) this.#transport.release(this.#session.endpoint);
    this.#session = undefined;
  }

  /** What the caller is to see: BmcErrors, his own abort, and nothing that this class understands in another form. */
  #told(error: unknown, signal: AbortSignal): unknown {
    const { address } = this.#target;
    if (signal.aborted && !(error instanceof BmcError)) {
      const reason: unknown = signal.reason;
      return reason instanceof Error && reason.name === 'TimeoutError'
        ? this.#silent('no answer in time', reason)
        : reason;
    }
    if (error instanceof NoReply) return this.#silent('does not answer', error);
    if (error instanceof WireError) return new BmcError('protocol', address, error.message, { cause: error });
    if (isNetworkError(error))
      return new BmcError('unreachable', address, 'nothing can be sent there', { cause: error });
    return error;
  }

  /** `timeout` for a BMC that answered while this operation ran, else `unreachable`. */
  #silent(text: string, cause: Error): BmcError {
    const answered = this.#answeredAt >= this.#usedAt && this.#answeredAt > 0;
    return new BmcError(answered ? 'timeout' : 'unreachable', this.#target.address, text, { cause });
  }
}

/** What the operating system says of a datagram that it would not send. */
function isNetworkError(error: unknown): boolean {
  return error instanceof Error && 'syscall' in error;
}
