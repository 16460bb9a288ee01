// Who makes a request (authentication/v1 UserInfo), and the groups that the server itself gives.

export interface User {
  readonly name: string;
  readonly uid: string;
  readonly groups: readonly string[];
  readonly extra?: { readonly [key: string]: readonly string[] };
}

/** Members may do everything, whatever the roles say. */
export const MASTERS = 'system:masters';
/** Everybody who got in. */
export const AUTHENTICATED = 'system:authenticated';

const SERVICE_ACCOUNT = 'system:serviceaccount:';

export function serviceAccountUser(namespace: string, name: string, uid: string): User {
  return {
    name: `${SERVICE_ACCOUNT}${namespace}:${name}`,
    uid,
    groups: ['system:serviceaccounts', `system:serviceaccounts:${namespace}`, AUTHENTICATED],
  };
}

/** The namespace and name in a service account's user name; undefined for other users. */
export function parseServiceAccount(user: string): { namespace: string; name: string } | undefined {
  if (!user.startsWith(SERVICE_ACCOUNT)) return undefined;
  const [namespace, name, ...rest] = user.slice(SERVICE_ACCOUNT.length).split(':');
  return namespace && name && rest.length === 0 ? { namespace, name } : undefined;
}
