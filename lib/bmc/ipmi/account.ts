// Accounts in a BMC's own user table: what one may do, and its password (IPMI 2.0 §22.26 to §22.30).
import { BmcError } from '../errors.ts';
import type { IpmiClient } from './client.ts';
import {
  APP,
  decodeUserAccess,
  decodeUserName,
  encodeUserPassword,
  PASSWORD_OPERATION,
  type PrivilegeName,
  THIS_CHANNEL,
} from './wire/channel.ts';
import { COMPLETION } from './wire/completion.ts';
import { NETFN } from './wire/message.ts';

const FIRST_USER = 1;
const LONG_PASSWORD = 20;
const SHORT_PASSWORD = 16;

function ask(client: IpmiClient, signal: AbortSignal, command: number, ...data: number[]) {
  return client.ask({ netFn: NETFN.app, command, data: Buffer.from(data) }, signal);
}

/** The number of the named user, or undefined where the BMC has none, or does not tell. */
async function findUser(client: IpmiClient, username: string, signal: AbortSignal): Promise<number | undefined> {
  const first = await ask(client, signal, APP.getUserAccess, THIS_CHANNEL, FIRST_USER);
  if (first.completion !== COMPLETION.ok) return undefined;
  const { maxUsers } = decodeUserAccess(first.data);
  for (let id = FIRST_USER; id <= maxUsers; id++) {
    const name = await ask(client, signal, APP.getUserName, id);
    if (name.completion === COMPLETION.ok && decodeUserName(name.data) === username) return id; // an empty slot may refuse
  }
  return undefined;
}

/**
 * The privilege limit of the named user on this channel, or undefined where the BMC does not tell.
 *
 * A session at administrator level is not proof enough: some BMCs grant one to accounts whose limit is lower, and then
 * refuse commands one by one.
 */
export async function accountLimit(
  client: IpmiClient,
  username: string,
  signal: AbortSignal,
): Promise<PrivilegeName | undefined> {
  const id = await findUser(client, username, signal);
  if (id === undefined) return undefined;
  const { completion, data } = await ask(client, signal, APP.getUserAccess, THIS_CHANNEL, id);
  return completion === COMPLETION.ok ? decodeUserAccess(data).limit : undefined;
}

/** Throws `unsupported` for passwords over 20 bytes and users that the BMC does not have. */
export async function changePassword(
  client: IpmiClient,
  address: string,
  username: string,
  password: string,
  signal: AbortSignal,
): Promise<void> {
  const bytes = Buffer.from(password, 'utf8');
  if (bytes.length === 0 || bytes.length > LONG_PASSWORD) {
    throw new BmcError('unsupported', address, `a password has 1 to ${LONG_PASSWORD} bytes`);
  }
  const userId = await findUser(client, username, signal);
  if (userId === undefined) throw new BmcError('unsupported', address, 'the BMC has no account of that name');
  const set = (size: typeof LONG_PASSWORD | typeof SHORT_PASSWORD) => {
    const data = encodeUserPassword({ userId, operation: PASSWORD_OPERATION.set, password: bytes }, size);
    return client.ask({ netFn: NETFN.app, command: APP.setUserPassword, data }, signal);
  };
  let { completion } = await set(LONG_PASSWORD);
  // BMCs that know only the 16-byte form of IPMI 1.5 refuse the other's length.
  if (completion !== COMPLETION.ok && bytes.length <= SHORT_PASSWORD) ({ completion } = await set(SHORT_PASSWORD));
  if (completion !== COMPLETION.ok) throw client.commandError('set password', completion);
}
