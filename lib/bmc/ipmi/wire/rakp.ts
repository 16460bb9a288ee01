// Session set-up: Open Session and the four RAKP messages, with the authenticators over them (IPMI 2.0 §13.17 to §13.24, §13.31).
//
// "Console" is the client, "BMC" the managed system. Numbers are little-endian; ids and nonces keep the order of the wire.
import { need, WireError } from './bytes.ts';
import { type CipherSuite, hmac } from './cipher.ts';

/** Status codes of §13.24 that both sides use by name. */
export const RAKP_STATUS = {
  ok: 0x00,
  insufficientResources: 0x01,
  invalidSessionId: 0x02,
  invalidPayloadType: 0x03,
  invalidAuthenticationAlgorithm: 0x04,
  invalidIntegrityAlgorithm: 0x05,
  inactiveSessionId: 0x08,
  invalidRole: 0x09,
  unauthorizedRole: 0x0a,
  noResourcesAtRole: 0x0b,
  invalidNameLength: 0x0c,
  unauthorizedName: 0x0d,
  invalidIntegrityCheck: 0x0f,
  invalidConfidentialityAlgorithm: 0x10,
  noCipherSuiteMatch: 0x11,
  illegalParameter: 0x12,
} as const;

const STATUS_TEXT: Readonly<Record<number, string>> = {
  [RAKP_STATUS.insufficientResources]: 'insufficient resources to create a session',
  [RAKP_STATUS.invalidSessionId]: 'invalid session id',
  [RAKP_STATUS.invalidPayloadType]: 'invalid payload type',
  [RAKP_STATUS.invalidAuthenticationAlgorithm]: 'invalid authentication algorithm',
  [RAKP_STATUS.invalidIntegrityAlgorithm]: 'invalid integrity algorithm',
  6: 'no matching authentication payload',
  7: 'no matching integrity payload',
  [RAKP_STATUS.inactiveSessionId]: 'inactive session id',
  [RAKP_STATUS.invalidRole]: 'invalid role',
  [RAKP_STATUS.unauthorizedRole]: 'unauthorized role or privilege level',
  [RAKP_STATUS.noResourcesAtRole]: 'insufficient resources to create a session at this role',
  [RAKP_STATUS.invalidNameLength]: 'invalid name length',
  [RAKP_STATUS.unauthorizedName]: 'unauthorized name',
  14: 'unauthorized GUID',
  [RAKP_STATUS.invalidIntegrityCheck]: 'invalid integrity check value',
  [RAKP_STATUS.invalidConfidentialityAlgorithm]: 'invalid confidentiality algorithm',
  [RAKP_STATUS.noCipherSuiteMatch]: 'no cipher suite match',
  [RAKP_STATUS.illegalParameter]: 'illegal or unrecognized parameter',
};

export function rakpStatusText(status: number): string {
  return STATUS_TEXT[status] ?? `status 0x${status.toString(16).padStart(2, '0')}`;
}

/** The three algorithm numbers that Open Session proposes and confirms. */
export type Algorithms = Pick<CipherSuite, 'authentication' | 'integrity' | 'confidentiality'>;
export interface ProposedAlgorithms {
  readonly authentication: number;
  readonly integrity: number;
  readonly confidentiality: number;
}

export interface OpenSessionRequest {
  readonly tag: number;
  /** Highest privilege wanted; 0 lets the BMC choose by cipher suite. */
  readonly privilege: number;
  readonly consoleId: number;
  readonly algorithms: ProposedAlgorithms;
}

export interface OpenSessionResponse {
  readonly tag: number;
  readonly status: number;
  readonly consoleId: number;
  /** These three only when the status is 0. */
  readonly privilege: number;
  readonly bmcId: number;
  readonly algorithms: ProposedAlgorithms;
}

export interface Rakp1 {
  readonly tag: number;
  readonly bmcId: number;
  readonly consoleRandom: Buffer;
  /** Privilege in the low nibble; 0x10: look the user up by name alone. Both sides sign this byte as sent. */
  readonly role: number;
  readonly username: Buffer;
}

export interface Rakp2 {
  readonly tag: number;
  readonly status: number;
  readonly consoleId: number;
  readonly bmcRandom: Buffer;
  readonly bmcGuid: Buffer;
  readonly authCode: Buffer;
}

export interface Rakp3 {
  readonly tag: number;
  readonly status: number;
  readonly bmcId: number;
  readonly authCode: Buffer;
}

export interface Rakp4 {
  readonly tag: number;
  readonly status: number;
  readonly consoleId: number;
  readonly authCode: Buffer;
}

const NO_ALGORITHMS: ProposedAlgorithms = { authentication: 0, integrity: 0, confidentiality: 0 };
const NOTHING = Buffer.alloc(0);

function encodeAlgorithms({ authentication, integrity, confidentiality }: ProposedAlgorithms): Buffer {
  const one = (type: number, algorithm: number) => [type, 0, 0, 8, algorithm, 0, 0, 0];
  return Buffer.from([...one(0, authentication), ...one(1, integrity), ...one(2, confidentiality)]);
}

function decodeAlgorithms(bytes: Buffer): ProposedAlgorithms {
  const one = (type: number) => {
    const at = type * 8;
    if (bytes[at] !== type) throw new WireError(`Open Session: payload ${bytes[at]} where ${type} belongs`);
    // A length of 0 is a wildcard: "any algorithm"; it is answered like "none", which neither side accepts.
    return bytes[at + 3] === 0 ? 0 : bytes[at + 4]! & 0x3f;
  };
  return { authentication: one(0), integrity: one(1), confidentiality: one(2) };
}

function head(tag: number, second: number, third: number, id: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes[0] = tag;
  bytes[1] = second;
  bytes[2] = third;
  bytes.writeUInt32LE(id, 4);
  return bytes;
}

export function encodeOpenSessionRequest(message: OpenSessionRequest): Buffer {
  const start = head(message.tag, message.privilege, 0, message.consoleId);
  return Buffer.concat([start, encodeAlgorithms(message.algorithms)]);
}

export function decodeOpenSessionRequest(bytes: Buffer): OpenSessionRequest {
  need(bytes, 32, 'Open Session Request');
  return {
    tag: bytes[0]!,
    privilege: bytes[1]! & 0x0f,
    consoleId: bytes.readUInt32LE(4),
    algorithms: decodeAlgorithms(bytes.subarray(8)),
  };
}

export function encodeOpenSessionResponse(message: OpenSessionResponse): Buffer {
  const start = head(message.tag, message.status, message.privilege, message.consoleId);
  if (message.status !== RAKP_STATUS.ok) return start;
  const bmcId = Buffer.alloc(4);
  bmcId.writeUInt32LE(message.bmcId);
  return Buffer.concat([start, bmcId, encodeAlgorithms(message.algorithms)]);
}

export function decodeOpenSessionResponse(bytes: Buffer): OpenSessionResponse {
  need(bytes, 8, 'Open Session Response');
  const start = { tag: bytes[0]!, status: bytes[1]!, privilege: bytes[2]! & 0x0f, consoleId: bytes.readUInt32LE(4) };
  if (start.status !== RAKP_STATUS.ok) return { ...start, bmcId: 0, algorithms: NO_ALGORITHMS };
  need(bytes, 36, 'Open Session Response');
  return { ...start, bmcId: bytes.readUInt32LE(8), algorithms: decodeAlgorithms(bytes.subarray(12)) };
}

export function encodeRakp1(message: Rakp1): Buffer {
  const tail = Buffer.of(message.role, 0, 0, message.username.length);
  return Buffer.concat([head(message.tag, 0, 0, message.bmcId), message.consoleRandom, tail, message.username]);
}

export function decodeRakp1(bytes: Buffer): Rakp1 {
  need(bytes, 28, 'RAKP 1');
  const length = bytes[27]!;
  need(bytes, 28 + length, 'RAKP 1 user name');
  return {
    tag: bytes[0]!,
    bmcId: bytes.readUInt32LE(4),
    consoleRandom: Buffer.from(bytes.subarray(8, 24)),
    role: bytes[24]!,
    username: Buffer.from(bytes.subarray(28, 28 + length)),
  };
}

export function encodeRakp2(message: Rakp2): Buffer {
  const start = head(message.tag, message.status, 0, message.consoleId);
  if (message.status !== RAKP_STATUS.ok) return start;
  return Buffer.concat([start, message.bmcRandom, message.bmcGuid, message.authCode]);
}

export function decodeRakp2(bytes: Buffer): Rakp2 {
  need(bytes, 8, 'RAKP 2');
  const start = { tag: bytes[0]!, status: bytes[1]!, consoleId: bytes.readUInt32LE(4) };
  if (start.status !== RAKP_STATUS.ok) return { ...start, bmcRandom: NOTHING, bmcGuid: NOTHING, authCode: NOTHING };
  need(bytes, 40, 'RAKP 2');
  return {
    ...start,
    bmcRandom: Buffer.from(bytes.subarray(8, 24)),
    bmcGuid: Buffer.from(bytes.subarray(24, 40)),
    authCode: Buffer.from(bytes.subarray(40)),
  };
}

export function encodeRakp3(message: Rakp3): Buffer {
  return Buffer.concat([head(message.tag, message.status, 0, message.bmcId), message.authCode]);
}

export function decodeRakp3(bytes: Buffer): Rakp3 {
  need(bytes, 8, 'RAKP 3');
  return {
    tag: bytes[0]!,
    status: bytes[1]!,
    bmcId: bytes.readUInt32LE(4),
    authCode: Buffer.from(bytes.subarray(8)),
  };
}

export function encodeRakp4(message: Rakp4): Buffer {
  return Buffer.concat([head(message.tag, message.status, 0, message.consoleId), message.authCode]);
}

export function decodeRakp4(bytes: Buffer): Rakp4 {
  need(bytes, 8, 'RAKP 4');
  return {
    tag: bytes[0]!,
    status: bytes[1]!,
    consoleId: bytes.readUInt32LE(4),
    authCode: Buffer.from(bytes.subarray(8)),
  };
}

/** Everything that both sides know once RAKP 2 has been sent. */
export interface Exchange {
  readonly suite: CipherSuite;
  readonly consoleId: number;
  readonly bmcId: number;
  readonly consoleRandom: Buffer;
  readonly bmcRandom: Buffer;
  readonly bmcGuid: Buffer;
  readonly role: number;
  readonly username: Buffer;
}

function id(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}

const roleAndName = (exchange: Exchange) => [Buffer.of(exchange.role, exchange.username.length), exchange.username];

/** What RAKP 2 carries (§13.21): proves to the console that the BMC knows the user's password. */
export function rakp2Code(exchange: Exchange, password: Buffer): Buffer {
  const { suite, consoleId, bmcId, consoleRandom, bmcRandom, bmcGuid } = exchange;
  const known = [id(consoleId), id(bmcId), consoleRandom, bmcRandom, bmcGuid];
  return hmac(suite, password, ...known, ...roleAndName(exchange));
}

/** What RAKP 3 carries (§13.22): proves to the BMC that the console knows it. */
export function rakp3Code(exchange: Exchange, password: Buffer): Buffer {
  return hmac(exchange.suite, password, exchange.bmcRandom, id(exchange.consoleId), ...roleAndName(exchange));
}

/** The session integrity key (§13.31), under the BMC's key where one is set, else under the password. */
export function sessionIntegrityKey(exchange: Exchange, bmcKeyOrPassword: Buffer): Buffer {
  return hmac(exchange.suite, bmcKeyOrPassword, exchange.consoleRandom, exchange.bmcRandom, ...roleAndName(exchange));
}

/** What RAKP 4 carries (§13.23): proves that both derived the same session integrity key. */
export function rakp4Code(exchange: Exchange, integrityKey: Buffer): Buffer {
  const code = hmac(exchange.suite, integrityKey, exchange.consoleRandom, id(exchange.bmcId), exchange.bmcGuid);
  return code.subarray(0, exchange.suite.authCodeLength);
}
