// Tokens of service accounts: signed JWTs (RFC 7519, ES256) that name the account and end; valid as long as it exists.
import {
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  randomUUID,
  sign,
  verify,
} from 'node:crypto';
import { asText, at, isObject, type JsonObject } from '../json.ts';
import type { Store } from '../store/store.ts';
import { serviceAccountUser, type User } from './user.ts';

/** What a token is for when nobody says otherwise: this API. */
export const AUDIENCE = 'https://kubernetes.default.svc';
const ISSUER = AUDIENCE;
const HEADER = encode({ alg: 'ES256', typ: 'JWT' });

function encode(value: JsonObject): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}

function decode(text: string): JsonObject | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(text, 'base64url').toString());
    return isObject(value as JsonObject) ? (value as JsonObject) : undefined;
  } catch (error) {
    // Whatever somebody sends as a token need not be one.
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** A new signing key in PEM, PKCS #8. */
export function generateSigningKey(): string {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return privateKey.export({ format: 'pem', type: 'pkcs8' }).toString().trim();
}

export interface Account {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
}

/** A Secret that a token ends with. */
export interface Bound {
  readonly name: string;
  readonly uid: string;
}

export class ServiceAccountTokens {
  readonly #store: Store;
  readonly #private: KeyObject;
  readonly #public: KeyObject;
  readonly #now: () => number;

  /** @param key PEM, PKCS #8; @param now milliseconds since the epoch */
  constructor(store: Store, key: string, now: () => number) {
    this.#store = store;
    this.#private = createPrivateKey(key);
    this.#public = createPublicKey(this.#private);
    this.#now = now;
  }

  issue(
    account: Account,
    audiences: readonly string[],
    seconds: number,
    bound?: Bound,
  ): { token: string; expiration: number } {
    const issued = Math.floor(this.#now() / 1000);
    const expiration = issued + seconds;
    const claims = {
      aud: [...audiences],
      exp: expiration,
      iat: issued,
      iss: ISSUER,
      jti: randomUUID(),
      nbf: issued,
      sub: serviceAccountUser(account.namespace, account.name, account.uid).name,
      'kubernetes.io': {
        namespace: account.namespace,
        serviceaccount: { name: account.name, uid: account.uid },
        ...(bound ? { secret: { name: bound.name, uid: bound.uid } } : {}),
      },
    };
    const content = `${HEADER}.${encode(claims)}`;
    const signature = sign('sha256', Buffer.from(content), { key: this.#private, dsaEncoding: 'ieee-p1363' });
    return { token: `${content}.${signature.toString('base64url')}`, expiration: expiration * 1000 };
  }

  /** The account's user; undefined when the token is not ours, has ended, is for others, or its account or Secret is gone. */
  authenticate(token: string): User | undefined {
    const [header = '', payload = '', signature = '', ...rest] = token.split('.');
    if (header !== HEADER || rest.length > 0) return undefined;
    const key = { key: this.#public, dsaEncoding: 'ieee-p1363' as const };
    if (!verify('sha256', Buffer.from(`${header}.${payload}`), key, Buffer.from(signature, 'base64url')))
      return undefined;
    const claims = decode(payload);
    const seconds = this.#now() / 1000;
    if (!claims || claims['iss'] !== ISSUER || !(Number(claims['exp']) > seconds)) return undefined;
    if (!Array.isArray(claims['aud']) || !claims['aud'].includes(AUDIENCE)) return undefined;
    const namespace = asText(at(claims, ['kubernetes.io', 'namespace']));
    const name = asText(at(claims, ['kubernetes.io', 'serviceaccount', 'name']));
    const uid = asText(at(claims, ['kubernetes.io', 'serviceaccount', 'uid']));
    const account = this.#store.get('serviceaccounts', `${namespace}/${name}`)?.object;
    const bound = at(claims, ['kubernetes.io', 'secret']);
    if (isObject(bound)) {
      const secret = this.#store.get('secrets', `${namespace}/${asText(bound['name'])}`)?.object;
      if (secret?.metadata.uid !== bound['uid']) return undefined;
    }
    return account?.metadata.uid === uid ? serviceAccountUser(namespace, name, uid) : undefined;
  }
}
