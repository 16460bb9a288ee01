// test-deadline: 300
// Bad input is refused at admission, or stops with a condition, an event and a message that says what to do; nothing is
// written to any disk, and nothing else is held up.
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { DEVICES, INSTANCES, PLACEMENTS, SECRETS, type Secret } from '../../lib/api/resources.ts';
import { isInvalid } from '../../lib/kube/errors.ts';
import { events, type KubeEvent } from '../../lib/kube/events.ts';
import { createReflector } from '../../lib/kube/reflector.ts';
import type { KubeObject } from '../../lib/kube/resource.ts';
import { eventually } from '../../lib/testing/eventually.ts';
import { createLogRecorder } from '../../lib/testing/log-recorder.ts';
import { conditionOf, instanceNamed, type Platform, startPlatform } from './platform.ts';

type Told = KubeEvent & { involvedObject?: { name?: string }; reason?: string };

/** Waits for an event of the object with this reason: events are written behind what they tell of. */
async function toldInEvents(platform: Platform, object: KubeObject, reason: string): Promise<void> {
  const stop = new AbortController();
  const reflector = createReflector({ client: platform.client, resource: events, log: createLogRecorder() });
  const running = reflector.run(stop.signal);
  const found = () =>
    [...reflector.store.values()].some(
      (event: Told) => event.involvedObject?.name === object.metadata.name && event.reason === reason,
    );
  try {
    await eventually(found, { deadlineMs: 60_000, what: `event ${reason} of ${object.kind} ${object.metadata.name}` });
  } finally {
    stop.abort();
    await running;
  }
}

test('each bad input stops by itself, tells why, and holds up nothing else', async () => {
  const platform = await startPlatform({ count: 4 });
  const { client, fleet } = platform;
  const [wrongLogin, wrongMachine] = fleet.machines.map(({ name }) => name);
  try {
    fleet.machine(wrongMachine!).fault({ kind: 'other-serial', serialNumber: 'SOMEBODY-ELSE' });
    await platform.importFleet((object) => {
      if (object.kind !== 'Secret' || object.metadata.name !== `${wrongLogin}-bmc`) return object;
      const secret = object as Secret & { stringData: Record<string, string> };
      return { ...secret, stringData: { ...secret.stringData, password: 'wrong' } } as KubeObject;
    });

    // Wrong BMC credentials: tried once, not until the account is locked.
    await platform.until(
      'the wrong credentials to be told',
      () => platform.device(wrongLogin!)?.status?.error?.code === 'BadCredentials',
    );
    const refused = platform.device(wrongLogin!)!;
    assert.is(refused.status?.phase, 'Registering');
    assert.is(refused.status?.error?.permanent, true);
    assert.match(conditionOf(refused, 'Reachable')?.message ?? '', `${wrongLogin}-bmc`);
    await toldInEvents(platform, refused, 'BadCredentials');

    // Another machine than the Device describes.
    await platform.until(
      'the other machine to be told',
      () => platform.device(wrongMachine!)?.status?.error?.code === 'IdentityMismatch',
    );
    const other = platform.device(wrongMachine!)!;
    assert.match(conditionOf(other, 'Ready')?.message ?? '', 'SOMEBODY-ELSE');
    await toldInEvents(platform, other, 'IdentityMismatch');

    // An address that no BMC can have.
    const { spec } = refused;
    await platform.create(DEVICES, {
      metadata: { name: 'nowhere' },
      spec: {
        ...spec,
        serialNumber: 'NONE',
        bootMACAddress: '52:54:00:00:00:01',
        bmc: { ...spec.bmc, address: 'ipmi://127.0.0.1:99999' },
      },
    });
    await platform.until(
      'the bad address to be told',
      () => platform.device('nowhere')?.status?.error?.code === 'BadAddress',
    );
    assert.match(conditionOf(platform.device('nowhere'), 'Reachable')?.message ?? '', '65535');
    await client.delete(DEVICES, { name: 'nowhere' });
    await platform.until('it to go', () => platform.device('nowhere') === undefined);

    // An image that does not exist.
    await platform.create(INSTANCES, instanceNamed('no-image', { image: 'plan-9' }));
    await platform.until(
      'the unknown image to be told',
      () => conditionOf(platform.instance('no-image'), 'Scheduled')?.reason === 'ImageNotFound',
    );
    assert.match(conditionOf(platform.instance('no-image'), 'Scheduled')?.message ?? '', 'plan-9');
    await toldInEvents(platform, platform.instance('no-image')!, 'FailedScheduling');

    // Negative CPU is refused at the door.
    const negative = {
      metadata: { name: 'negative', namespace: 'default' },
      spec: { resources: { cpu: '-1', memory: '8Gi' } },
    };
    await platform.create(PLACEMENTS, negative).then(
      () => assert.unreachable('a Placement with negative CPU was accepted'),
      (error: unknown) => assert.ok(isInvalid(error) && String(error).includes('spec.resources.cpu'), String(error)),
    );

    // Nothing else was held up, and nothing was written.
    await platform.until(
      'the other devices to be offered',
      ({ devices }) => devices.filter(({ status }) => status?.phase === 'Available').length === 2,
    );
    assert.equal(
      fleet.record().filter(({ what }) => what === 'write-image' || what === 'write-seed' || what === 'wipe'),
      [],
    );

    // Mended, they go on by themselves.
    const right = fleet
      .manifests()
      .find(({ kind, metadata }) => kind === 'Secret' && metadata.name === `${wrongLogin}-bmc`) as unknown as {
      stringData: { password: string };
    };
    const data = { password: Buffer.from(right.stringData.password).toString('base64') };
    await client.patch(
      SECRETS,
      { name: `${wrongLogin}-bmc`, namespace: 'bmp-system' },
      { type: 'merge', body: { data } },
    );
    await platform.until(
      'the right credentials to be seen',
      () => platform.device(wrongLogin!)?.status?.phase === 'Available',
    );
    fleet.machine(wrongMachine!).fault(undefined);
    await platform.patch(DEVICES, other, { requests: { resetStatus: 'mended' } });
    await platform.until(
      'the right machine to be seen',
      () => platform.device(wrongMachine!)?.status?.phase === 'Available',
    );
  } finally {
    await platform.close();
  }
});

test.run();
