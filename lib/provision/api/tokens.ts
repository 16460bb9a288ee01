// The three bearer tokens of the provisioning API: for one boot, for one session, for one installed system.
//
// They carry their claims, signed with the operator's key, so that a restarted operator, or another replica of it, accepts
// what the last one issued, and no secret ever stands in a status. A token proves only that this operator issued it for
// these claims; whether the claims are still wanted is for the Device controller to say.
//
// Form: base64url(JSON of the claims in fixed order) "." base64url(HMAC-SHA-256 under a key derived for the purpose).
import { createHash, createHmac, createSecretKey, type KeyObject, timingSafeEqual } from 'node:crypto';

/** One boot of the live OS on one device for one operation. The same claims always give the same token. */
export interface BootClaims {
  readonly device: string;
  readonly deviceUID: string;
  readonly operationId: string;
  /** Counts the boots within the operation, from 1: a token of an earlier boot is worth nothing after the next one. */
  readonly boot: number;
}

/** One agent, admitted: the boot's claims, the hash of the nonce that it made up, and an end. */
export interface SessionClaims extends BootClaims {
  readonly nonceHash: string;
  /** RFC 3339. */
  readonly expiresAt: string;
}

/** One installation of a system. Valid until the Device controller no longer wants that instance on that device. */
export interface SystemClaims {
  readonly device: string;
  readonly deviceUID: string;
  readonly instanceUID: string;
  /** The operation that installed it. */
  readonly operationId?: string;
}

type Purpose = 'boot' | 'session' | 'system' | 'media';

export const KEY_BYTES = 32;
const MAC_BYTES = 32;
const LONGEST = 2048;

/** Derived once per key: every report of every machine is checked with one. */
const derivedKeys = new WeakMap<Uint8Array, Readonly<Record<Purpose, KeyObject>>>();

function derive(key: Uint8Array): Readonly<Record<Purpose, KeyObject>> {
  if (key.length !== KEY_BYTES) throw new RangeError(`the token key must have ${KEY_BYTES} bytes, not ${key.length}`);
  const forPurpose = (purpose: Purpose) =>
    createSecretKey(createHmac('sha256', key).update(`bmp/v1/${purpose}`).digest());
  return {
    boot: forPurpose('boot'),
    session: forPurpose('session'),
    system: forPurpose('system'),
    media: forPurpose('media'),
  };
}

function mac(key: Uint8Array, purpose: Purpose, payload: string): Buffer {
  const keys = derivedKeys.get(key) ?? derive(key);
  derivedKeys.set(key, keys);
  return createHmac('sha256', keys[purpose]).update(payload).digest();
}

function issue(key: Uint8Array, purpose: Purpose, claims: readonly unknown[]): string {
  const payload = Buffer.from(JSON.stringify(claims)).toString('base64url');
  return `${payload}.${mac(key, purpose, payload).toString('base64url')}`;
}

/** The claims of a token that this key signed for this purpose, else undefined; in constant time where it matters. */
function open(key: Uint8Array, purpose: Purpose, token: string): unknown[] | undefined {
  if (token.length > LONGEST) return undefined;
  const [payload, signature, ...rest] = token.split('.');
  if (payload === undefined || signature === undefined || rest.length > 0) return undefined;
  const given = Buffer.from(signature, 'base64url');
  if (given.length !== MAC_BYTES || !timingSafeEqual(given, mac(key, purpose, payload))) return undefined;
  // Signed by us, so it is what issue() wrote.
  return JSON.parse(Buffer.from(payload, 'base64url').toString()) as unknown[];
}

/** @throws RangeError when the key has not {@link KEY_BYTES} bytes, as all functions here. */
export function bootToken(key: Uint8Array, claims: BootClaims): string {
  return issue(key, 'boot', [claims.device, claims.deviceUID, claims.operationId, claims.boot]);
}

/** What a disc for one boot is known by, in its URL: 32 hex digits. Short, since BMCs take no long URLs. */
export function mediaKey(key: Uint8Array, { device, deviceUID, operationId, boot }: BootClaims): string {
  const payload = JSON.stringify([device, deviceUID, operationId, boot]);
  return mac(key, 'media', payload).subarray(0, 16).toString('hex');
}

/** Whether it is the key of this boot's disc; in constant time. */
export function isMediaKey(key: Uint8Array, claims: BootClaims, given: string): boolean {
  const [found, wanted] = [Buffer.from(given), Buffer.from(mediaKey(key, claims))];
  return found.length === wanted.length && timingSafeEqual(found, wanted);
}

export function readBootToken(key: Uint8Array, token: string): BootClaims | undefined {
  const claims = open(key, 'boot', token);
  if (!claims) return undefined;
  const [device, deviceUID, operationId, boot] = claims as [string, string, string, number];
  return { device, deviceUID, operationId, boot };
}

export function sessionToken(key: Uint8Array, claims: SessionClaims): string {
  const { device, deviceUID, operationId, boot, nonceHash, expiresAt } = claims;
  return issue(key, 'session', [device, deviceUID, operationId, boot, nonceHash, expiresAt]);
}

/** @param now milliseconds since the epoch; a session that has ended by then is not valid. */
export function readSessionToken(key: Uint8Array, token: string, now: number): SessionClaims | undefined {
  const claims = open(key, 'session', token);
  if (!claims) return undefined;
  const [device, deviceUID, operationId, boot, nonceHash, expiresAt] = claims as [
    string,
    string,
    string,
    number,
    string,
    string,
  ];
  if (!(Date.parse(expiresAt) > now)) return undefined;
  return { device, deviceUID, operationId, boot, nonceHash, expiresAt };
}

export function systemToken(key: Uint8Array, claims: SystemClaims): string {
  return issue(key, 'system', [claims.device, claims.deviceUID, claims.instanceUID, claims.operationId ?? null]);
}

export function readSystemToken(key: Uint8Array, token: string): SystemClaims | undefined {
  const claims = open(key, 'system', token);
  if (!claims) return undefined;
  const [device, deviceUID, instanceUID, operationId] = claims as [string, string, string, string | null];
  return { device, deviceUID, instanceUID, ...(operationId === null ? {} : { operationId }) };
}

/** What is kept of a nonce in a status: SHA-256, hex. */
export function hashNonce(nonce: string): string {
  return createHash('sha256').update(nonce).digest('hex');
}
