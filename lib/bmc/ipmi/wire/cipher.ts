// Cipher suites: which algorithms a session uses, and the keys that both sides derive (IPMI 2.0 §13.28 to §13.32, §22.15.2).
import { createHmac, createSecretKey, type KeyObject } from 'node:crypto';

export interface CipherSuite {
  readonly id: 3 | 17;
  /** Algorithm numbers of §13.28 (authentication, integrity, confidentiality), as Open Session carries them. */
  readonly authentication: 0x01 | 0x03;
  readonly integrity: 0x01 | 0x04;
  readonly confidentiality: 0x01;
  readonly hash: 'sha1' | 'sha256';
  /** Bytes of a full digest, as in RAKP 2 and RAKP 3. */
  readonly digestLength: 20 | 32;
  /** Bytes of a truncated digest, as in RAKP 4 and behind every packet. */
  readonly authCodeLength: 12 | 16;
}

export type CipherSuiteId = CipherSuite['id'];

/** The suites spoken here. 17: SHA-256 throughout. 3: SHA-1, required of every IPMI 2.0 BMC. Both encrypt with AES-CBC-128. */
export const CIPHER_SUITES: Readonly<Record<CipherSuiteId, CipherSuite>> = {
  17: {
    id: 17,
    authentication: 0x03,
    integrity: 0x04,
    confidentiality: 0x01,
    hash: 'sha256',
    digestLength: 32,
    authCodeLength: 16,
  },
  3: {
    id: 3,
    authentication: 0x01,
    integrity: 0x01,
    confidentiality: 0x01,
    hash: 'sha1',
    digestLength: 20,
    authCodeLength: 12,
  },
};

/** What an open session signs and encrypts with. */
export interface SessionKeys {
  readonly suite: CipherSuite;
  /** K1, for the integrity of packets. */
  readonly integrity: KeyObject;
  /** The first 16 bytes of K2, for AES. */
  readonly encryption: KeyObject;
}

/**
 * The same while nothing is said: few bytes of text on JavaScript's own heap. Two KeyObjects take two kilobytes outside of it,
 * which is most of an idle session, and there are thousands of them.
 */
export interface IdleKeys {
  readonly suite: CipherSuite;
  /** K1, then what is used of K2; a character is a byte. */
  readonly bytes: string;
}

/** Bytes as a key are made a KeyObject first: Node takes those several times as fast. */
export function hmac(suite: CipherSuite, key: Buffer | KeyObject, ...parts: Buffer[]): Buffer {
  const digest = createHmac(suite.hash, Buffer.isBuffer(key) ? createSecretKey(key) : key);
  for (const part of parts) digest.update(part);
  return digest.digest();
}

const AES_KEY_LENGTH = 16;

/** K1 and K2 from the session integrity key (§13.32): HMACs over twenty bytes of 01 and of 02, for either hash. */
export function deriveKeys(suite: CipherSuite, sessionIntegrityKey: Buffer): IdleKeys {
  const derived = (constant: number) => hmac(suite, sessionIntegrityKey, Buffer.alloc(20, constant));
  const bytes = Buffer.concat([derived(1), derived(2).subarray(0, AES_KEY_LENGTH)]).toString('latin1');
  return { suite, bytes };
}

/** For one exchange, say. */
export function keysOf({ suite, bytes }: IdleKeys): SessionKeys {
  const both = Buffer.from(bytes, 'latin1');
  const integrity = both.subarray(0, suite.digestLength);
  return {
    suite,
    integrity: createSecretKey(integrity),
    encryption: createSecretKey(both.subarray(suite.digestLength)),
  };
}
