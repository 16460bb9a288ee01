// Channels and sessions: what a BMC offers before a login, and the commands about the session itself (IPMI 2.0 §22).
import { need, WireError } from './bytes.ts';

export const APP = {
  getChannelAuthCapabilities: 0x38,
  setSessionPrivilege: 0x3b,
  closeSession: 0x3c,
  getSessionInfo: 0x3d,
  setChannelAccess: 0x40,
  getChannelAccess: 0x41,
  getChannelInfo: 0x42,
  setUserAccess: 0x43,
  getUserAccess: 0x44,
  setUserName: 0x45,
  getUserName: 0x46,
  setUserPassword: 0x47,
  getChannelCipherSuites: 0x54,
} as const;

/** "The channel that this request came over" (§6.3). */
export const THIS_CHANNEL = 0x0e;

/** Privilege levels (§6.8). "none" (0x0f) is a user's limit on a channel that he may not use. */
export const PRIVILEGE = { callback: 1, user: 2, operator: 3, administrator: 4, oem: 5, none: 0x0f } as const;
export type PrivilegeName = keyof typeof PRIVILEGE;

export function privilegeName(level: number): PrivilegeName | undefined {
  return (Object.keys(PRIVILEGE) as PrivilegeName[]).find((name) => PRIVILEGE[name] === level);
}

/** Get Channel Authentication Capabilities, response (§22.13). */
export interface AuthCapabilities {
  readonly channel: number;
  readonly supportsIpmi2: boolean;
  /** A key of the BMC's own (KG) is set: sessions need it beside the password. */
  readonly bmcKeySet: boolean;
}

/** Asks with the bit that makes an IPMI 2.0 BMC tell of its RMCP+ support. */
export function encodeAuthCapabilitiesRequest(privilege: number): Buffer {
  return Buffer.of(0x80 | THIS_CHANNEL, privilege);
}

export function decodeAuthCapabilities(data: Buffer): AuthCapabilities {
  need(data, 8, 'Get Channel Authentication Capabilities');
  const extended = (data[1]! & 0x80) !== 0;
  return {
    channel: data[0]! & 0x0f,
    supportsIpmi2: extended && (data[3]! & 0x02) !== 0,
    bmcKeySet: extended && (data[2]! & 0x20) !== 0,
  };
}

export function encodeAuthCapabilities(capabilities: AuthCapabilities): Buffer {
  // Non-null user names only; IPMI 1.5 sessions ("connections") are not offered.
  const status = 0x04 | (capabilities.bmcKeySet ? 0x20 : 0);
  return Buffer.of(capabilities.channel, 0x80, status, capabilities.supportsIpmi2 ? 0x02 : 0x01, 0, 0, 0, 0);
}

/** Asks for 16 bytes of the channel's cipher suite records, from block `index` on (§22.15). */
export function encodeCipherSuitesRequest(index: number): Buffer {
  return Buffer.of(THIS_CHANNEL, 0x00, 0x80 | index);
}

/** The records' bytes in one response; fewer than 16 end the list. */
export function decodeCipherSuitesResponse(data: Buffer): Buffer {
  need(data, 1, 'Get Channel Cipher Suites');
  return data.subarray(1, 17);
}

/** The standard suites' numbers in a whole record list (§22.15.1). OEM suites are passed over. */
export function decodeCipherSuites(records: Buffer): number[] {
  const found: number[] = [];
  for (let at = 0; at < records.length; ) {
    const start = records[at]!;
    if (start !== 0xc0 && start !== 0xc1) throw new WireError(`cipher suite record begins with ${start}`);
    const head = start === 0xc0 ? 2 : 5;
    need(records.subarray(at), head, 'cipher suite record');
    if (start === 0xc0) found.push(records[at + 1]!);
    at += head;
    while (at < records.length && records[at]! < 0xc0) at++;
  }
  return found;
}

export function encodeCipherSuites(
  suites: readonly { id: number; authentication: number; integrity: number; confidentiality: number }[],
): Buffer {
  const record = (suite: (typeof suites)[number]) => [
    0xc0,
    suite.id,
    suite.authentication,
    0x40 | suite.integrity,
    0x80 | suite.confidentiality,
  ];
  return Buffer.from(suites.flatMap(record));
}

/** Get User Access, response (§22.27): what a user may do on the channel asked about. */
export interface UserAccess {
  readonly maxUsers: number;
  readonly enabledUsers: number;
  readonly fixedNames: number;
  readonly limit: PrivilegeName;
  readonly ipmiMessaging: boolean;
  readonly linkAuthentication: boolean;
  readonly callbackOnly: boolean;
  readonly enabled: boolean;
}

export function decodeUserAccess(data: Buffer): UserAccess {
  need(data, 4, 'Get User Access');
  const access = data[3]!;
  return {
    maxUsers: data[0]! & 0x3f,
    enabledUsers: data[1]! & 0x3f,
    fixedNames: data[2]! & 0x3f,
    limit: privilegeName(access & 0x0f) ?? 'none',
    callbackOnly: (access & 0x40) !== 0,
    linkAuthentication: (access & 0x20) !== 0,
    ipmiMessaging: (access & 0x10) !== 0,
    enabled: data[1]! >> 6 !== 2,
  };
}

export function encodeUserAccess(access: UserAccess): Buffer {
  const flags =
    (access.callbackOnly ? 0x40 : 0) | (access.linkAuthentication ? 0x20 : 0) | (access.ipmiMessaging ? 0x10 : 0);
  const status = access.enabled ? 0x40 : 0x80;
  return Buffer.of(access.maxUsers, status | access.enabledUsers, access.fixedNames, flags | PRIVILEGE[access.limit]);
}

/** User names are sixteen bytes, padded with zeros (§22.28). */
export function encodeUserName(name: string): Buffer {
  const bytes = Buffer.alloc(16);
  bytes.write(name, 'latin1');
  return bytes;
}

export function decodeUserName(bytes: Buffer): string {
  const end = bytes.indexOf(0);
  return bytes.subarray(0, end < 0 ? 16 : end).toString('latin1');
}

/** Set User Password's operations (§22.30). */
export const PASSWORD_OPERATION = { disable: 0, enable: 1, set: 2, test: 3 } as const;

export interface UserPasswordRequest {
  readonly userId: number;
  readonly operation: number;
  /** 16 or 20 bytes, zeros at the end; empty to enable or disable. */
  readonly password: Buffer;
}

/** In the 20-byte form of IPMI 2.0, or the 16-byte one of 1.5. */
export function encodeUserPassword(request: UserPasswordRequest, size: 16 | 20 = 20): Buffer {
  const password = Buffer.alloc(size);
  request.password.copy(password);
  const start = Buffer.of((size === 20 ? 0x80 : 0) | request.userId, request.operation);
  const carries = request.operation === PASSWORD_OPERATION.set || request.operation === PASSWORD_OPERATION.test;
  return carries ? Buffer.concat([start, password]) : start;
}

export function decodeUserPassword(data: Buffer): UserPasswordRequest {
  need(data, 2, 'Set User Password');
  const length = data[0]! & 0x80 ? 20 : 16;
  return { userId: data[0]! & 0x3f, operation: data[1]! & 0x03, password: data.subarray(2, 2 + length) };
}
