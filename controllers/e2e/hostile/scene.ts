// What the product's operator is tried on: an API server, a simulated fleet, people who change things all the time, and an
// watcher who sees it all. Whoever tries it brings the operator, and says what befalls it.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { OPERATOR_NAMESPACE } from '../../../lib/api/names.ts';
import {
  ADDRESSES,
  DEVICE_INVENTORIES,
  DEVICE_TYPES,
  DEVICES,
  GROUP,
  IMAGES,
  INSTANCES,
  NAMESPACES,
  PLACEMENTS,
  SECRETS,
  SITES,
} from '../../../lib/api/resources.ts';
import { startApiServer } from '../../../lib/apiserver/server.ts';
import { createMissing, ensureNamespace, installDefinitions } from '../../../lib/cli/manifests.ts';
import { follow } from '../../../lib/cli/view.ts';
import { createClient, type KubeClient } from '../../../lib/kube/client.ts';
import { isNotFound } from '../../../lib/kube/errors.ts';
import type { KubeObject, Resource } from '../../../lib/kube/resource.ts';
import { createLogger } from '../../../lib/observe/logger.ts';
import { type SimulatedFleet, startFleet } from '../../../lib/sim/fleet.ts';
import { eventually } from '../../../lib/testing/eventually.ts';
import { type Watcher, watchInvariants } from '../invariants/watcher.ts';
import { FAST } from '../platform.ts';
import { servedGroups } from '../service-account.ts';
import { apply, createSecret } from './apply.ts';
import { createUser, type Population } from './changes.ts';
import { misfits, unsettled } from './settled.ts';

export interface SceneOptions {
  /** Undefined: an embedded API server. */
  readonly kubeconfig: string | undefined;
  readonly seed: number;
  readonly devices: number;
  readonly instances: number;
  readonly placements: number;
  /** Between two changes. */
  readonly everyMs: number;
  /** How long everything may take to settle. */
  readonly patienceMs: number;
  readonly say: (what: string) => void;
}

export interface Scene {
  /** Of an administrator. */
  readonly kubeconfig: string;
  /** Goes with the scene. */
  readonly dir: string;
  readonly fleet: SimulatedFleet;
  readonly watcher: Watcher;
  /** Imports the fleet and creates the first instances: there has to be an operator that machines can boot from. */
  populate(bootUrl: () => string | undefined): Promise<void>;
  /**
   * Resolves with how long it took until everything was as wanted.
   * @param troubles what to tell beside what is not as wanted
   * @throws Error when that takes longer than patience has it
   */
  settle(when: string, troubles: () => readonly string[]): Promise<number>;
  /** Changes one thing after the other while told to go on; gives how many. */
  beRestless(goOn: () => boolean): Promise<number>;
  /** Changes what is left to change so that everything can be as wanted. */
  conclude(): Promise<void>;
  /** What is not as wanted although all has settled; empty if all is. */
  misfits(): string[];
  /** Deletes everything, sees it go, and gives what must not have been since the beginning; empty if nothing is wrong. */
  giveBack(): Promise<string[]>;
}

const AT_ONCE = 8;

export async function startScene(options: SceneOptions, stack: AsyncDisposableStack): Promise<Scene> {
  const { seed, say, patienceMs, everyMs } = options;
  const dir = mkdtempSync(join(tmpdir(), 'bmp-soak-'));
  stack.defer(() => (process.env.E2E_KEEP ? say(`kept ${dir}`) : rmSync(dir, { recursive: true })));
  const log = createLogger({ level: 'error' });
  const kubeconfig = options.kubeconfig ?? (await startEmbedded(dir, stack));
  const client = createClient({ kubeconfig });
  stack.defer(() => client.close());
  const stop = new AbortController();
  stack.defer(() => stop.abort(new Error('the curtain falls')));
  const namespace = await prepare(client, stop.signal, stack);
  let bootUrl: () => string | undefined = () => undefined;
  const fleet = await startFleet({
    count: options.devices,
    basePort: 0,
    bootUrl: () => bootUrl(),
    timings: FAST,
    log,
  });
  stack.defer(() => fleet.close());
  const view = await follow(client, log, stop.signal);
  const watcher = watchInvariants({ view, client, fleet, log }, stop.signal);
  const user = createUser(seed, populationOf(fleet, options));
  /** Looked at now and then, as there is much to look at. */
  const until = (reached: () => boolean) => eventually(reached, { deadlineMs: patienceMs, everyMs: 250 });
  const left = () => unsettled(view.all(), user.wanted);

  return {
    kubeconfig,
    dir,
    fleet,
    watcher,
    async populate(from) {
      bootUrl = from;
      await createMissing(client, fleet.manifests() as unknown as KubeObject[]);
      while (user.wanted.instances.size < options.instances) await apply(client, namespace, user.next());
    },
    async settle(when, troubles) {
      const begun = performance.now();
      try {
        await until(() => left().length === 0);
      } catch (cause) {
        const faults = left();
        const told = [...faults.slice(0, 30), ...troubles().slice(-20)].join('\n');
        throw new Error(`not settled ${when}, ${faults.length} faults:\n${told}`, { cause });
      }
      const settledMs = performance.now() - begun;
      say(`all as wanted (${when}) after ${Math.round(settledMs / 1000)} s`);
      return settledMs;
    },
    async beRestless(goOn) {
      let changes = 0;
      for (; goOn(); changes++) {
        await apply(client, namespace, user.next());
        await setTimeout(everyMs);
      }
      return changes;
    },
    async conclude() {
      for (const change of user.conclude()) await apply(client, namespace, change);
    },
    misfits: () => misfits(view.all(), user.wanted, fleet),
    async giveBack() {
      for (const resource of [PLACEMENTS, INSTANCES]) await deleteAll(client, resource, namespace);
      await until(() => view.instances.size + view.placements.size === 0);
      await deleteAll(client, DEVICES);
      await until(() => view.devices.size === 0);
      // A server without a controller manager beside it collects no garbage.
      for (const resource of [ADDRESSES, DEVICE_INVENTORIES, IMAGES, DEVICE_TYPES, SITES])
        await deleteAll(client, resource);
      await deleteAll(client, SECRETS, OPERATOR_NAMESPACE);
      say('everything was given back');
      return watcher.violations();
    },
  };
}

function populationOf(fleet: SimulatedFleet, { instances, placements }: SceneOptions): Population {
  return {
    devices: fleet.machines.map(({ profile }) => profile.name),
    // Of the other types there are too few for everybody.
    deviceTypes: ['gp.large'],
    images: fleet.images.map(({ name }) => name),
    instances,
    placements,
  };
}

/** Readies the cluster; gives the namespace for all that people create, which goes with the stack. */
async function prepare(client: KubeClient, signal: AbortSignal, stack: AsyncDisposableStack): Promise<string> {
  if (!(await servedGroups(client)).has(GROUP)) await installDefinitions(client, signal);
  if ((await client.list(DEVICES, { limit: 1 })).items.length > 0)
    throw new Error('there are Devices already: a soak needs a cluster to itself');
  await ensureNamespace(client, OPERATOR_NAMESPACE);
  const namespace = `soak-${Date.now().toString(36)}`;
  await ensureNamespace(client, namespace);
  stack.defer(async () => {
    await client.delete(NAMESPACES, { name: namespace });
  });
  await createSecret(client, namespace);
  return namespace;
}

async function startEmbedded(dir: string, stack: AsyncDisposableStack): Promise<string> {
  const server = await startApiServer({ dir: join(dir, 'server') });
  stack.defer(() => server.close());
  return server.kubeconfigPath;
}

async function deleteAll(client: KubeClient, resource: Resource, namespace?: string): Promise<void> {
  for await (const page of client.pages(resource, { namespace })) {
    const left = page.items.map(({ metadata }) => metadata);
    const work = async () => {
      for (let next = left.pop(); next; next = left.pop()) await client.delete(resource, next).catch(ignoreMissing);
    };
    await Promise.all(Array.from({ length: AT_ONCE }, work));
  }
}

function ignoreMissing(error: unknown): void {
  if (!isNotFound(error)) throw error;
}
