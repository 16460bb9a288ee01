// Logging in: what the BMC offers, then Open Session and RAKP 1 to 4 with every check that a console must make
// (IPMI 2.0 §13.14 to §13.24, §22.13, §22.15).
import { randomBytes, timingSafeEqual } from 'node:crypto';
import { BmcError } from '../errors.ts';
import { exchange, NoReply, type Schedule } from './exchange.ts';
import type { IpmiOptions } from './options.ts';
import type { Endpoint, Transport } from './transport.ts';
import {
  APP,
  decodeAuthCapabilities,
  decodeCipherSuites,
  decodeCipherSuitesResponse,
  encodeAuthCapabilitiesRequest,
  encodeCipherSuitesRequest,
  PRIVILEGE,
} from './wire/channel.ts';
import { CIPHER_SUITES, type CipherSuite, type CipherSuiteId, deriveKeys, type SessionKeys } from './wire/cipher.ts';
import { COMPLETION, completionText } from './wire/completion.ts';
import { decodeResponse, encodeRequest, NETFN } from './wire/message.ts';
import { encodeLegacy, encodePlain, PAYLOAD } from './wire/packet.ts';
import * as rakp from './wire/rakp.ts';

/** Secrets as bytes, made once from text and never shown. */
export interface Account {
  readonly username: Buffer;
  readonly password: Buffer;
  readonly bmcKey: Buffer | undefined;
}

export interface LogIn {
  readonly transport: Transport;
  readonly options: IpmiOptions;
  readonly address: string;
  readonly account: Account;
}

export interface Established {
  readonly keys: SessionKeys;
  readonly bmcId: number;
}

/** The log-in went astray in a way that another one may not: crossed or lost messages, a session that the BMC forgot. */
export class Astray extends Error {
  override readonly name = 'Astray';
}

const ROLE = 0x10 | PRIVILEGE.administrator; // administrator, the user found by name alone
const MAX_SUITE_BLOCKS = 0x40;

/** One command outside any session, in IPMI 1.5 framing: every BMC answers these. Gives the completion code and data. */
async function ask(
  logIn: LogIn,
  endpoint: Endpoint,
  command: number,
  data: Buffer,
  schedule: Schedule,
  signal: AbortSignal,
) {
  const sequence = randomBytes(1)[0]! & 0x3f;
  const request = encodeLegacy(encodeRequest({ netFn: NETFN.app, sequence, command, data }));
  const question = {
    datagram: () => request,
    schedule,
    answer: (packet: Parameters<Endpoint['receive']>[0]) => {
      if (packet.framing !== '1.5' || packet.sessionId !== 0) return undefined;
      const response = decodeResponse(packet.payload);
      const ours = response.netFn === NETFN.app + 1 && response.sequence === sequence && response.command === command;
      return ours ? response : undefined;
    },
  };
  return exchange(logIn.transport, endpoint, question, signal);
}

/**
 * The suites to try: those that the BMC offers, best first, then the rest. Throws `unsupported` where the BMC speaks no
 * IPMI 2.0.
 */
export async function discover(logIn: LogIn, endpoint: Endpoint, signal: AbortSignal): Promise<CipherSuite[]> {
  const { options, address } = logIn;
  const asked = encodeAuthCapabilitiesRequest(PRIVILEGE.administrator);
  const response = await ask(logIn, endpoint, APP.getChannelAuthCapabilities, asked, options.schedule, signal);
  if (response.completion !== COMPLETION.ok) {
    throw new BmcError('protocol', address, `authentication capabilities: ${completionText(response.completion)}`);
  }
  const capabilities = decodeAuthCapabilities(response.data);
  if (!capabilities.supportsIpmi2) throw new BmcError('unsupported', address, 'the BMC offers no IPMI 2.0 session');
  const offered = await offeredSuites(logIn, endpoint, signal);
  // Some advertise what they refuse, and have what they do not tell: the others are tried behind those that are offered.
  const isOffered = (id: CipherSuiteId) => offered === undefined || offered.includes(id);
  const { cipherSuites } = options;
  const tried = [...cipherSuites.filter(isOffered), ...cipherSuites.filter((id) => !isOffered(id))];
  return tried.map((id) => CIPHER_SUITES[id]);
}

async function offeredSuites(logIn: LogIn, endpoint: Endpoint, signal: AbortSignal): Promise<number[] | undefined> {
  const blocks: Buffer[] = [];
  try {
    for (let index = 0; index < MAX_SUITE_BLOCKS; index++) {
      const asked = encodeCipherSuitesRequest(index);
      const schedule = logIn.options.suitesSchedule;
      const response = await ask(logIn, endpoint, APP.getChannelCipherSuites, asked, schedule, signal);
      if (response.completion !== COMPLETION.ok) return undefined;
      const block = decodeCipherSuitesResponse(response.data);
      blocks.push(block);
      if (block.length < 16) break;
    }
  } catch (error) {
    if (error instanceof NoReply) return undefined; // deaf to this request: the suites are tried instead
    throw error;
  }
  const suites = decodeCipherSuites(Buffer.concat(blocks));
  return suites.length > 0 ? suites : undefined;
}

/**
 * Opens a session with one suite. Gives undefined when the BMC refuses that suite. Throws BmcError for answers that stay
 * (credentials, privilege, busy), Astray for those that another attempt may mend, NoReply when the BMC fell silent.
 */
export async function handshake(
  logIn: LogIn,
  endpoint: Endpoint,
  suite: CipherSuite,
  signal: AbortSignal,
): Promise<Established | undefined> {
  const opened = await openSession(logIn, endpoint, suite, signal);
  if (!opened) return undefined;
  const known = await authenticate(logIn, endpoint, suite, opened.bmcId, signal);
  const key = rakp.sessionIntegrityKey(known, logIn.account.bmcKey ?? logIn.account.password);
  await confirm(logIn, endpoint, known, key, signal);
  return { keys: deriveKeys(suite, key), bmcId: opened.bmcId };
}

interface SetUpReply {
  readonly tag: number;
  readonly consoleId: number;
}

/** Sends one set-up message until the reply with its tag and our id comes. */
function setUp<T extends SetUpReply>(
  logIn: LogIn,
  endpoint: Endpoint,
  message: { type: number; tag: number; payload: Buffer; replyType: number; decode: (bytes: Buffer) => T },
  signal: AbortSignal,
): Promise<T> {
  const datagram = encodePlain(message.type, message.payload);
  const question = {
    datagram: () => datagram,
    schedule: logIn.options.schedule,
    answer: (packet: Parameters<Endpoint['receive']>[0]) => {
      if (packet.framing !== '2.0' || packet.payloadType !== message.replyType) return undefined;
      if (packet.encrypted || packet.authenticated || packet.sessionId !== 0) return undefined;
      const reply = message.decode(packet.payload);
      return reply.tag === message.tag && reply.consoleId === endpoint.id ? reply : undefined;
    },
  };
  return exchange(logIn.transport, endpoint, question, signal);
}

const SUITE_REFUSED: readonly number[] = [
  rakp.RAKP_STATUS.invalidAuthenticationAlgorithm,
  rakp.RAKP_STATUS.invalidIntegrityAlgorithm,
  rakp.RAKP_STATUS.invalidConfidentialityAlgorithm,
  rakp.RAKP_STATUS.noCipherSuiteMatch,
  0x06,
  0x07,
];

async function openSession(logIn: LogIn, endpoint: Endpoint, suite: CipherSuite, signal: AbortSignal) {
  const tag = randomBytes(1)[0]!;
  const privilege = PRIVILEGE.administrator;
  const payload = rakp.encodeOpenSessionRequest({ tag, privilege, consoleId: endpoint.id, algorithms: suite });
  const message = { type: PAYLOAD.openSessionRequest, tag, payload, replyType: PAYLOAD.openSessionResponse };
  const reply = await setUp(logIn, endpoint, { ...message, decode: rakp.decodeOpenSessionResponse }, signal);
  if (SUITE_REFUSED.includes(reply.status)) return undefined;
  if (reply.status !== rakp.RAKP_STATUS.ok) throw refusal(logIn, 'open session', reply.status);
  const { authentication, integrity, confidentiality } = reply.algorithms;
  const agreed =
    authentication === suite.authentication &&
    integrity === suite.integrity &&
    confidentiality === suite.confidentiality;
  if (!agreed || reply.bmcId === 0) {
    throw new BmcError('protocol', logIn.address, 'open session: the BMC chose other algorithms than were asked for');
  }
  return reply;
}

/** RAKP 1 and 2: nonces are exchanged, and the BMC proves that it knows the password. */
async function authenticate(
  logIn: LogIn,
  endpoint: Endpoint,
  suite: CipherSuite,
  bmcId: number,
  signal: AbortSignal,
): Promise<rakp.Exchange> {
  const { username, password } = logIn.account;
  const tag = randomBytes(1)[0]!;
  const consoleRandom = randomBytes(16);
  const payload = rakp.encodeRakp1({ tag, bmcId, consoleRandom, role: ROLE, username });
  const message = { type: PAYLOAD.rakp1, tag, payload, replyType: PAYLOAD.rakp2, decode: rakp.decodeRakp2 };
  const reply = await setUp(logIn, endpoint, message, signal);
  if (reply.status !== rakp.RAKP_STATUS.ok) throw refusal(logIn, 'log-in', reply.status);
  const { bmcRandom, bmcGuid } = reply;
  const known = { suite, consoleId: endpoint.id, bmcId, consoleRandom, bmcRandom, bmcGuid, role: ROLE, username };
  if (!equal(rakp.rakp2Code(known, password), reply.authCode)) {
    giveUp(logIn, endpoint, bmcId);
    throw new BmcError('credentials', logIn.address, 'the password is wrong');
  }
  return known;
}

/** RAKP 3 and 4: the console proves that it knows the password, and both that they derived the same key. */
async function confirm(
  logIn: LogIn,
  endpoint: Endpoint,
  known: rakp.Exchange,
  key: Buffer,
  signal: AbortSignal,
): Promise<void> {
  const tag = randomBytes(1)[0]!;
  const authCode = rakp.rakp3Code(known, logIn.account.password);
  const payload = rakp.encodeRakp3({ tag, status: rakp.RAKP_STATUS.ok, bmcId: known.bmcId, authCode });
  const message = { type: PAYLOAD.rakp3, tag, payload, replyType: PAYLOAD.rakp4, decode: rakp.decodeRakp4 };
  const reply = await setUp(logIn, endpoint, message, signal);
  if (reply.status === rakp.RAKP_STATUS.invalidIntegrityCheck) {
    // RAKP 2 has proved the password, so this is not about credentials: nonces of two attempts crossed.
    throw new Astray('the BMC did not accept RAKP 3');
  }
  if (reply.status !== rakp.RAKP_STATUS.ok) throw refusal(logIn, 'log-in', reply.status);
  // Some leave the code out. Then the first command proves the key: what is signed with another is never accepted.
  if (reply.authCode.length > 0 && !equal(rakp.rakp4Code(known, key), reply.authCode)) {
    throw new BmcError('credentials', logIn.address, 'the password is right, but not the key of the BMC (KG)');
  }
}

/** Tells the BMC that this log-in ends here, so that it frees the slot at once. Unanswered by design (§13.22). */
function giveUp(logIn: LogIn, endpoint: Endpoint, bmcId: number): void {
  const status = rakp.RAKP_STATUS.invalidIntegrityCheck;
  const payload = rakp.encodeRakp3({ tag: 0, status, bmcId, authCode: Buffer.alloc(0) });
  // Best effort: where it is refused or lost, the BMC's own time-out frees the slot.
  logIn.transport.send(endpoint.peer, encodePlain(PAYLOAD.rakp3, payload), () => undefined);
}

function refusal(logIn: LogIn, step: string, status: number): Error {
  const text = `${step}: ${rakp.rakpStatusText(status)}`;
  switch (status) {
    case rakp.RAKP_STATUS.insufficientResources:
    case rakp.RAKP_STATUS.noResourcesAtRole:
      return new BmcError('busy', logIn.address, text);
    case rakp.RAKP_STATUS.unauthorizedName:
    case rakp.RAKP_STATUS.invalidNameLength:
      return new BmcError('credentials', logIn.address, text);
    case rakp.RAKP_STATUS.unauthorizedRole:
    case rakp.RAKP_STATUS.invalidRole:
      return new BmcError('privilege', logIn.address, text);
    case rakp.RAKP_STATUS.invalidSessionId:
    case rakp.RAKP_STATUS.inactiveSessionId:
      return new Astray(text);
    default:
      return new BmcError('protocol', logIn.address, text);
  }
}

/** Constant-time comparison; a code of another length is simply wrong. */
function equal(expected: Buffer, received: Buffer): boolean {
  return received.length === expected.length && timingSafeEqual(expected, received);
}
