// A machine's serial console over the BMC (IPMI 2.0 §15): bytes both ways, each packet acknowledged before the next.
import { Duplex } from 'node:stream';
import { setTimeout as pause } from 'node:timers/promises';
import { BmcError } from '../errors.ts';
import type { IpmiClient } from './client.ts';
import type { IpmiOptions } from './options.ts';
import type { Session } from './session.ts';
import { GET_DEVICE_ID } from './wire/device.ts';
import { NETFN } from './wire/message.ts';
import { PAYLOAD } from './wire/packet.ts';
import * as sol from './wire/sol.ts';

const HEADER = 4;
/** Bytes that nobody has read yet, beyond which the BMC is left to repeat itself. */
const MOST_UNREAD = 1 << 20;
const NEVER = new AbortController().signal;

/** Opens the console in a session of its own, which ends with it. Throws `busy` when somebody else has it. */
export async function openConsole(
  client: IpmiClient,
  address: string,
  options: Pick<IpmiOptions, 'schedule' | 'keepAliveMs'>,
  signal: AbortSignal,
): Promise<Duplex> {
  const data = sol.encodeActivateRequest(PAYLOAD.sol);
  const command = { netFn: NETFN.app, command: sol.PAYLOAD_COMMAND.activate, data };
  const response = await client.ask(command, signal);
  if (response.completion !== 0) {
    const error = client.commandError('console', response.completion);
    await client.close();
    if (response.completion !== sol.ALREADY_ACTIVE) throw error;
    throw new BmcError('busy', address, 'somebody else has the console', { cause: error });
  }
  const { mostBytes } = sol.decodeActivateResponse(response.data);
  return new SerialConsole(client, address, mostBytes - HEADER, options);
}

interface Acknowledgement {
  readonly accepted: number;
  readonly refused: boolean;
}

class SerialConsole extends Duplex {
  readonly #client: IpmiClient;
  readonly #session: Session;
  readonly #address: string;
  readonly #mostCharacters: number;
  readonly #schedule: readonly number[];
  readonly #watch: NodeJS.Timeout;
  #sequence = 0;
  #received = 0;
  #awaited: { sequence: number; settle: (acknowledgement: Acknowledgement | undefined) => void } | undefined;

  constructor(
    client: IpmiClient,
    address: string,
    mostCharacters: number,
    { schedule, keepAliveMs }: Pick<IpmiOptions, 'schedule' | 'keepAliveMs'>,
  ) {
    super();
    const session = client.session;
    if (!session) throw new BmcError('timeout', address, 'the session ended while the console was opened');
    this.#client = client;
    this.#session = session;
    this.#address = address;
    this.#mostCharacters = mostCharacters;
    this.#schedule = schedule;
    session.onSol = (payload) => this.#take(sol.decodeSol(payload));
    this.#watch = setInterval(() => void this.#check(), keepAliveMs);
  }

  override _read(): void {
    // Characters are pushed as they come.
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#deliver(chunk).then(
      () => done(),
      (error: unknown) => done(error as Error),
    );
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    clearInterval(this.#watch);
    this.#awaited?.settle(undefined);
    this.#hangUp().then(
      () => done(error),
      (failure: unknown) => done(error ?? (failure as Error)),
    );
  }

  async #hangUp(): Promise<void> {
    this.#session.onSol = undefined;
    if (this.#client.session === this.#session) {
      const data = sol.encodeDeactivateRequest(PAYLOAD.sol);
      const command = { netFn: NETFN.app, command: sol.PAYLOAD_COMMAND.deactivate, data };
      try {
        await this.#client.ask(command, NEVER);
      } catch (error) {
        // A BMC that no longer answers ends the console with the session, after 60 s.
        if (!(error instanceof BmcError)) throw error;
      }
    }
    await this.#client.close();
  }

  /** Nobody would notice the loss of a console on which nothing is typed. */
  async #check(): Promise<void> {
    try {
      await this.#client.ask({ netFn: NETFN.app, command: GET_DEVICE_ID, data: Buffer.alloc(0) }, NEVER);
      if (this.#client.session !== this.#session) this.destroy(this.#lost('the BMC has dropped the console'));
    } catch (error) {
      this.destroy(error as Error);
    }
  }

  async #deliver(chunk: Buffer): Promise<void> {
    for (let done = 0; done < chunk.length; ) {
      const part = chunk.subarray(done, done + this.#mostCharacters);
      const { accepted, refused } = await this.#send(part);
      done += refused ? Math.min(accepted, part.length) : part.length;
      if (refused) await pause(this.#schedule[0] ?? 0);
    }
  }

  /** Repeats one packet until it is acknowledged. */
  async #send(data: Buffer): Promise<Acknowledgement> {
    this.#sequence = sol.nextSolSequence(this.#sequence);
    const sequence = this.#sequence;
    for (const wait of this.#schedule) {
      if (this.destroyed) break;
      this.#transmit({ sequence, acknowledged: 0, accepted: 0, data });
      const acknowledgement = await this.#acknowledgement(sequence, wait);
      if (acknowledgement) return acknowledgement;
    }
    throw this.#lost('the console does not answer');
  }

  #acknowledgement(sequence: number, wait: number): Promise<Acknowledgement | undefined> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => this.#awaited?.settle(undefined), wait);
      const settle = (acknowledgement: Acknowledgement | undefined) => {
        clearTimeout(timer);
        this.#awaited = undefined;
        resolve(acknowledgement);
      };
      this.#awaited = { sequence, settle };
    });
  }

  #take(packet: sol.SolPacket): void {
    if (packet.acknowledged !== 0 && packet.acknowledged === this.#awaited?.sequence) {
      this.#awaited.settle({ accepted: packet.accepted, refused: packet.refused });
    }
    if (packet.deactivated) return void this.destroy(this.#lost('the BMC has taken the console away'));
    if (packet.sequence === 0 || this.readableLength > MOST_UNREAD) return;
    // A repeated packet says that our acknowledgement was lost: it is acknowledged again, and not read again.
    if (packet.sequence !== this.#received && packet.data.length > 0) this.push(packet.data);
    this.#received = packet.sequence;
    const accepted = packet.data.length;
    this.#transmit({ sequence: 0, acknowledged: packet.sequence, accepted, data: Buffer.alloc(0) });
  }

  #transmit(packet: Pick<sol.SolPacket, 'sequence' | 'acknowledged' | 'accepted' | 'data'>): void {
    const whole = { ...packet, refused: false, unavailable: false, deactivated: false };
    this.#session.send(PAYLOAD.sol, sol.encodeSol(whole), (error) => this.destroy(error));
  }

  #lost(text: string): BmcError {
    return new BmcError('timeout', this.#address, text);
  }
}
