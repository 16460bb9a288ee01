// Accounts of a Redfish service: what one may do, and its password (schemas AccountService, ManagerAccount, Role).
import type { RedfishClient } from './client.ts';
import { type Json, link, memberPaths, text, texts } from './json.ts';

/** The account of this name with its path, or undefined. Throws `privilege` where accounts may not be read. */
async function findAccount(
  client: RedfishClient,
  username: string,
  signal: AbortSignal,
): Promise<[string, Json] | undefined> {
  const service = await client.find(link(await client.root(signal), 'AccountService'), signal);
  const accounts = service && (await client.find(link(service, 'Accounts'), signal));
  for (const account of accounts ? memberPaths(accounts) : []) {
    const json = await client.find(account, signal);
    if (json && text(json, 'UserName') === username) return [account, json];
  }
  return undefined;
}

/** What an administrator's role lets him do, whatever it is called (schema Privileges). */
const NEEDED = ['ConfigureComponents', 'ConfigureManager'];

/** Throws `privilege` unless the account in use is an administrator. Accounts from a directory, which are not listed, are believed. */
export async function proveAdministrator(client: RedfishClient, signal: AbortSignal): Promise<void> {
  const found = await findAccount(client, client.username, signal);
  if (!found) return;
  const [, account] = found;
  const roleName = text(account, 'RoleId') ?? '';
  if (roleName === 'Administrator') return;
  const role = await client.find(link(linksOf(account), 'Role'), signal);
  const privileges = role ? texts(role, 'AssignedPrivileges') : [];
  if (NEEDED.every((privilege) => privileges.includes(privilege))) return;
  throw client.error('privilege', `the account has the role ${roleName || 'none'}, not administrator`);
}

const linksOf = (account: Json): Json => {
  const links = account.Links;
  return typeof links === 'object' && links !== null ? (links as Json) : {};
};

export async function changePassword(
  client: RedfishClient,
  username: string,
  password: string,
  signal: AbortSignal,
): Promise<void> {
  const found = await findAccount(client, username, signal);
  if (!found) throw client.error('unsupported', 'the BMC has no account of that name');
  await client.patch(found[0], { Password: password }, signal, true);
}
