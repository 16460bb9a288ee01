// A simulated BMC: a UDP socket that speaks IPMI 2.0 over LAN and works on a chassis.
import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { WireError } from '../../bmc/ipmi/wire/bytes.ts';
import { CHASSIS } from '../../bmc/ipmi/wire/chassis.ts';
import type { CipherSuiteId } from '../../bmc/ipmi/wire/cipher.ts';
import { type DeviceId, encodeSystemGuid } from '../../bmc/ipmi/wire/device.ts';
import { SENSOR_SPECIFIC, THRESHOLD_EVENT } from '../../bmc/ipmi/wire/events.ts';
import type { Fru } from '../../bmc/ipmi/wire/fru.ts';
import { BMC_ADDRESS, decodeRequest, encodeResponse, NETFN } from '../../bmc/ipmi/wire/message.ts';
import {
  decodePacket,
  encodeLegacy,
  encodePlain,
  PAYLOAD,
  type PlusPacket,
  seal,
  unseal,
} from '../../bmc/ipmi/wire/packet.ts';
import * as rakp from '../../bmc/ipmi/wire/rakp.ts';
import { decodePing, decodeRmcp, encodePong } from '../../bmc/ipmi/wire/rmcp.ts';
import { SDR } from '../../bmc/ipmi/wire/sdr.ts';
import type { SelEvent } from '../../bmc/ipmi/wire/sel.ts';
import { decodeSol, encodeSol, type SolPacket } from '../../bmc/ipmi/wire/sol.ts';
import type { Chassis } from './chassis.ts';
import { FACTORY_NETWORK } from './commands/lan.ts';
import { execute } from './commands/table.ts';
import { EventLog } from './eventlog.ts';
import { disturb, type Faults, NO_FAULTS, seededRandom } from './faults.ts';
import { NO_QUIRKS, type SimulatedQuirks, zeroPadded } from './quirks.ts';
import { EventHub } from './redfish/events.ts';
import { entryEvent, powerEvent } from './redfish/resources.ts';
import { type Certificate, RedfishServer } from './redfish/server.ts';
import { SENSORS } from './sensors.ts';
import { ConsoleSlot } from './serial.ts';
import { advance, Sessions, type SimulatedSession } from './sessions.ts';
import { type BmcState, FRESH_BOOT_OPTIONS, type Interruption } from './state.ts';
import { type SimulatedUser, type UserSlot, Users } from './users.ts';

export interface SimulatedBmcOptions {
  readonly chassis: Chassis;
  readonly users: readonly SimulatedUser[];
  /** Hears of passwords that were set. */
  readonly passwordChanged?: (user: UserSlot) => void;
  /** The system's GUID, as text. */
  readonly guid: string;
  readonly device?: Partial<DeviceId>;
  /** Default: 17 and 3. */
  readonly cipherSuites?: readonly CipherSuiteId[];
  /** A key of the BMC's own (KG), at most 20 bytes. */
  readonly bmcKey?: Buffer;
  /** Sessions open at once; default 4. */
  readonly sessionLimit?: number;
  /** Faults are drawn from this, and sensors take their course by it. */
  readonly seed?: number;
  /** The system's inventory, as its maker wrote it. */
  readonly fru?: Fru;
  /** Where it departs from the specification; default: nowhere. */
  readonly quirks?: SimulatedQuirks;
  /** The longest piece of a record that it gives at once; default: no limit. */
  readonly mostBytes?: number;
  /** Over Redfish a reset becomes a task, which has ended when it was looked at so often; default: no task. */
  readonly taskLooks?: number;
  /** Loses chosen requests, or answers; default: none. */
  readonly interrupted?: Interruption;
  /** Milliseconds since 1970; default the system's clock. */
  readonly now?: () => number;
}

const DEVICE: DeviceId = {
  deviceId: 0x20,
  revision: 1,
  hasSensorRecords: false,
  firmware: '1.00',
  updating: false,
  ipmiVersion: '2.0',
  supports: 0x8f, // chassis, FRU, event log, sensor records, sensors
  manufacturerId: 0,
  productId: 1,
};

export class SimulatedBmc {
  readonly #state: BmcState;
  readonly #random: () => number;
  readonly #delayed = new Set<NodeJS.Timeout>();
  readonly #sessionLimit: number;
  #socket: Socket | undefined;
  readonly #redfish: RedfishServer[] = [];
  /** Ends hearing of the chassis's power; set while Redfish is served. */
  #deaf: (() => void) | undefined;
  #requests = 0;
  /** Milliseconds that the answer under way takes by a quirk. */
  #slowness = 0;

  constructor(options: SimulatedBmcOptions) {
    const { chassis, device, bmcKey, cipherSuites = [17, 3], now = Date.now } = options;
    const users = new Users(options.users, options.passwordChanged);
    const guid = encodeSystemGuid(options.guid);
    const limit = options.sessionLimit ?? 4;
    const seed = options.seed ?? 1;
    this.#sessionLimit = limit;
    this.#random = seededRandom(seed);
    this.#state = {
      chassis,
      users,
      sessions: new Sessions({ users, suites: cipherSuites, guid, bmcKey, limit, now }),
      device: device ? { ...DEVICE, ...device } : DEVICE,
      guid,
      suites: cipherSuites,
      bmcKeySet: bmcKey !== undefined,
      now,
      reboot: () => this.reboot(),
      console: new ConsoleSlot({
        send: (session, packet) => this.#print(session, packet),
        isOpen: (session) => this.#state.sessions.find(session.bmcId) === session,
        udpPort: () => this.port,
      }),
      log: new EventLog(now, (record) => this.#state.events.publish(entryEvent(record))),
      events: new EventHub(now, () => this.#state.faults.silent),
      fru: options.fru,
      seed,
      quirks: options.quirks ?? NO_QUIRKS,
      interrupted: options.interrupted ?? (() => false),
      mostBytes: options.mostBytes ?? 0xff,
      sensorValues: new Map(),
      sensorStates: new Map(),
      sensorThresholds: new Map(),
      network: new Map(FACTORY_NETWORK),
      tasks: new Map(),
      taskLooks: options.taskLooks ?? 0,
      sdrReservation: 0,
      faults: NO_FAULTS,
      bootOptions: { ...FRESH_BOOT_OPTIONS },
      identifyUntil: 0,
      media: undefined,
      poweredByCommand: false,
    };
  }

  get faults(): Faults {
    return this.#state.faults;
  }

  /** From the next datagram on. */
  set faults(faults: Faults) {
    this.#state.faults = faults;
  }

  /** Writes an event of one of its sensors into the event log; false when that is full. */
  logEvent(event: Pick<SelEvent, 'sensorNumber' | 'asserted' | 'data'>): boolean {
    const sensor = SENSORS.find(({ number }) => number === event.sensorNumber);
    if (!sensor) throw new RangeError(`there is no sensor ${event.sensorNumber}`);
    const eventType = sensor.kind === 'analog' ? THRESHOLD_EVENT : SENSOR_SPECIFIC;
    return this.#state.log.add({ ...event, generator: BMC_ADDRESS, lun: 0, sensorType: sensor.type, eventType });
  }

  /** From now on this sensor reads `value`, in its own unit; undefined lets it take its course again. */
  setSensor(number: number, value: number | undefined): void {
    if (value === undefined) this.#state.sensorValues.delete(number);
    else this.#state.sensorValues.set(number, value);
  }

  /** From now on these states, as bits, hold; undefined brings back the usual ones. */
  setSensorStates(number: number, states: number | undefined): void {
    if (states === undefined) this.#state.sensorStates.delete(number);
    else this.#state.sensorStates.set(number, states);
  }

  /** How many sessions are open. */
  get sessions(): number {
    return this.#state.sessions.list().length;
  }

  /** Commands carried out or refused so far; repeated datagrams of one are one. */
  get requests(): number {
    return this.#requests;
  }

  /** Where it listens; throws before listen(). */
  get port(): number {
    if (!this.#socket) throw new Error('the simulated BMC is not listening');
    return this.#socket.address().port;
  }

  /** Listens and gives the port. Port 0 takes any that is free. */
  listen(port = 0, host = '127.0.0.1'): Promise<number> {
    const socket = createSocket('udp4');
    socket.on('message', (datagram, from) => this.#receive(datagram, from));
    return new Promise((resolve, reject) => {
      socket.once('error', reject);
      socket.bind(port, host, () => {
        socket.off('error', reject);
        this.#socket = socket;
        resolve(socket.address().port);
      });
    });
  }

  /** Serves Redfish, too, for the same machine and accounts: over TLS with a certificate, else in clear. Gives the port. */
  async listenRedfish(port = 0, host = '127.0.0.1', certificate?: Certificate): Promise<number> {
    this.#deaf ??= this.#state.chassis.onPower((power) => this.#state.events.publish(powerEvent(power)));
    const server = new RedfishServer(this.#state, this.#random, this.#sessionLimit, certificate);
    const bound = await server.listen(port, host);
    this.#redfish.push(server);
    return bound;
  }

  /** How many Redfish sessions are open. */
  get redfishSessions(): number {
    return this.#redfish.reduce((sum, server) => sum + server.sessions, 0);
  }

  /** Redfish requests that have come so far. */
  get redfishRequests(): number {
    return this.#redfish.reduce((sum, server) => sum + server.requests, 0);
  }

  /** How many read the stream of its events over Redfish. */
  get eventStreams(): number {
    return this.#state.events.list().filter(({ stream }) => stream).length;
  }

  /** URL of the image in the virtual drive. */
  get media(): string | undefined {
    return this.#state.media;
  }

  /** Forgets its sessions, as a BMC does that restarts. The machine runs on, and its boot override stays. */
  reboot(): void {
    this.#state.sessions.clear();
    this.#state.console.deactivate();
    this.#state.events.reboot();
    for (const server of this.#redfish) server.reboot();
    this.#state.bootOptions = { ...FRESH_BOOT_OPTIONS };
  }

  /** Stops listening. It may listen again afterwards, on the same port or another, with its sessions forgotten. */
  async close(): Promise<void> {
    this.reboot();
    this.#state.events.close();
    this.#deaf?.();
    this.#deaf = undefined;
    for (const timer of this.#delayed) clearTimeout(timer);
    this.#delayed.clear();
    const socket = this.#socket;
    this.#socket = undefined;
    await Promise.all(this.#redfish.splice(0).map((server) => server.close()));
    await new Promise<void>((resolve) => {
      if (socket) socket.close(() => resolve());
      else resolve();
    });
  }

  #receive(datagram: Buffer, from: RemoteInfo): void {
    const { faults } = this.#state;
    if (faults.silent || this.#random() < faults.loss) return;
    const answer = this.#answer(datagram, from);
    if (answer) this.#emit(answer, from, this.#slowness);
    this.#slowness = 0;
  }

  #emit(answer: Buffer, to: { address: string; port: number }, slowness = 0): void {
    const { faults } = this.#state;
    for (const { delay, datagram } of disturb(faults, this.#random, answer)) this.#send(datagram, delay + slowness, to);
  }

  /** Console characters go out unasked. */
  #print(session: SimulatedSession, packet: SolPacket): void {
    if (session.from) this.#emit(sealed(session, PAYLOAD.sol, encodeSol(packet)), session.from);
  }

  #send(datagram: Buffer, delay: number, to: { address: string; port: number }): void {
    if (delay === 0) {
      this.#socket?.send(datagram, to.port, to.address);
      return;
    }
    const timer = setTimeout(() => {
      this.#delayed.delete(timer);
      this.#socket?.send(datagram, to.port, to.address);
    }, delay);
    this.#delayed.add(timer);
  }

  /** A BMC says nothing to what it cannot read. */
  #answer(datagram: Buffer, from: RemoteInfo): Buffer | undefined {
    try {
      const { messageClass, data } = decodeRmcp(datagram);
      if (messageClass === 'asf') {
        const tag = decodePing(data);
        return tag === undefined ? undefined : encodePong(tag);
      }
      const packet = decodePacket(data);
      if (packet.framing === '2.0') return this.#plus(packet, from);
      return packet.sessionId === 0 ? encodeLegacy(this.#command(packet.payload, undefined)) : undefined;
    } catch (error) {
      if (error instanceof WireError) return undefined;
      throw error;
    }
  }

  #plus(packet: PlusPacket, from: RemoteInfo): Buffer | undefined {
    if (packet.sessionId !== 0) {
      const session = this.#state.sessions.find(packet.sessionId);
      return session && this.#inSession(session, packet, from);
    }
    if (packet.encrypted || packet.authenticated) return undefined;
    const { sessions, faults } = this.#state;
    switch (packet.payloadType) {
      case PAYLOAD.ipmi:
        return encodePlain(PAYLOAD.ipmi, this.#command(packet.payload, undefined));
      case PAYLOAD.openSessionRequest: {
        const response = sessions.open(rakp.decodeOpenSessionRequest(packet.payload), faults);
        return encodePlain(PAYLOAD.openSessionResponse, rakp.encodeOpenSessionResponse(response));
      }
      case PAYLOAD.rakp1: {
        const rakp2 = sessions.rakp1(rakp.decodeRakp1(packet.payload), faults);
        return rakp2 && encodePlain(PAYLOAD.rakp2, rakp.encodeRakp2(rakp2));
      }
      case PAYLOAD.rakp3: {
        const message = rakp.decodeRakp3(packet.payload);
        const logIn = () => sessions.rakp3(message);
        const rakp4 = sessions.find(message.bmcId) ? logIn() : this.#carriedOut('rakp3', logIn);
        const authCode = this.#state.quirks.emptyRakp4Code ? Buffer.alloc(0) : rakp4?.authCode;
        return rakp4 && authCode && encodePlain(PAYLOAD.rakp4, rakp.encodeRakp4({ ...rakp4, authCode }));
      }
      default:
        return undefined;
    }
  }

  #inSession(session: SimulatedSession, packet: PlusPacket, from: RemoteInfo): Buffer | undefined {
    const payload = unseal(session.keys, packet);
    if (!session.received.accept(packet.sequence)) return undefined;
    session.seenAt = this.#state.now();
    session.from = from;
    if (packet.payloadType === PAYLOAD.sol) this.#state.console.take(session, decodeSol(payload));
    if (packet.payloadType !== PAYLOAD.ipmi) return undefined;
    if (this.#state.faults.powerAnswersLost && isPowerCommand(payload)) {
      this.#command(payload, session);
      return undefined;
    }
    if (!session.last?.request.equals(payload)) {
      const response = this.#carriedOut(nameOf(payload), () => this.#command(payload, session));
      if (!response) return undefined;
      session.last = { request: Buffer.from(payload), response };
    }
    const datagram = sealed(session, PAYLOAD.ipmi, session.last.response);
    return this.#state.quirks.zeroPadding ? zeroPadded(session.keys, datagram) : datagram;
  }

  #carriedOut<T>(request: string, work: () => T): T | undefined {
    const { interrupted } = this.#state;
    if (interrupted(request, 'before')) return undefined;
    const answer = work();
    return interrupted(request, 'after') ? undefined : answer;
  }

  #command(payload: Buffer, session: SimulatedSession | undefined): Buffer {
    const request = decodeRequest(payload);
    this.#requests++;
    if (request.netFn === NETFN.storage && request.command === SDR.getRecord)
      this.#slowness = this.#state.quirks.recordMs;
    const { completion, data } = execute(this.#state, request, session);
    return encodeResponse(request, completion, data);
  }
}

/** "06h 47h", as the specification writes them. */
function nameOf(payload: Buffer): string {
  const { netFn, command } = decodeRequest(payload);
  return [netFn, command].map((byte) => `${byte.toString(16).padStart(2, '0')}h`).join(' ');
}

function isPowerCommand(payload: Buffer): boolean {
  const { netFn, command } = decodeRequest(payload);
  return netFn === NETFN.chassis && command === CHASSIS.control;
}

function sealed(session: SimulatedSession, payloadType: number, payload: Buffer): Buffer {
  return seal(session.keys, { payloadType, sessionId: session.consoleId, sequence: advance(session), payload });
}
