// Who may ask: sessions of a simulated Redfish service, and basic authentication (DSP0266 §13.3).
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import type { Faults } from '../faults.ts';
import type { UserSlot, Users } from '../users.ts';

const INACTIVITY = 30 * 60_000;

export interface RedfishSession {
  readonly id: string;
  readonly token: string;
  readonly user: UserSlot;
  seenAt: number;
}

const digest = (bytes: Buffer | string) => createHash('sha256').update(bytes).digest();

export class Tokens {
  readonly #users: Users;
  readonly #limit: number;
  readonly #now: () => number;
  readonly #sessions = new Map<string, RedfishSession>();
  #next = 1;

  constructor(users: Users, limit: number, now: () => number) {
    this.#users = users;
    this.#limit = limit;
    this.#now = now;
  }

  list(): RedfishSession[] {
    const oldest = this.#now() - INACTIVITY;
    for (const [token, { seenAt }] of this.#sessions) if (seenAt < oldest) this.#sessions.delete(token);
    return [...this.#sessions.values()];
  }

  /** The account, if name and password are right. */
  account(name: unknown, password: unknown, faults: Faults): UserSlot | undefined {
    if (typeof name !== 'string' || typeof password !== 'string' || faults.wrongCredentials) return undefined;
    const user = this.#users.byName(name);
    return user && timingSafeEqual(digest(user.password), digest(password)) ? user : undefined;
  }

  /** Undefined when there is no room for another. */
  open(user: UserSlot, faults: Faults): RedfishSession | undefined {
    if (faults.sessionsExhausted || this.list().length >= this.#limit) return undefined;
    const session = { id: String(this.#next++), token: randomBytes(16).toString('hex'), user, seenAt: this.#now() };
    this.#sessions.set(session.token, session);
    return session;
  }

  /** The account behind a request's headers. */
  authenticate(headers: Readonly<Record<string, unknown>>, faults: Faults): UserSlot | undefined {
    const token = headers['x-auth-token'];
    if (typeof token === 'string') {
      const session = this.list().find((each) => each.token === token);
      if (session) session.seenAt = this.#now();
      return session?.user;
    }
    const { authorization } = headers;
    if (typeof authorization !== 'string') return undefined;
    const basic = /^Basic ([A-Za-z0-9+/=]+)$/.exec(authorization)?.[1];
    if (basic === undefined) return undefined;
    const [name, ...password] = Buffer.from(basic, 'base64').toString().split(':');
    return this.account(name, password.join(':'), faults);
  }

  end(id: string): boolean {
    const session = this.list().find((each) => each.id === id);
    return session !== undefined && this.#sessions.delete(session.token);
  }

  clear(): void {
    this.#sessions.clear();
  }
}
