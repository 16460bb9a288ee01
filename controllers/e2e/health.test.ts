// test-deadline: 600
// What others make of our objects in every state that they come to. The states are real: a platform is walked through them,
// and all that its API showed on the way is read by the rules of kstatus, of `kubectl wait` and of Argo CD.
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { CapacityQuota, Device, Instance, Placement } from '../../lib/api/generated.ts';
import { API_VERSION, CAPACITY_QUOTAS, DEVICES, INSTANCES, PLACEMENTS } from '../../lib/api/resources.ts';
import type { KubeObject } from '../../lib/kube/resource.ts';
import { findProgram, peerTest } from '../../lib/testing/peers.ts';
import { healthOf, isWaitMet, kstatusOf, type Reading } from './health.ts';
import { conditionOf, instanceNamed, type Platform, startPlatform } from './platform.ts';

/** State: what kstatus says, whether `kubectl wait --for=condition=Ready` ends, what Argo CD says. */
const TABLE = {
  'Device that nobody looked at': ['InProgress', false, 'Progressing'],
  'Device being collected': ['InProgress', false, 'Progressing'],
  'Device with wrong credentials': ['Failed', false, 'Degraded'],
  'Device whose BMC is not reached, asked again': ['InProgress', false, 'Progressing'],
  'Device imported, not to be offered': ['Current', true, 'Healthy'],
  'Device available': ['Current', true, 'Healthy'],
  'Device in use': ['Current', true, 'Healthy'],
  'Device in use whose BMC fell silent': ['InProgress', false, 'Degraded'],
  'Device being cleaned': ['InProgress', false, 'Progressing'],
  'Device in maintenance': ['Current', true, 'Suspended'],
  'Device that was let go with its disks, to be offered': ['Failed', false, 'Suspended'],
  'Device that was let go with its disks, out of use': ['Current', true, 'Suspended'],
  'Instance that nobody looked at': ['InProgress', false, 'Progressing'],
  'Instance that fits nowhere': ['InProgress', false, 'Progressing'],
  'Instance whose image is not there': ['InProgress', false, 'Progressing'],
  'Instance being created': ['InProgress', false, 'Progressing'],
  'Instance running': ['Current', true, 'Healthy'],
  'Instance stopping': ['InProgress', false, 'Progressing'],
  'Instance stopped, as wanted': ['Current', true, 'Suspended'],
  'Instance starting': ['InProgress', false, 'Progressing'],
  'Instance that is asked to restart': ['InProgress', false, 'Progressing'],
  'Instance running another image than is wanted': ['Failed', true, 'Suspended'],
  'Instance that failed for good': ['Failed', false, 'Degraded'],
  'Instance whose spec changed since': ['InProgress', false, 'Progressing'],
  'Instance being deleted': ['Terminating', undefined, 'Progressing'],
  'Placement that nobody looked at': ['InProgress', false, 'Progressing'],
  'Placement that fits nowhere': ['InProgress', false, 'Progressing'],
  'Placement bound': ['Current', true, 'Healthy'],
  'Placement that holds room': ['Current', true, 'Healthy'],
  'Placement whose room was taken up': ['Current', true, 'Healthy'],
  'Placement whose reservation another has': ['InProgress', false, 'Progressing'],
  'CapacityQuota that nobody looked at': ['InProgress', false, 'Progressing'],
  'CapacityQuota that counts': ['Current', true, 'Healthy'],
} as const satisfies Record<string, readonly [Reading, boolean | undefined, string]>;
type State = keyof typeof TABLE;

type Seen = Device | Instance | Placement | CapacityQuota;

/** Everything that the API showed, in order. */
function recorder({ view }: Platform): readonly Seen[] {
  const seen: Seen[] = [];
  view.devices.subscribe(({ type, object }) => type !== 'deleted' && seen.push(object));
  view.instances.subscribe(({ type, object }) => type !== 'deleted' && seen.push(object));
  view.placements.subscribe(({ type, object }) => type !== 'deleted' && seen.push(object));
  return seen;
}

const isDevice = (object: Seen): object is Device => object.kind === 'Device';
const isInstance = (object: Seen): object is Instance => object.kind === 'Instance';

const withKubectl = findProgram('kubectl') !== undefined;

/** Whether kubectl finds the object Ready. */
async function kubectlWaits({ kubeconfig }: Platform, { kind, metadata }: Seen): Promise<boolean> {
  const name = [`${kind.toLowerCase()}/${metadata.name}`, '-n', metadata.namespace ?? 'default'];
  const wait = ['--kubeconfig', kubeconfig, 'wait', '--for=condition=Ready', '--timeout=0s'];
  try {
    await promisify(execFile)('kubectl', [...wait, ...name]);
    return true;
  } catch (error) {
    if (error instanceof Error && /timed out waiting|condition not met/.test(error.message)) return false;
    throw error;
  }
}

peerTest('lua5.3', 'lua5.3')('each state of each kind is read as what it is', async () => {
  const platform = await startPlatform({ count: 4 });
  const { client, fleet } = platform;
  const seen = recorder(platform);
  const left = new Set(Object.keys(TABLE) as State[]);

  const wrong: string[] = [];

  /** Reads an object that is in this state. */
  function read(state: State, object: Seen | undefined, asked?: boolean): void {
    left.delete(state);
    const [kstatus, wait, health] = TABLE[state];
    if (!object) {
      wrong.push(`${state}: never seen`);
      return;
    }
    const argo = healthOf(object);
    const found = [
      kstatusOf(object as KubeObject),
      wait === undefined ? wait : isWaitMet(object as KubeObject),
      argo.status,
    ];
    const isRight = JSON.stringify(found) === JSON.stringify([kstatus, wait, health]);
    if (!isRight || argo.message === '' || (asked ?? wait) !== wait)
      wrong.push(
        `${state}: ${JSON.stringify(found)}, kubectl wait ${asked}, "${argo.message}"\n${JSON.stringify(object, null, 1)}`,
      );
  }
  /** The same for one that stays as it is, so that kubectl itself can be asked. */
  async function readAtRest(state: State, object: Seen | undefined): Promise<void> {
    if (withKubectl && object) read(state, object, await kubectlWaits(platform, object));
    else read(state, object);
  }
  const onTheWay = <T extends Seen>(state: State, kind: (object: Seen) => object is T, is: (object: T) => boolean) =>
    read(
      state,
      seen.find((object) => kind(object) && is(object)),
    );

  const [used, wrongLogin, spare, silent] = fleet.machines.map(({ name }) => name) as [string, string, string, string];
  const device = (name: string) => platform.device(name);
  const errorOf = (name: string) => device(name)?.status?.error;
  const phaseOf = (name: string) => device(name)?.status?.phase;
  const web = () => platform.instance('web-1')!;
  const webTo = (phase: string) =>
    platform.until(`web-1 to be ${phase}`, () => {
      const { metadata, status } = web();
      return status?.phase === phase && status.observedGeneration === metadata.generation;
    });
  const place = (name: string, cpu: string, more: Partial<Placement['spec']> = {}) =>
    platform.create(PLACEMENTS, {
      metadata: { name, namespace: 'default' },
      spec: { resources: { cpu, memory: '1Gi' }, ...more },
    });
  const quota = () => client.get(CAPACITY_QUOTAS, { name: 'quota', namespace: 'default' });
  const patchDevice = (name: string, spec: object) => platform.patch(DEVICES, device(name)!, spec);

  try {
    fleet.bmc(silent).faults = { ...fleet.bmc(silent).faults, silent: true };
    await platform.restartOperator(async () => {
      await platform.importFleet((object) => {
        if (object.kind === 'Device' && object.metadata.name === spare)
          return { ...object, spec: { ...(object as Device).spec, putAway: false } } as KubeObject;
        if (object.kind === 'Secret' && object.metadata.name === `${wrongLogin}-bmc`)
          return { ...object, stringData: { username: 'admin', password: 'wrong' } } as KubeObject;
        if (object.kind === 'Image' && object.metadata.name === 'debian-13')
          return { ...object, spec: { ...(object as KubeObject & { spec: object }).spec, sha256: '0'.repeat(64) } };
        return object;
      });
      await platform.create(INSTANCES, instanceNamed('web-1', { vmHost: { enabled: true } }));
      await place('vm-1', '1');
      await client.create(CAPACITY_QUOTAS, {
        apiVersion: API_VERSION,
        kind: 'CapacityQuota',
        metadata: { name: 'quota', namespace: 'default' },
        spec: { hard: { placements: '10' } },
      });
      await readAtRest('CapacityQuota that nobody looked at', await quota());
      await platform.until('it to be seen', () => web() !== undefined && platform.placement('vm-1') !== undefined);
      await readAtRest('Device that nobody looked at', device(used));
      await readAtRest('Instance that nobody looked at', web());
      await readAtRest('Placement that nobody looked at', platform.placement('vm-1'));
    });

    // Created and placed; on the way, all that lies before it.
    await platform.until('web-1 to run', () => web().status?.phase === 'Running');
    await platform.until('vm-1 to be bound', () => platform.placement('vm-1')?.status?.phase === 'Bound');
    const by = (phase: string) => (object: Device) => object.status?.phase === phase && object.metadata.name === used;
    onTheWay('Device being collected', isDevice, by('Collecting'));
    onTheWay('Device available', isDevice, (one) => by('Available')(one) && !one.status?.operation);
    onTheWay('Instance being created', isInstance, (one) => one.status?.phase === 'Creating');
    await readAtRest('Device in use', device(used));
    await readAtRest('Instance running', web());
    await readAtRest('Placement bound', platform.placement('vm-1'));
    // It was counted before that was bound.
    await readAtRest('CapacityQuota that counts', await quota());

    // What does not come about.
    await platform.until('the wrong login to be told', () => errorOf(wrongLogin)?.code === 'BadCredentials');
    await readAtRest('Device with wrong credentials', device(wrongLogin));
    await platform.until('the silence to be told', () => errorOf(silent) !== undefined);
    await readAtRest('Device whose BMC is not reached, asked again', device(silent));
    await platform.until('the spare one to be imported', () => phaseOf(spare) === 'Imported');
    await readAtRest('Device imported, not to be offered', device(spare));
    await platform.create(INSTANCES, instanceNamed('web-2', { image: 'plan-9' }));
    await place('huge', '1000');
    const scheduled = (object: Instance | Placement | undefined) => conditionOf(object, 'Scheduled')?.reason;
    const isTold = (name: string, reason: string) => {
      const instance = platform.instance(name);
      return (
        scheduled(instance) === reason &&
        conditionOf(instance, 'Ready')?.message === conditionOf(instance, 'Scheduled')?.message
      );
    };
    await platform.until('the missing image to be told', () => isTold('web-2', 'ImageNotFound'));
    await readAtRest('Instance whose image is not there', platform.instance('web-2'));
    await platform.until('the refusal to be told', () => scheduled(platform.placement('huge')) === 'Unschedulable');
    await readAtRest('Placement that fits nowhere', platform.placement('huge'));
    await place('room', '1', { reservation: true });
    await platform.until('the room to be held', () => platform.placement('room')?.status?.phase === 'Reserved');
    await readAtRest('Placement that holds room', platform.placement('room'));
    await place('vm-2', '1', { from: 'room' });
    await platform.until('the room to be taken up', () => platform.placement('vm-2')?.status?.phase === 'Bound');
    await readAtRest('Placement whose room was taken up', platform.placement('room'));
    await place('vm-3', '1', { from: 'room' });
    await platform.until('that to be told', () => scheduled(platform.placement('vm-3')) === 'ReservationTaken');
    await readAtRest('Placement whose reservation another has', platform.placement('vm-3'));
    for (const name of ['room', 'vm-2', 'vm-3']) {
      await client.delete(PLACEMENTS, { name, namespace: 'default' });
      await platform.until(`${name} to go`, () => platform.placement(name) === undefined);
    }
    await platform.create(INSTANCES, instanceNamed('web-3', { deviceName: spare, image: 'debian-13' }));
    await platform.until('the refusal to be told', () => isTold('web-3', 'Unschedulable'));
    await readAtRest('Instance that fits nowhere', platform.instance('web-3'));

    // An image that is not what its checksum says: the Instance fails for good.
    await patchDevice(spare, { putAway: true });
    await platform.until('web-3 to fail', () => platform.instance('web-3')?.status?.phase === 'Failed');
    await readAtRest('Instance that failed for good', platform.instance('web-3'));

    // Off and on again; a restart.
    await platform.patch(INSTANCES, web(), { power: 'Off' });
    await webTo('Stopped');
    await readAtRest('Instance stopped, as wanted', web());
    await platform.patch(INSTANCES, web(), { power: 'On' });
    await webTo('Running');
    await platform.patch(INSTANCES, web(), { requests: { restart: 'once' } });
    await platform.until('the restart', () => web().status?.requests?.restart?.result === 'Succeeded');
    await webTo('Running');
    const ofWeb = (is: (status: NonNullable<Instance['status']>) => boolean) => (object: Instance) =>
      object.metadata.name === 'web-1' && object.status !== undefined && is(object.status);
    onTheWay(
      'Instance stopping',
      isInstance,
      ofWeb(({ phase }) => phase === 'Stopping'),
    );
    onTheWay(
      'Instance starting',
      isInstance,
      ofWeb(({ phase }) => phase === 'Starting'),
    );
    onTheWay('Instance that is asked to restart', isInstance, (object) => object.spec.requests?.restart === 'once');
    onTheWay(
      'Instance whose spec changed since',
      isInstance,
      ({ metadata, spec, status }) => spec.power === 'Off' && status?.observedGeneration !== metadata.generation,
    );
    await platform.patch(INSTANCES, web(), { image: 'debian-13' });
    await platform.until('it to be told', () => conditionOf(web(), 'ReinstallRequired') !== undefined);
    await readAtRest('Instance running another image than is wanted', web());
    await platform.patch(INSTANCES, web(), { image: 'debian-12' });

    // The BMC of a machine in use falls silent, and speaks again.
    fleet.bmc(used).faults = { ...fleet.bmc(used).faults, silent: true };
    await client.patch(DEVICES, { name: used }, { type: 'merge', body: { metadata: { labels: { look: 'again' } } } });
    await platform.until('the silence to be told', () => errorOf(used) !== undefined);
    read('Device in use whose BMC fell silent', device(used));
    fleet.bmc(used).faults = { ...fleet.bmc(used).faults, silent: false };
    await platform.until('the BMC to be heard again', () => errorOf(used) === undefined);

    // Maintenance, which the wrong login does not disturb.
    await patchDevice(wrongLogin, { maintenance: { enabled: true, reason: 'fan' } });
    await platform.until('maintenance', () => phaseOf(wrongLogin) === 'Maintenance');
    await readAtRest('Device in maintenance', device(wrongLogin));

    // Given back: one with its disks as they are, one wiped.
    await client.delete(CAPACITY_QUOTAS, { name: 'quota', namespace: 'default' });
    await client.delete(PLACEMENTS, { name: 'vm-1', namespace: 'default' });
    await platform.until('vm-1 to go', () => platform.placement('vm-1') === undefined);
    await platform.patch(INSTANCES, web(), { releasePolicy: 'Keep' });
    await webTo('Running');
    await client.delete(INSTANCES, web().metadata);
    await client.delete(INSTANCES, platform.instance('web-3')!.metadata);
    await platform.until('web-1 to go', () => web() === undefined && phaseOf(used) === 'Removed');
    await platform.until('its claim to go', () => device(used)?.spec.claimRef === undefined);
    await platform.until('it to be looked at', () => kstatusOf(device(used) as KubeObject) === 'Failed');
    await readAtRest('Device that was let go with its disks, to be offered', device(used));
    await patchDevice(used, { putAway: false });
    await platform.until('it to be taken out of use', () => device(used)?.status?.takenDown === true);
    await readAtRest('Device that was let go with its disks, out of use', device(used));
    await platform.until('the spare one to be cleaned', () => phaseOf(spare) === 'Available');
    onTheWay('Device being cleaned', isDevice, ({ status }) => status?.phase === 'Cleaning');
    const isLeaving = ({ metadata }: Seen) => metadata.deletionTimestamp !== undefined;
    onTheWay('Instance being deleted', isInstance, isLeaving);
    assert.equal([...left], [], 'states that were not come to');
    assert.is(wrong.length, 0, wrong.join('\n\n'));
  } finally {
    await platform.close();
  }
});

test.run();
