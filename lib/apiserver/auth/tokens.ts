// Bearer tokens: compared by digest in constant time, so that neither a token's content nor its length can be felt out.
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import type { User } from './user.ts';

const digest = (token: string): Buffer => createHash('sha256').update(token).digest();

export function randomToken(): string {
  return randomBytes(32).toString('base64url');
}

export class Tokens {
  readonly #known: { readonly digest: Buffer; readonly user: User }[] = [];

  add(token: string, user: User): void {
    this.#known.push({ digest: digest(token), user });
  }

  /** The user of a token; undefined when it is nobody's. */
  authenticate(token: string): User | undefined {
    const given = digest(token);
    let found: User | undefined;
    // All are compared, so that the time tells nothing about which.
    for (const known of this.#known) if (timingSafeEqual(known.digest, given)) found = known.user;
    return found;
  }
}
