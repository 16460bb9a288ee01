// Cipher suites: which algorithms a session uses, and the keys that both sides derive (IPMI 2.0 §13.28 to §13.32, §22.15.2).
import { createSecretKey, hash, type KeyObject } from 'node:crypto';

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
  readonly integrity: Buffer;
  /** The first 16 bytes of K2, for AES. */
  readonly encryption: KeyObject;
}

const BLOCK = 64; // bytes, of SHA-1 and of SHA-256

/** `bytes` behind a block that holds the key, each of its bytes changed by `mask`. */
function keyed(key: Buffer, mask: number, parts: readonly Buffer[]): Buffer {
  const bytes = Buffer.concat([PADDING, ...parts]);
  for (let i = 0; i < BLOCK; i++) bytes[i] = (key[i] ?? 0) ^ mask;
  return bytes;
}
const PADDING = Buffer.alloc(BLOCK);

/**
 * RFC 2104, made of one-shot digests. An Hmac object holds a kilobyte outside JavaScript's heap, which only a full garbage
 * collection gives back: at two for each poll these were most of a process that watches thousands of BMCs. Keys here are shorter
 * than a block.
 */
export function hmac(suite: CipherSuite, key: Buffer, ...parts: Buffer[]): Buffer {
  if (key.length > BLOCK) throw new RangeError(`a key of ${key.length} bytes`);
  const inner = hash(suite.hash, keyed(key, 0x36, parts), 'buffer');
  return hash(suite.hash, keyed(key, 0x5c, [inner]), 'buffer');
}

/** K1 and K2 from the session integrity key (§13.32): HMACs over twenty bytes of 01 and of 02, for either hash. */
export function deriveKeys(suite: CipherSuite, sessionIntegrityKey: Buffer): SessionKeys {
  const derived = (constant: number) => hmac(suite, sessionIntegrityKey, Buffer.alloc(20, constant));
  return {
    suite,
    integrity: derived(1),
    encryption: createSecretKey(derived(2).subarray(0, 16)),
  };
}
