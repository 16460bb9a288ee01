// test-deadline: 600
// Deletions end, whatever is dead or gone: of a Device whose BMC is dead, of an Instance whose Device is gone, of a namespace full of
// such Instances. What could not be done is told. On the embedded API server, or on the cluster that E2E_KUBECONFIG names.
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { DEVICES, INSTANCES, NAMESPACES } from '../../lib/api/resources.ts';
import { ensureNamespace } from '../../lib/cli/manifests.ts';
import { events } from '../../lib/kube/events.ts';
import { NO_FAULTS } from '../../lib/sim/bmc/faults.ts';
import { eventually } from '../../lib/testing/eventually.ts';
import { ignoreMissing, instanceNamed, type Platform, startPlatform } from './platform.ts';

/** BMCs that are dead are given up soon. */
const HASTY = { ipmi: { schedule: [150, 300, 600], suitesSchedule: [150, 300], closeSchedule: [100] } };
const DOOMED = 'doomed';

const nameOf = (index: number, platform: Platform) => platform.fleet.machines[index]!.name;
const kill = (device: string, { fleet }: Platform) => {
  fleet.bmc(device).faults = { ...NO_FAULTS, silent: true };
};

/** As `kubectl delete --force` and a patch of the finalizers do. */
async function tearOut(device: string, platform: Platform): Promise<void> {
  const { client } = platform;
  await client.delete(DEVICES, { name: device });
  await client.patch(DEVICES, { name: device }, { type: 'merge', body: { metadata: { finalizers: null } } });
  await platform.until(`${device} to be torn out`, () => platform.device(device) === undefined);
}

async function toldOf(device: string, reason: string, { client }: Platform): Promise<void> {
  const isTold = async () =>
    (await client.list(events, { namespace: 'default' })).items.some(
      (event) => event.involvedObject.name === device && event.reason === reason,
    );
  await eventually(isTold, { deadlineMs: 60_000, everyMs: 200, what: `event ${reason} of ${device}` });
}

const isAvailable = (device: string, platform: Platform) => platform.device(device)?.status?.phase === 'Available';

async function run(name: string, deviceName: string, platform: Platform, namespace = 'default'): Promise<void> {
  const { deviceType: _, ...spec } = instanceNamed(name, { deviceName, image: 'tiny' }).spec;
  await platform.create(INSTANCES, { metadata: { name, namespace }, spec });
  await platform.until(`${name} to run`, () => platform.instance(name)?.status?.phase === 'Running');
}

test('BMO 1163: deletions end', async () => {
  const platform = await startPlatform({ count: 5, bmc: HASTY });
  const { client } = platform;
  try {
    await platform.importFleet();
    const [onItsOwn, torn, dead, unreachable, healthy] = [0, 1, 2, 3, 4].map((index) => nameOf(index, platform)) as [
      string,
      string,
      string,
      string,
      string,
    ];
    await platform.until('all to be offered', ({ devices }) =>
      [onItsOwn, torn, dead, unreachable, healthy].every((name) => devices.length === 5 && isAvailable(name, platform)),
    );

    // A Device whose BMC dies while its machine is on.
    platform.fleet.machine(onItsOwn).fault({ kind: 'agent-silent' });
    await platform.patch(DEVICES, platform.device(onItsOwn)!, { requests: { collect: 'once more' } });
    await platform.until(
      'its machine to be on',
      () => platform.device(onItsOwn)?.status?.operation?.step === 'await-agent',
    );
    kill(onItsOwn, platform);
    await client.delete(DEVICES, { name: onItsOwn });
    await platform.until('the Device with the dead BMC to go', () => platform.device(onItsOwn) === undefined);
    await toldOf(onItsOwn, 'RemovedWithoutPowerOff', platform);

    // An Instance that is being deleted while its Device is torn out.
    await run('torn', torn, platform);
    kill(torn, platform);
    await client.delete(INSTANCES, { name: 'torn', namespace: 'default' });
    await platform.until('it to be cleaned', () => platform.device(torn)?.status?.phase === 'Cleaning');
    await tearOut(torn, platform);
    await platform.until(
      'the Instance on the Device that is gone to go',
      () => platform.instance('torn') === undefined,
    );

    // A namespace with an Instance of each kind, and one on which all is well.
    await ensureNamespace(client, DOOMED);
    await run('on-dead', dead, platform, DOOMED);
    await run('on-unreachable', unreachable, platform, DOOMED);
    await run('on-healthy', healthy, platform, DOOMED);
    kill(dead, platform);
    kill(unreachable, platform);
    await client.delete(NAMESPACES, { name: DOOMED });
    // A server without a controller manager beside it empties no namespace.
    for (const name of ['on-dead', 'on-unreachable', 'on-healthy'])
      await client.delete(INSTANCES, { name, namespace: DOOMED }).catch(ignoreMissing);
    await platform.until('the one on which all is well to go', () => platform.instance('on-healthy') === undefined);
    await platform.until('the others to be cleaned', () =>
      [dead, unreachable].every((name) => platform.device(name)?.status?.error !== undefined),
    );
    assert.ok(platform.instance('on-dead'), 'its disk is not known to be clean: it keeps the Device');
    await client.delete(DEVICES, { name: dead });
    await tearOut(unreachable, platform);
    await platform.until('the namespace to be empty', ({ instances }) => instances.length === 0);
    await platform.until('the Device to go', () => platform.device(dead) === undefined);
    await toldOf(dead, 'RemovedUncleaned', platform);
    if (!process.env.E2E_KUBECONFIG)
      await eventually(
        async () => (await client.list(NAMESPACES)).items.every(({ metadata }) => metadata.name !== DOOMED),
        { what: 'the namespace to go' },
      );
  } finally {
    await platform.close();
  }
});

test.run();
