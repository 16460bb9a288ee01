// A whole platform for a test: an API server (embedded, or the one that E2E_KUBECONFIG names), a simulated fleet behind the
// wire, and the operator; and ways to wait for what a person would wait for.
import { once } from 'node:events';
import { createWriteStream, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Device, Instance, Placement } from '../../lib/api/generated.ts';
import { API_VERSION, DEVICES, INSTANCES, PLACEMENTS } from '../../lib/api/resources.ts';
import { startApiServer } from '../../lib/apiserver/server.ts';
import { createMissing, installDefinitions } from '../../lib/cli/manifests.ts';
import type { Everything } from '../../lib/cli/overview.ts';
import { follow, type View } from '../../lib/cli/view.ts';
import { createClient, type KubeClient } from '../../lib/kube/client.ts';
import { isNotFound } from '../../lib/kube/errors.ts';
import type { KubeObject, Resource } from '../../lib/kube/resource.ts';
import { createLogger } from '../../lib/observe/logger.ts';
import { type SimulatedFleet, startFleet } from '../../lib/sim/fleet.ts';
import { startOperator } from '../operator.ts';

/** Long enough for a machine that shares its cores with other tests; nothing is measured by it. */
const PATIENCE_MS = Number(process.env.E2E_PATIENCE_MS ?? 90_000);
const NAMESPACE = 'bmp-system';

export interface Platform {
  readonly client: KubeClient;
  readonly fleet: SimulatedFleet;
  readonly view: View;
  /** Creates the objects of the fleet: its Site, DeviceTypes, Images, Devices and Secrets. */
  importFleet(change?: (object: KubeObject) => KubeObject): Promise<void>;
  create<T extends KubeObject>(resource: Resource<T>, object: Omit<T, 'apiVersion' | 'kind'>): Promise<T>;
  patch<T extends KubeObject>(resource: Resource<T>, object: T, spec: object): Promise<void>;
  /** Waits until `reached` is true of what the API shows; fails with `what` and the state of everything. */
  until(what: string, reached: (all: Everything) => boolean): Promise<void>;
  device(name: string): Device | undefined;
  instance(name: string): Instance | undefined;
  placement(name: string): Placement | undefined;
  close(): Promise<void>;
}

/** The condition's status, as `kubectl wait` reads it. */
export const conditionOf = (object: Device | Instance | Placement | undefined, type: string) =>
  object?.status?.conditions?.find((condition) => condition.type === type);

export async function startPlatform(options: { count: number }): Promise<Platform> {
  const dir = mkdtempSync(join(tmpdir(), 'bmp-e2e-'));
  const stop = new AbortController();
  const logFile = createWriteStream(join(dir, 'operator.log'));
  const log = createLogger({ level: 'debug', destination: logFile });
  const server = process.env.E2E_KUBECONFIG ? undefined : await startApiServer({ dir });
  const client = createClient({ kubeconfig: server?.kubeconfigPath ?? process.env.E2E_KUBECONFIG });
  if (server) await installDefinitions(client, stop.signal);
  const provision = { host: '127.0.0.1', port: 0, bootPort: 0 };
  const operator = await startOperator(
    { client, log, namespace: NAMESPACE, election: !server, provision, pace: 'simulated' },
    stop.signal,
  );
  const { bootUrl } = operator;
  const fleet = await startFleet({ count: options.count, basePort: 0, bootUrl: () => bootUrl, timings: FAST, log });
  const view = await follow(client, log, stop.signal);

  const named = <T extends KubeObject>(objects: readonly T[], name: string) =>
    objects.find(({ metadata }) => metadata.name === name);
  const state = ({ devices, instances, placements }: Everything) =>
    [...devices, ...instances, ...placements]
      .map(({ kind, metadata, status }) => `${kind} ${metadata.name}: ${JSON.stringify(status)}`)
      .join('\n');

  async function cleanUp(): Promise<void> {
    for (const resource of [PLACEMENTS, INSTANCES] as Resource[]) {
      for await (const page of client.pages(resource)) {
        for (const { metadata } of page.items) await client.delete(resource, metadata).catch(ignoreMissing);
      }
    }
    await platform.until(
      'everything to be given back',
      ({ instances, placements }) => instances.length + placements.length === 0,
    );
    for (const { metadata } of view.all().devices) await client.delete(DEVICES, metadata).catch(ignoreMissing);
    await platform.until('the devices to go', ({ devices }) => devices.length === 0);
  }

  const platform: Platform = {
    client,
    fleet,
    view,
    async importFleet(change = (object) => object) {
      await createMissing(client, (fleet.manifests() as unknown as KubeObject[]).map(change));
    },
    create: (resource, object) =>
      client.create(resource, { apiVersion: API_VERSION, kind: resource.kind, ...object } as never),
    async patch(resource, object, spec) {
      await client.patch(resource, object.metadata, { type: 'merge', body: { spec } });
    },
    async until(what, reached) {
      try {
        await view.until(reached, AbortSignal.timeout(PATIENCE_MS));
      } catch (error) {
        throw new Error(`waited in vain for ${what}:\n${state(view.all())}`, { cause: error });
      }
    },
    device: (name) => named(view.all().devices, name),
    instance: (name) => named(view.all().instances, name),
    placement: (name) => named(view.all().placements, name),
    async close() {
      // What is left in a cluster that lives on would be in the next test's way.
      if (!server) await cleanUp();
      stop.abort(new Error('the test is over'));
      await operator.stopped;
      await fleet.close();
      await client.close();
      await server?.close();
      logFile.end();
      await once(logFile, 'finish');
      if (process.env.E2E_KEEP) console.log(`kept ${dir}`);
      else rmSync(dir, { recursive: true });
    },
  };
  return platform;
}

function ignoreMissing(error: unknown): void {
  if (!isNotFound(error)) throw error;
}

/** Machines in a hurry: the order of things is as ever, only the waiting is short. */
const FAST = { post: 20, liveBoot: 20, systemBoot: 30, systemShutdown: 30, retry: 50, writePerMiB: 1, wipePerDisk: 5 };

/** A bare Instance, as short as people write it. */
export const instanceNamed = (name: string, spec: Partial<Instance['spec']> = {}) => ({
  metadata: { name, namespace: 'default' },
  spec: { deviceType: 'gp.large', image: 'debian-12', ...spec },
});
