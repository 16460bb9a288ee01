// What the account in use may do, as the BMC's own user table says.
//
// A session at administrator level is not proof enough: some BMCs grant one to accounts whose limit is lower, and then
// refuse commands one by one.
import type { IpmiClient } from './client.ts';
import { APP, decodeUserAccess, decodeUserName, type PrivilegeName, THIS_CHANNEL } from './wire/channel.ts';
import { COMPLETION } from './wire/completion.ts';
import { NETFN } from './wire/message.ts';

const FIRST_USER = 1;

/** The privilege limit of the named user on this channel, or undefined where the BMC does not tell. */
export async function accountLimit(
  client: IpmiClient,
  username: string,
  signal: AbortSignal,
): Promise<PrivilegeName | undefined> {
  const ask = (command: number, ...data: number[]) =>
    client.ask({ netFn: NETFN.app, command, data: Buffer.from(data) }, signal);
  const first = await ask(APP.getUserAccess, THIS_CHANNEL, FIRST_USER);
  if (first.completion !== COMPLETION.ok) return undefined;
  const { maxUsers } = decodeUserAccess(first.data);
  for (let id = FIRST_USER; id <= maxUsers; id++) {
    const name = await ask(APP.getUserName, id);
    if (name.completion !== COMPLETION.ok || decodeUserName(name.data) !== username) continue; // an empty slot has no name
    const access = await ask(APP.getUserAccess, THIS_CHANNEL, id);
    return access.completion === COMPLETION.ok ? decodeUserAccess(access.data).limit : undefined;
  }
  return undefined;
}
