// Serial over LAN from the BMC's side (IPMI 2.0 §15): the machine's characters to one console, and back.
import { nextSolSequence, type SolPacket } from '../../bmc/ipmi/wire/sol.ts';
import type { SerialPort } from './chassis.ts';
import type { SimulatedSession } from './sessions.ts';

export const MOST_PAYLOAD = 128;
const HEADER = 4;
/** What the slot needs of its BMC. */
export interface ConsoleWire {
  readonly send: (session: SimulatedSession, packet: SolPacket) => void;
  readonly isOpen: (session: SimulatedSession) => boolean;
  readonly udpPort: () => number;
}

/** A BMC has one console, and one session at a time may hold it, as long as that is open. */
export class ConsoleSlot {
  readonly #wire: ConsoleWire;
  #held: { readonly session: SimulatedSession; readonly connection: SerialConnection } | undefined;

  constructor(wire: ConsoleWire) {
    this.#wire = wire;
  }

  get free(): boolean {
    if (this.#held && !this.#wire.isOpen(this.#held.session)) this.deactivate();
    return this.#held === undefined;
  }

  udpPort(): number {
    return this.#wire.udpPort();
  }

  activate(port: SerialPort, session: SimulatedSession): void {
    const connection = new SerialConnection(port, (packet) => this.#wire.send(session, packet));
    this.#held = { session, connection };
  }

  deactivate(): void {
    if (!this.#held) return;
    const { session, connection } = this.#held;
    this.#held = undefined;
    connection.close();
    if (this.#wire.isOpen(session)) this.#wire.send(session, { ...SILENCE, deactivated: true });
  }

  take(session: SimulatedSession, packet: SolPacket): void {
    if (this.#held?.session === session) this.#held.connection.take(packet);
  }
}

const SILENCE: SolPacket = {
  sequence: 0,
  acknowledged: 0,
  accepted: 0,
  refused: false,
  unavailable: false,
  deactivated: false,
  data: Buffer.alloc(0),
};

const RETRY_MILLISECONDS = 250;
const RETRIES = 20;
/** What nobody has acknowledged yet, at most; older characters are lost, as with a real serial port. */
const MOST_WAITING = 64 * 1024;

/** One console's connection. `send` puts a packet on the wire. */
class SerialConnection {
  readonly #port: SerialPort;
  readonly #send: (packet: SolPacket) => void;
  readonly #unsubscribe: () => void;
  #waiting = Buffer.alloc(0);
  #sequence = 0;
  #outstanding = 0;
  #received = 0;
  #tries = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(port: SerialPort, send: (packet: SolPacket) => void) {
    this.#port = port;
    this.#send = send;
    this.#unsubscribe = port.onOutput((data) => {
      this.#waiting = Buffer.concat([this.#waiting, data]).subarray(-MOST_WAITING);
      this.#flush();
    });
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#unsubscribe();
  }

  take(packet: SolPacket): void {
    if (packet.acknowledged !== 0 && packet.acknowledged === this.#sequence && this.#outstanding > 0) {
      clearTimeout(this.#timer);
      this.#waiting = this.#waiting.subarray(Math.min(packet.accepted, this.#outstanding));
      this.#outstanding = 0;
      this.#flush();
    }
    if (packet.sequence === 0) return;
    if (packet.sequence !== this.#received && packet.data.length > 0) this.#port.input(packet.data);
    this.#received = packet.sequence;
    this.#transmit({ acknowledged: packet.sequence, accepted: packet.data.length });
  }

  #flush(): void {
    if (this.#outstanding > 0 || this.#waiting.length === 0) return;
    this.#sequence = nextSolSequence(this.#sequence);
    this.#outstanding = Math.min(this.#waiting.length, MOST_PAYLOAD - HEADER);
    this.#tries = 0;
    this.#repeat();
  }

  #repeat(): void {
    if (this.#tries++ === RETRIES) {
      this.close();
      return;
    }
    this.#transmit({ sequence: this.#sequence, data: this.#waiting.subarray(0, this.#outstanding) });
    this.#timer = setTimeout(() => this.#repeat(), RETRY_MILLISECONDS);
    this.#timer.unref();
  }

  #transmit(packet: Partial<SolPacket>): void {
    this.#send({ ...SILENCE, ...packet });
  }
}
