// From a request's headers to its user: a bearer token, and whom an administrator may act as.
import type { IncomingHttpHeaders } from 'node:http';
import { ApiError, badRequest, unauthorized } from '../status.ts';
import { type Authorizer, refusal } from './authorizer.ts';
import type { Attributes } from './rules.ts';
import type { ServiceAccountTokens } from './service-accounts.ts';
import type { Tokens } from './tokens.ts';
import { AUTHENTICATED, parseServiceAccount, type User } from './user.ts';

export class Authenticator {
  readonly #tokens: Tokens;
  readonly #accounts: ServiceAccountTokens;
  readonly #authorizer: Authorizer;
  readonly #known = new WeakMap<object, { readonly header: string; readonly user: User }>();

  constructor(tokens: Tokens, accounts: ServiceAccountTokens, authorizer: Authorizer) {
    this.#tokens = tokens;
    this.#accounts = accounts;
    this.#authorizer = authorizer;
  }

  /** The user of a bearer token; undefined when it is nobody's. */
  userOf(token: string): User | undefined {
    return this.#tokens.authenticate(token) ?? this.#accounts.authenticate(token);
  }

  /**
   * @param connection remembers whom it brought with which header: the next request usually has the same
   * @throws ApiError 401 without a valid identity; 403 for acting as somebody without the right to
   */
  authenticate(headers: IncomingHttpHeaders, connection: object): User {
    const user = this.#bearer(headers.authorization ?? '', connection);
    if (!user) throw unauthorized();
    const asked = impersonation(headers);
    return asked ? this.#impersonate(user, asked) : user;
  }

  #bearer(header: string, connection: object): User | undefined {
    const known = this.#known.get(connection);
    // Comparing with what the same connection sent before tells it nothing new.
    if (known?.header === header) return known.user;
    const token = /^bearer +([^\s]+)\s*$/i.exec(header)?.[1];
    if (token === undefined) return undefined;
    const user = this.#tokens.authenticate(token);
    if (user) this.#known.set(connection, { header, user });
    // Tokens of service accounts end, or lose their account: they are looked at every time.
    return user ?? this.#accounts.authenticate(token);
  }

  #impersonate(user: User, asked: Impersonation): User {
    const account = parseServiceAccount(asked.name);
    const check = (resource: string, name: string, namespace = '', group = '', subresource = '') => {
      const wanted: Attributes = { verb: 'impersonate', group, resource, subresource, namespace, name };
      const decision = this.#authorizer.decide(user, wanted);
      if (decision.allowed) return;
      const kind = group ? `${resource}.${group}` : resource;
      const message = `${kind} ${JSON.stringify(name)} is forbidden: ${refusal(user, wanted, decision)}`;
      throw new ApiError(403, 'Forbidden', message, { name, ...(group ? { group } : {}), kind: resource });
    };
    if (account) check('serviceaccounts', account.name, account.namespace);
    else check('users', asked.name);
    for (const group of asked.groups) check('groups', group);
    if (asked.uid) check('uids', asked.uid, '', 'authentication.k8s.io');
    // They say nothing here, but may not be claimed by whoever wants to.
    for (const { key, value } of asked.extra) check('userextras', value, '', 'authentication.k8s.io', key);
    const own = account ? ['system:serviceaccounts', `system:serviceaccounts:${account.namespace}`] : [];
    const groups = asked.groups.length > 0 ? asked.groups : own;
    return { name: asked.name, uid: asked.uid, groups: [...new Set([...groups, AUTHENTICATED])] };
  }
}

interface Impersonation {
  readonly name: string;
  readonly uid: string;
  readonly groups: readonly string[];
  readonly extra: readonly { readonly key: string; readonly value: string }[];
}

const EXTRA = 'impersonate-extra-';

function impersonation(headers: IncomingHttpHeaders): Impersonation | undefined {
  const one = (name: string) => {
    const value = headers[name];
    return Array.isArray(value) ? (value[0] ?? '') : (value ?? '');
  };
  const name = one('impersonate-user');
  // Node joins repeated headers that it does not know with commas.
  const groups = one('impersonate-group').split(/,\s*/).filter(Boolean);
  const uid = one('impersonate-uid');
  const extra = Object.keys(headers)
    .filter((header) => header.startsWith(EXTRA))
    .map((header) => ({ key: header.slice(EXTRA.length), value: one(header) }));
  if (name) return { name, uid, groups, extra };
  if (groups.length > 0 || uid || extra.length > 0)
    throw badRequest('requested impersonation without impersonating a user');
  return undefined;
}
