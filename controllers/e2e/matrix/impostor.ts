// Somebody who took the boot token of a machine: asks to be admitted as its agent, and reports what was never done. Gives what the
// operator should not have let happen.
import { randomBytes } from 'node:crypto';
import { setTimeout } from 'node:timers/promises';
import { agentArguments } from '../../../lib/agent/arguments.ts';
import { ApiClient } from '../../../lib/agent/client.ts';
import type { SessionGrant, SessionRequest, TaskKind, TaskResults } from '../../../lib/provision/protocol.ts';
import type { MachineProfile } from '../../../lib/sim/machine/profile.ts';

export interface ImpostorOptions {
  readonly profile: MachineProfile;
  readonly bootUrl: () => string | undefined;
  readonly signal: AbortSignal;
}

const RETRY_MS = 50;

/** Empty while there is none, or nobody to ask. */
async function bootScript(url: string, signal: AbortSignal): Promise<string> {
  try {
    const answer = await fetch(url, { signal });
    return answer.ok ? await answer.text() : '';
  } catch (error) {
    if (signal.aborted) throw error;
    return '';
  }
}

/** Waits until the machine may boot from the network, as its firmware would, and takes what that is told. */
async function boot({ profile, bootUrl, signal }: ImpostorOptions): Promise<{ client: ApiClient; token: string }> {
  for (;;) {
    const found = agentArguments(await bootScript(`${bootUrl()}/boot/v1/${profile.bootMACAddress}`, signal));
    if (found) return { client: new ApiClient(found), token: found.token };
    await setTimeout(RETRY_MS);
    signal.throwIfAborted();
  }
}

/** Until there is an answer: the operator may be killed under way. */
async function post(client: ApiClient, path: string, body: unknown, signal: AbortSignal, session?: string) {
  for (;;) {
    try {
      return await client.post(path, body, signal, session);
    } catch (error) {
      if (signal.aborted) throw error;
      await setTimeout(RETRY_MS);
    }
  }
}

async function openSession(
  client: ApiClient,
  token: string,
  { profile, signal }: ImpostorOptions,
): Promise<SessionGrant | undefined> {
  const { serialNumber, macAddresses, disks } = profile.inventory;
  const nonce = randomBytes(24).toString('base64url');
  const asked: SessionRequest = { token, nonce, agentVersion: '1', identity: { serialNumber, macAddresses }, disks };
  for (;;) {
    const { status, body } = await post(client, '/agent/v1/session', asked, signal);
    if (status === 201) return JSON.parse(body) as SessionGrant;
    if (status === 401) return undefined;
    await setTimeout(RETRY_MS);
  }
}

/** Two agents of one boot: at most one of them is admitted. */
export async function comeTwice(options: ImpostorOptions): Promise<string[]> {
  const { client, token } = await boot(options);
  try {
    const grants = await Promise.all([openSession(client, token, options), openSession(client, token, options)]);
    return grants.every((grant) => grant !== undefined) ? ['two agents of one boot were admitted'] : [];
  } finally {
    client.close();
  }
}

function resultOf({ inventory, rootDisk }: MachineProfile, kind: TaskKind): TaskResults[TaskKind] {
  const { serialNumber: diskSerialNumber } = rootDisk;
  const results: TaskResults = {
    collect: { ...inventory, bootMode: 'UEFI' },
    'configure-raid': { arrays: [] },
    'write-image': { diskSerialNumber, bytes: 1, sha256: '0'.repeat(64) },
    'prepare-volumes': { volumes: [] },
    'write-seed': { diskSerialNumber },
    'set-password': { diskSerialNumber, user: 'root' },
    wipe: { disks: [] },
  };
  return results[kind];
}

/** Admitted as the agent, it reports the result of a task of an earlier boot until that is refused; then it says no more. */
export async function reportOldResult(options: ImpostorOptions, kind: TaskKind): Promise<string[]> {
  const { client, token } = await boot(options);
  try {
    const grant = await openSession(client, token, options);
    if (!grant) return ['the only agent of its boot was not admitted'];
    const id = `${grant.operationId}/${kind}/0`;
    const task = { id, kind, state: 'succeeded', percent: 100, result: resultOf(options.profile, kind) };
    // The first one may wait for orders, and be answered with them.
    for (let tries = 0; tries < 2; tries++) {
      const { status } = await post(client, '/agent/v1/report', { task }, options.signal, grant.session);
      if (status === 409 || status === 401) return [];
    }
    return [`the result of ${id} was not refused`];
  } finally {
    client.close();
  }
}
