// The keys that records are encrypted with, in a file of their owner's: one a line, base64 of 32 bytes. The first one encrypts,
// all of them decrypt: rotate by putting a new one on top; at the next start all is encrypted with it, and the others may go.
import { createCipheriv, createDecipheriv, createHash, randomBytes } from 'node:crypto';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { writePrivate } from '../certs/private-file.ts';

const ALGORITHM = 'aes-256-gcm';
const KEY_BYTES = 32;
const ID_BYTES = 8;
/** NIST SP 800-38D, 8.2.2: random, 96 bits; good for 2^32 records under one key. */
const IV_BYTES = 12;
const TAG_BYTES = 16;
const HEAD_BYTES = ID_BYTES + IV_BYTES + TAG_BYTES;

/** A record that cannot be read: its key is not here, or it was changed. */
export class KeyError extends Error {
  override readonly name = 'KeyError';
}

/** Tells which key a record needs without telling the key. */
function idOf(key: Buffer): string {
  return createHash('sha256')
    .update('bmp record key')
    .update(key)
    .digest('hex')
    .slice(0, 2 * ID_BYTES);
}

/** The id of the key that a sealed record needs, as 16 hexadecimal digits. */
export function keyIdOf(sealed: Uint8Array): string {
  return Buffer.from(sealed.buffer, sealed.byteOffset, Math.min(ID_BYTES, sealed.byteLength)).toString('hex');
}

export class Keys {
  readonly #path: string;
  readonly #keys = new Map<string, Buffer>();
  /** The id of the key that encrypts. */
  readonly current: string;

  private constructor(path: string, keys: readonly Buffer[]) {
    this.#path = path;
    for (const key of keys) this.#keys.set(idOf(key), key);
    this.current = idOf(keys[0]!);
  }

  /**
   * Reads the file. Where there is none, makes one with a new key, if `needed` says that no record needs an old one.
   * @throws KeyError when it is missing and needed, open to others, or holds something else
   */
  static open(path: string, needed: readonly string[]): Keys {
    if (!existsSync(path)) {
      if (needed.length > 0)
        throw new KeyError(
          `${path} is missing, and there are Secrets encrypted with key ${needed.join(', ')}: put it back`,
        );
      writePrivate(path, `${randomBytes(KEY_BYTES).toString('base64')}\n`);
    }
    const mode = statSync(path).mode & 0o777;
    if (mode & 0o077) throw new KeyError(`${path} can be read by others (mode ${mode.toString(8)}): chmod 600 it`);
    const lines = readFileSync(path, 'utf8').split('\n').filter(Boolean);
    const keys = lines.map((line) => Buffer.from(line, 'base64'));
    if (keys.length === 0 || keys.some((key) => key.length !== KEY_BYTES))
      throw new KeyError(`${path} must hold keys of ${KEY_BYTES} bytes in base64, one a line`);
    return new Keys(path, keys);
  }

  /** @throws KeyError naming those of the ids that are not here */
  require(ids: readonly string[]): void {
    const missing = ids.filter((id) => !this.#keys.has(id));
    if (missing.length > 0)
      throw new KeyError(
        `Secrets are encrypted with key ${missing.join(', ')}, which is not in ${this.#path}: add it as a line`,
      );
  }

  /** Encrypts a record: key id, IV, tag, ciphertext. `place` says what it is of, and must be the same to open it. */
  seal(text: string, place: string): Uint8Array {
    const iv = randomBytes(IV_BYTES);
    const cipher = createCipheriv(ALGORITHM, this.#keys.get(this.current)!, iv).setAAD(Buffer.from(place));
    const content = [cipher.update(text, 'utf8'), cipher.final()];
    return Buffer.concat([Buffer.from(this.current, 'hex'), iv, cipher.getAuthTag(), ...content]);
  }

  /** @throws KeyError when the key is not here, or the record or its place is not what was sealed */
  open(sealed: Uint8Array, place: string): string {
    const id = keyIdOf(sealed);
    this.require([id]);
    const bytes = Buffer.from(sealed.buffer, sealed.byteOffset, sealed.byteLength);
    if (bytes.length < HEAD_BYTES) throw new KeyError(`the record of ${place} is damaged`);
    const decipher = createDecipheriv(ALGORITHM, this.#keys.get(id)!, bytes.subarray(ID_BYTES, ID_BYTES + IV_BYTES));
    decipher.setAAD(Buffer.from(place)).setAuthTag(bytes.subarray(ID_BYTES + IV_BYTES, HEAD_BYTES));
    try {
      return decipher.update(bytes.subarray(HEAD_BYTES), undefined, 'utf8') + decipher.final('utf8');
    } catch (error) {
      throw new KeyError(`the record of ${place} is damaged`, { cause: error });
    }
  }
}
