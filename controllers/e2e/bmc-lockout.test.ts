// test-deadline: 240
// Wrong BMC credentials are tried once: a BMC locks the account of whoever goes on trying.
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { DEVICES, SECRETS, type Secret } from '../../lib/api/resources.ts';
import type { KubeObject } from '../../lib/kube/resource.ts';
import { startPlatform } from './platform.ts';

test('BMO 1346: another login in the Secret is tried at once; a Secret that is only written anew locks no account', async () => {
  const platform = await startPlatform({ count: 1 });
  const { client, fleet } = platform;
  const [machine] = fleet.machines.map(({ name }) => name) as [string];
  const bmc = fleet.bmc(machine);
  const secret = { name: `${machine}-bmc`, namespace: 'bmp-system' };
  const device = () => platform.device(machine)!;
  const login = (password: string) => ({ data: { password: Buffer.from(password).toString('base64') } });
  try {
    await platform.importFleet((object) =>
      object.kind === 'Secret'
        ? ({ ...object, stringData: { username: 'admin', password: 'wrong' } } as KubeObject)
        : object,
    );
    await platform.until('the refusal to be told', () => device()?.status?.error?.code === 'BadCredentials');
    const asked = bmc.requests;
    const { credentials } = device().status!;

    // Deleted and created anew, as GitOps tools do; another process; and a change of the Device, to see that it was looked at.
    const { metadata: _, ...content } = await client.get(SECRETS, secret);
    await platform.restartOperator(async () => {
      await client.delete(SECRETS, secret);
      await client.create(SECRETS, { ...content, metadata: secret } as Secret);
    });
    await client.patch(SECRETS, secret, { type: 'merge', body: { metadata: { annotations: { synced: 'again' } } } });
    await platform.patch(DEVICES, device(), { location: { rack: 'r9' } });
    await platform.until('the Device to be looked at', () => {
      const { metadata, status } = device();
      return status?.observedGeneration === metadata.generation;
    });
    assert.is(bmc.requests, asked, 'the BMC was asked again');
    assert.is(device().status?.error?.count, 1);
    assert.equal(device().status?.credentials, credentials);

    // Nothing of the login can be told from the status.
    const status = JSON.stringify(device().status);
    for (const part of ['wrong', Buffer.from('wrong').toString('base64')])
      assert.not.match(status.replace(/"message":"[^"]*"/g, ''), part);

    // Another login is tried, and so is the same one when somebody asks for it.
    bmc.faults = { ...bmc.faults, wrongCredentials: true };
    await client.patch(SECRETS, secret, { type: 'merge', body: login('simulated') });
    await platform.until('the other login to be tried', () => {
      const { tried } = device().status?.credentials ?? {};
      return tried?.digest !== credentials?.tried?.digest && device().status?.error?.code === 'BadCredentials';
    });
    bmc.faults = { ...bmc.faults, wrongCredentials: false };
    await platform.patch(DEVICES, device(), { requests: { resetStatus: 'account unlocked' } });
    await platform.until('the device to be offered', () => device().status?.phase === 'Available');
  } finally {
    await platform.close();
  }
});

test.run();
