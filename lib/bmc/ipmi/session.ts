// An open session: numbered, signed and encrypted commands, one at a time.
import { exchange, type Schedule } from './exchange.ts';
import type { Established } from './login.ts';
import { nextSequence, ReplayWindow } from './replay.ts';
import type { Endpoint, Transport } from './transport.ts';
import { WireError } from './wire/bytes.ts';
import { decodeResponse, encodeRequest, type Response } from './wire/message.ts';
import { PAYLOAD, type Packet, seal, unseal } from './wire/packet.ts';

export interface Command {
  readonly netFn: number;
  readonly command: number;
  readonly data: Buffer;
  /** The logical unit behind the BMC that is asked; 0 unless a sensor record names another. */
  readonly lun?: number;
}

export class Session {
  readonly endpoint: Endpoint;
  readonly bmcId: number;
  readonly #transport: Transport;
  readonly #keys: Established['keys'];
  readonly #received = new ReplayWindow();
  /** Takes the payloads of serial over LAN. */
  onSol: ((payload: Buffer) => void) | undefined;
  #sequence = 0;
  #message = 0;

  constructor(transport: Transport, endpoint: Endpoint, established: Established) {
    this.#transport = transport;
    this.endpoint = endpoint;
    this.bmcId = established.bmcId;
    this.#keys = established.keys;
    endpoint.receive = (packet) => void this.#open(packet); // between requests, too, numbers are followed
  }

  get suite(): Established['keys']['suite'] {
    return this.#keys.suite;
  }

  /** The response, whatever its completion code. Rejects as exchange() does. */
  request(command: Command, schedule: Schedule, signal: AbortSignal): Promise<Response> {
    // A repeated datagram keeps the message's number, by which the BMC may know it, and gets a session number of its own.
    this.#message = (this.#message + 1) & 0x3f;
    const message = this.#message;
    const payload = encodeRequest({ ...command, sequence: message });
    const question = {
      datagram: () => this.#seal(PAYLOAD.ipmi, payload),
      schedule,
      answer: (packet: Packet) => this.#answer(packet, command, message),
    };
    return exchange(this.#transport, this.endpoint, question, signal);
  }

  /** Sends one packet of another payload type, unanswered as far as this class knows. */
  send(payloadType: number, payload: Buffer, refused: (error: Error) => void): void {
    this.#transport.send(this.endpoint.peer, this.#seal(payloadType, payload), refused);
  }

  #seal(payloadType: number, payload: Buffer): Buffer {
    this.#sequence = nextSequence(this.#sequence);
    return seal(this.#keys, { payloadType, sessionId: this.bmcId, sequence: this.#sequence, payload });
  }

  /** Takes every packet that comes: console characters go where they belong, a response is given back. */
  #open(packet: Packet): Response | undefined {
    if (packet.framing !== '2.0' || packet.sessionId !== this.endpoint.id) return undefined;
    const payload = unseal(this.#keys, packet);
    if (!this.#received.accept(packet.sequence)) throw new WireError('replayed, or far out of order');
    if (packet.payloadType === PAYLOAD.sol) this.onSol?.(payload);
    return packet.payloadType === PAYLOAD.ipmi ? decodeResponse(payload) : undefined;
  }

  #answer(packet: Packet, command: Command, message: number): Response | undefined {
    const response = this.#open(packet);
    const ours =
      response?.netFn === command.netFn + 1 && response.command === command.command && response.sequence === message;
    return ours ? response : undefined;
  }
}
