// One UDP socket (per address family) for every BMC: datagrams out, and back to the conversation that they belong to.
//
// A reply is told by the console's session id, which every RMCP+ datagram to us carries, else by its sender. It must come
// from the address and port that were asked. Whatever fits nobody is counted and dropped.
import { randomBytes } from 'node:crypto';
import { createSocket, type Socket } from 'node:dgram';
import { isIP } from 'node:net';
import { WireError } from './wire/bytes.ts';
import { decodePacket, PAYLOAD, type Packet } from './wire/packet.ts';
import { decodeRmcp } from './wire/rmcp.ts';

/** Where a BMC is: a literal IP address, so that sending never waits for a name. */
export interface Peer {
  readonly host: string;
  readonly port: number;
}

/** One conversation with one BMC: a log-in under way, or a session. */
export interface Endpoint {
  /** The console's session id: random, unused, never 0. */
  readonly id: number;
  readonly peer: Peer;
  /** Something that reads as a reply has come from there. */
  heard: boolean;
  /** Takes what came for this conversation; replaced as it proceeds. May throw WireError: then the packet is dropped. */
  receive: (packet: Packet) => void;
}

const RECEIVE_BUFFER = 4 << 20; // a burst of thousands of replies; the kernel caps it at its own limit

/** Below the number of datagrams that libuv reads from a socket in one turn of the loop when more are waiting. */
const FULL_TURN = 16;

const SET_UP_REPLIES: readonly number[] = [PAYLOAD.openSessionResponse, PAYLOAD.rakp2, PAYLOAD.rakp4];

const key = (host: string, port: number) => `${host} ${port}`;

/** The console's session id in a packet, or 0 where it has none (IPMI 1.5 framing, or a set-up error that omits it). */
function consoleId(packet: Packet): number {
  if (packet.framing === '1.5' || packet.sessionId !== 0) return packet.sessionId;
  if (!SET_UP_REPLIES.includes(packet.payloadType) || packet.payload.length < 8) return 0;
  return packet.payload.readUInt32LE(4);
}

export class Transport {
  readonly #sockets = new Map<4 | 6, Socket>();
  readonly #byId = new Map<number, Endpoint>();
  /** Of one BMC, mostly one: an array takes a fifth of a Set, and there are thousands. */
  readonly #byPeer = new Map<string, readonly Endpoint[]>();
  readonly #untilDrained: (() => void)[] = [];
  #received = 0;
  #dropped = 0;
  #closed = false;

  /** Datagrams that were malformed, or that nobody was waiting for. */
  get dropped(): number {
    return this.#dropped;
  }

  /** Conversations that are open. */
  get size(): number {
    return this.#byId.size;
  }

  open(peer: Peer): Endpoint {
    const endpoint: Endpoint = { id: this.#freeId(), peer, heard: false, receive: () => this.#dropped++ };
    this.#byId.set(endpoint.id, endpoint);
    const name = key(peer.host, peer.port);
    this.#byPeer.set(name, [...(this.#byPeer.get(name) ?? []), endpoint]);
    return endpoint;
  }

  /** Ends a conversation: what still comes for it is dropped. */
  release(endpoint: Endpoint): void {
    this.#byId.delete(endpoint.id);
    const name = key(endpoint.peer.host, endpoint.peer.port);
    const others = (this.#byPeer.get(name) ?? []).filter((each) => each !== endpoint);
    if (others.length > 0) this.#byPeer.set(name, others);
    else this.#byPeer.delete(name);
  }

  /** Hands a datagram to the kernel. Calls back only when that was refused: "no route", "no such interface". */
  send(peer: Peer, datagram: Buffer, refused: (error: Error) => void): void {
    if (this.#closed) {
      refused(new Error('the transport is closed'));
      return;
    }
    this.#socket(isIP(peer.host) === 6 ? 6 : 4).send(datagram, peer.port, peer.host, (error) => {
      if (error) refused(error);
    });
  }

  /**
   * Calls back once everything was read that has arrived by now. A process that was kept from running has answers waiting in its
   * sockets: whoever concludes from silence asks here first, else a busy process takes the whole fleet for dead.
   */
  whenDrained(call: () => void): void {
    this.#untilDrained.push(call);
    if (this.#untilDrained.length === 1) this.#readOn();
  }

  /** Node reads up to some tens of datagrams in one turn of its loop; few in a turn say that there are no more. */
  #readOn(): void {
    const before = this.#received;
    setImmediate(() =>
      setImmediate(() => {
        if (this.#received - before >= FULL_TURN) this.#readOn();
        else for (const call of this.#untilDrained.splice(0)) call();
      }),
    );
  }

  close(): void {
    this.#closed = true;
    for (const socket of this.#sockets.values()) socket.close();
    this.#sockets.clear();
  }

  #freeId(): number {
    for (;;) {
      const id = randomBytes(4).readUInt32LE();
      if (id !== 0 && !this.#byId.has(id)) return id;
    }
  }

  #socket(family: 4 | 6): Socket {
    const known = this.#sockets.get(family);
    if (known) return known;
    const type = family === 6 ? 'udp6' : 'udp4';
    const socket = createSocket({
      type,
      recvBufferSize: RECEIVE_BUFFER,
      lookup: (address, _options, callback) => callback(null, address, family), // peers are literal addresses
    });
    socket.on('message', (datagram, from) => this.#deliver(datagram, from.address, from.port));
    // Errors of single sends come to their callbacks. What comes here is a datagram that the network refused later on; the
    // exchange that sent it notices by its deadline.
    socket.on('error', () => this.#dropped++);
    socket.unref(); // an exchange under way keeps the process alive by its timer, an idle socket must not
    this.#sockets.set(family, socket);
    return socket;
  }

  #deliver(datagram: Buffer, host: string, port: number): void {
    this.#received++;
    try {
      const { messageClass, data } = decodeRmcp(datagram);
      if (messageClass !== 'ipmi') throw new WireError('not an IPMI message');
      const packet = decodePacket(data);
      for (const endpoint of this.#addressees(packet, host, port)) {
        endpoint.heard = true;
        endpoint.receive(packet);
      }
    } catch (error) {
      if (!(error instanceof WireError)) throw error;
      this.#dropped++;
    }
  }

  #addressees(packet: Packet, host: string, port: number): readonly Endpoint[] {
    const id = consoleId(packet);
    if (id === 0) return this.#byPeer.get(key(host, port)) ?? [];
    const endpoint = this.#byId.get(id);
    if (endpoint?.peer.host === host && endpoint.peer.port === port) return [endpoint];
    this.#dropped++;
    return [];
  }
}
