// The product's operator on bad days: a simulated fleet, people who change things all the time, and a hostile proxy between
// operator and API server. Gives what was, and what must not have been.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { OPERATOR_NAMESPACE } from '../../../lib/api/names.ts';
import {
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
import { createClient, type KubeClient } from '../../../lib/kube/client.ts';
import { isNotFound } from '../../../lib/kube/errors.ts';
import type { KubeObject, Resource } from '../../../lib/kube/resource.ts';
import { createLogger, type LogLevel } from '../../../lib/observe/logger.ts';
import { type SimulatedFleet, startFleet } from '../../../lib/sim/fleet.ts';
import { eventually } from '../../../lib/testing/eventually.ts';
import type { Hostility } from '../../../lib/testing/hostile-proxy/faults.ts';
import { type HostileProxy, startHostileProxy } from '../../../lib/testing/hostile-proxy/proxy.ts';
import { FAST } from '../platform.ts';
import { servedGroups } from '../service-account.ts';
import { apply, createSecret } from './apply.ts';
import { type Auditor, startAuditor } from './auditor.ts';
import { createUser, type User } from './changes.ts';
import { type OperatorProcess, startOperatorProcess } from './operator-process.ts';
import { audit } from './record.ts';
import { misfits, unsettled } from './settled.ts';
import { type Sample, swollen } from './vitals.ts';

export interface SoakOptions {
  /** Undefined: an embedded API server. */
  readonly kubeconfig: string | undefined;
  readonly seed: number;
  readonly devices: number;
  readonly instances: number;
  readonly placements: number;
  /** How long things are changed while everything is hostile. */
  readonly forMs: number;
  /** Between two changes. */
  readonly everyMs: number;
  /** How many times as fast time runs for the operator. */
  readonly speed: number;
  readonly hostility: Omit<Hostility, 'seed'>;
  /** How long everything may take to settle. */
  readonly patienceMs: number;
  readonly logLevel: LogLevel;
  readonly say: (what: string) => void;
}

export interface SoakResult {
  /** What must not have been; empty if all is well. */
  readonly faults: readonly string[];
  readonly changes: number;
  readonly settledMs: number;
  readonly processes: number;
  readonly operations: Readonly<Record<string, number>>;
  /** What machines did to their disks, and how often they were turned on. */
  readonly record: Readonly<Record<string, number>>;
  readonly struck: Readonly<Record<string, number>>;
  readonly passed: Readonly<Record<string, number>>;
  readonly samples: readonly Sample[];
}

const SAMPLE_MS = 10_000;
/** Within it a key that always fails would be tried again, at the operator's speed. */
const QUIET_MS = 5_000;
const AT_ONCE = 8;

/** Everything that a soak is made of; ends with it. */
interface Scene {
  readonly options: SoakOptions;
  readonly client: KubeClient;
  readonly namespace: string;
  readonly fleet: SimulatedFleet;
  readonly proxy: HostileProxy;
  readonly operator: OperatorProcess;
  readonly auditor: Auditor;
  readonly user: User;
  readonly samples: Sample[];
}

export async function soak(options: SoakOptions): Promise<SoakResult> {
  await using stack = new AsyncDisposableStack();
  const scene = await setUp(options, stack);
  const { proxy, operator, auditor, fleet, user, samples, client, namespace } = scene;
  await settle(scene, 'before');
  await sample(scene, 'before');

  proxy.resume();
  options.say('hostile from now on');
  const changes = await beRestless(scene);
  for (const change of user.conclude()) await apply(client, namespace, change);
  proxy.relent();
  options.say(`${changes} changes, ${operator.processes} processes; hostile no more`);

  const settledMs = await settle(scene, 'after');
  const stuck = await stuckKeys(scene);
  const { devices, instances, placements } = auditor.view.all();
  const faults = [
    ...misfits({ devices, instances, placements }, user.wanted, fleet),
    ...stuck,
    ...swollen(samples),
    ...[...operator.panics].map(([panic, times]) => `panic, ${times} times: ${panic}`),
  ];
  const { struck, passed } = { struck: Object.fromEntries(proxy.struck), passed: Object.fromEntries(proxy.passed) };
  await giveBack(scene);
  const record = fleet.record();
  return {
    // Also of what giving back has brought about.
    faults: [...faults, ...auditor.violations, ...audit(record, auditor.operations)],
    changes,
    settledMs,
    processes: operator.processes,
    operations: counted(auditor.operations.values(), ({ kind }) => kind),
    record: counted(record, ({ what, detail = '' }) =>
      what === 'power' || what === 'write-image' ? `${what} ${detail}` : what,
    ),
    struck,
    passed,
    samples,
  };
}

async function setUp(options: SoakOptions, stack: AsyncDisposableStack): Promise<Scene> {
  const { seed, say, speed, logLevel } = options;
  const dir = mkdtempSync(join(tmpdir(), 'bmp-soak-'));
  stack.defer(() => (process.env.E2E_KEEP ? say(`kept ${dir}`) : rmSync(dir, { recursive: true })));
  const log = createLogger({ level: 'error' });
  const kubeconfig = options.kubeconfig ?? (await startEmbedded(dir, stack));
  const client = createClient({ kubeconfig });
  stack.defer(() => client.close());
  const stop = new AbortController();
  stack.defer(() => stop.abort(new Error('the soak is over')));
  if (!(await servedGroups(client)).has(GROUP)) await installDefinitions(client, stop.signal);
  if ((await client.list(DEVICES, { limit: 1 })).items.length > 0)
    throw new Error('there are Devices already: a soak needs a cluster to itself');
  await ensureNamespace(client, OPERATOR_NAMESPACE);
  const namespace = `soak-${Date.now().toString(36)}`;
  await ensureNamespace(client, namespace);
  stack.defer(async () => {
    await client.delete(NAMESPACES, { name: namespace });
  });
  await createSecret(client, namespace);

  const proxy = stack.use(await startHostileProxy(kubeconfig, { ...options.hostility, seed }, { calm: true }));
  const logFile = join(dir, 'operator.log');
  const operator = stack.use(
    await startOperatorProcess({ kubeconfig: proxy.kubeconfig, speed, epoch: Date.now(), logLevel, logFile }),
  );
  const fleet = await startFleet({
    count: options.devices,
    basePort: 0,
    bootUrl: () => operator.bootUrl(),
    timings: FAST,
    log,
  });
  stack.defer(() => fleet.close());
  const auditor = await startAuditor(client, log, stop.signal);
  const machines = fleet.machines.map(({ profile }) => profile);
  const user = createUser(seed, {
    devices: machines.map(({ name }) => name),
    // Of the other types there are too few for everybody.
    deviceTypes: ['gp.large'],
    images: fleet.images.map(({ name }) => name),
    instances: options.instances,
    placements: options.placements,
  });
  say(`${options.devices} machines, operator at ${speed} times the speed`);
  const scene = { options, client, namespace, fleet, proxy, operator, auditor, user, samples: [] };
  await populate(scene);
  return scene;
}

async function startEmbedded(dir: string, stack: AsyncDisposableStack): Promise<string> {
  const server = await startApiServer({ dir: join(dir, 'server') });
  stack.defer(() => server.close());
  return server.kubeconfigPath;
}

/** Imports the fleet and creates the first instances. */
async function populate({ client, namespace, fleet, user, options }: Scene): Promise<void> {
  await createMissing(client, fleet.manifests() as unknown as KubeObject[]);
  while (user.wanted.instances.size < options.instances) await apply(client, namespace, user.next());
}

/** Looked at now and then, as there is much to look at. */
const until = (reached: () => boolean, { patienceMs }: SoakOptions) =>
  eventually(reached, { deadlineMs: patienceMs, everyMs: 250 });

/** Resolves with how long it took until everything was as wanted. @throws Error with what is not, and the operator's last words */
async function settle({ auditor, user, operator, options }: Scene, when: string): Promise<number> {
  const begun = performance.now();
  try {
    await until(() => unsettled(auditor.view.all(), user.wanted).length === 0, options);
  } catch (cause) {
    const left = unsettled(auditor.view.all(), user.wanted);
    const said = operator.troubles.slice(-20).join('\n');
    throw new Error(`not settled ${when}, ${left.length} faults:\n${left.slice(0, 30).join('\n')}\n${said}`, { cause });
  }
  const settledMs = performance.now() - begun;
  options.say(`all as wanted (${when}) after ${Math.round(settledMs / 1000)} s`);
  return settledMs;
}

async function sample({ operator, samples, options }: Scene, when: Sample['when']): Promise<void> {
  const vitals = await operator.vitals();
  if (!vitals) return;
  samples.push({ when, ...vitals });
  const { heapMB, rssMB, sockets, timers, queues, process } = vitals;
  options.say(
    `${when}: process ${process}, heap ${heapMB.toFixed(1)} MiB, resident ${rssMB.toFixed(0)} MiB, ${sockets} sockets, ${timers} timers, queues ${JSON.stringify(queues)}`,
  );
}

/** Changes one thing after the other until the time is over; gives how many. */
async function beRestless(scene: Scene): Promise<number> {
  const { client, namespace, user, options } = scene;
  const end = performance.now() + options.forMs;
  let sampled = performance.now();
  let changes = 0;
  while (performance.now() < end) {
    await apply(client, namespace, user.next());
    changes++;
    if (performance.now() - sampled > SAMPLE_MS) {
      sampled = performance.now();
      await sample(scene, 'during');
    }
    await setTimeout(options.everyMs);
  }
  return changes;
}

/** Keys that somebody works at although all is as it should be. */
async function stuckKeys(scene: Scene): Promise<string[]> {
  await sample(scene, 'after');
  await setTimeout(QUIET_MS);
  await sample(scene, 'after');
  const [before, after] = scene.samples.slice(-2);
  if (before?.process !== after?.process) return ['the operator ended although nothing befell it'];
  const { depth, overdue, retries } = after!.queues;
  const tried = retries - before!.queues.retries;
  return depth + overdue + tried === 0 ? [] : [`stuck: ${depth} keys ready, ${overdue} overdue, ${tried} tried again`];
}

/** Deletes everything, and sees it go. */
async function giveBack({ client, auditor, options, namespace }: Scene): Promise<void> {
  const { view } = auditor;
  for (const resource of [PLACEMENTS, INSTANCES]) await deleteAll(client, resource, namespace);
  await until(() => view.instances.size + view.placements.size === 0, options);
  await deleteAll(client, DEVICES);
  await until(() => view.devices.size === 0, options);
  // A server without a controller manager beside it collects no garbage.
  for (const resource of [DEVICE_INVENTORIES, IMAGES, DEVICE_TYPES, SITES]) await deleteAll(client, resource);
  await deleteAll(client, SECRETS, OPERATOR_NAMESPACE);
  options.say('everything was given back');
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

function counted<T>(items: Iterable<T>, key: (item: T) => string): Record<string, number> {
  return Object.fromEntries([...Map.groupBy(items, key)].map(([name, all]) => [name.trim(), all.length]));
}
