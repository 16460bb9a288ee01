// The claim controller on an API server, with caches, queue and events; on a real one where KUBECONFIG_REAL names it.
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Device, Instance } from '../../lib/api/generated.ts';
import { DEVICE_TYPES, DEVICES, IMAGES, INSTANCES, SITES } from '../../lib/api/resources.ts';
import { installDefinitions } from '../../lib/cli/manifests.ts';
import { isNotFound } from '../../lib/kube/errors.ts';
import { createEventRecorder } from '../../lib/kube/events.ts';
import type { KubeObject, ObjectMeta, Resource } from '../../lib/kube/resource.ts';
import { systemClock } from '../../lib/runtime/clock.ts';
import { findCondition } from '../../lib/runtime/conditions.ts';
import { createManager, type Manager } from '../../lib/runtime/manager.ts';
import { startCluster, type TestCluster } from '../../lib/testing/cluster.ts';
import { eventually } from '../../lib/testing/eventually.ts';
import { createLogRecorder } from '../../lib/testing/log-recorder.ts';
import { createClaimController } from './controller.ts';
import { aDevice, anImage, anInstance, aSite, aType } from './model/fixtures.ts';

const LABEL = 'claim-test';

/** A cluster with one Site, type and Image, and a controller that sees only what this test made. */
class World implements AsyncDisposable {
  readonly cluster: TestCluster;
  readonly #stop = new AbortController();
  readonly #ended: Promise<void>;
  readonly #made: [Resource, KubeObject][] = [];

  private constructor(cluster: TestCluster, manager: Manager) {
    this.cluster = cluster;
    this.#ended = manager.run(this.#stop.signal);
  }

  static async start(): Promise<World> {
    const cluster = await startCluster();
    const { client, namespace } = cluster;
    if (!process.env.KUBECONFIG_REAL) await installDefinitions(client, AbortSignal.timeout(20_000));
    const log = createLogRecorder();
    const manager = createManager({ client, log });
    const events = createEventRecorder({ client: manager.client, component: 'test', log, clock: systemClock });
    const scoped: Pick<Manager, 'client' | 'store'> = {
      client: manager.client,
      store: (resource, options) =>
        manager.store(resource, {
          ...options,
          ...(resource.namespaced ? { namespace } : { labelSelector: `${LABEL}=${namespace}` }),
        }),
    };
    manager.add(createClaimController({ manager: scoped, events, log, clock: systemClock }));
    const world = new World(cluster, manager);
    await world.make(SITES, aSite(world.named('fra1')));
    await world.make(DEVICE_TYPES, aType(world.named('small')));
    await world.make(IMAGES, anImage(world.named('debian-12')));
    return world;
  }

  named(name: string): string {
    return `${name}.${this.cluster.namespace}`;
  }

  async make<T extends KubeObject>(resource: Resource<T>, object: T): Promise<T> {
    const { namespace, client } = this.cluster;
    const { name, labels, finalizers } = object.metadata;
    const metadata = resource.namespaced
      ? { name, namespace, finalizers }
      : { name, labels: { ...labels, [LABEL]: namespace } };
    const created = await client.create(resource, { ...object, metadata });
    this.#made.push([resource, created]);
    const { status } = object as T & { status?: object };
    if (!status) return created;
    return client.patchStatus(resource, created.metadata, { type: 'merge', body: { status } });
  }

  device(name: string): Promise<Device> {
    const [site, deviceType] = [this.named('fra1'), this.named('small')];
    return this.make(DEVICES, aDevice(this.named(name), { spec: { site, deviceType } }));
  }

  instance(name: string): Promise<Instance> {
    const [image, deviceType] = [this.named('debian-12'), this.named('small')];
    return this.make(INSTANCES, anInstance(name, { spec: { image, deviceType } }));
  }

  async holder(device: Device): Promise<string | undefined> {
    return (await this.cluster.client.get(DEVICES, device.metadata)).spec.claimRef?.name;
  }

  async scheduled(instance: Instance) {
    const { status } = await this.cluster.client.get(INSTANCES, instance.metadata);
    return findCondition(status?.conditions, 'Scheduled');
  }

  /** What the Device controller does when the Instance on it goes. */
  async giveBack(device: Device, instance: Instance): Promise<void> {
    const { client } = this.cluster;
    const status = { phase: 'Available', releasedClaimUID: instance.metadata.uid };
    await client.patchStatus(DEVICES, device.metadata, { type: 'merge', body: { status } });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await using _cluster = this.cluster;
    this.#stop.abort();
    await this.#ended;
    for (const [resource, { metadata }] of this.#made.toReversed()) await this.#remove(resource, metadata);
  }

  async #remove(resource: Resource, { name, namespace, finalizers }: ObjectMeta): Promise<void> {
    const { client } = this.cluster;
    try {
      await client.delete(resource, { name, namespace });
      if (!finalizers) return;
      await client.patch(resource, { name, namespace }, { type: 'merge', body: { metadata: { finalizers: null } } });
    } catch (error) {
      // The test may have deleted it itself.
      if (!isNotFound(error)) throw error;
    }
  }
}

test('two Instances for one free device: one gets it, the other says why not, and gets it afterwards', async () => {
  await using world = await World.start();
  const device = await world.device('d1');
  const [first, second] = [await world.instance('web-1'), await world.instance('web-2')];
  await eventually(async () => (await world.scheduled(second))?.reason === 'Unschedulable');
  assert.is(await world.holder(device), 'web-1');
  assert.is((await world.scheduled(first))?.message, `has device ${device.metadata.name}`);
  assert.is((await world.scheduled(second))?.message, '0/1 devices fit: 1 in use');

  await world.cluster.client.delete(INSTANCES, first.metadata);
  await world.giveBack(device, first);
  await eventually(async () => (await world.holder(device)) === 'web-2');
  await eventually(async () => (await world.scheduled(second))?.status === 'True');
});

test('a device that comes later is claimed at once, and people can read what happened', async () => {
  await using world = await World.start();
  const instance = await world.instance('web-1');
  await eventually(async () => (await world.scheduled(instance))?.message === '0/0 devices fit');
  const device = await world.device('d1');
  await eventually(async () => (await world.holder(device)) === 'web-1');
  await eventually(async () => {
    const path = `/api/v1/namespaces/${world.cluster.namespace}/events`;
    const { items } = (await world.cluster.client.raw({ method: 'GET', path })) as { items: { reason: string }[] };
    const reasons = items.map(({ reason }) => reason);
    return reasons.includes('FailedScheduling') && reasons.includes('Scheduled');
  });
});

test.run();
