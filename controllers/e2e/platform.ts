// A whole platform for a test: an API server (embedded, or the one that E2E_KUBECONFIG names), a simulated fleet behind the
// wire, and the operator; and ways to wait for what a person would wait for.
import { once } from 'node:events';
import { createWriteStream, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Device, Instance, Placement } from '../../lib/api/generated.ts';
import { OPERATOR_NAMESPACE, OPERATOR_SECRET } from '../../lib/api/names.ts';
import {
  ADDRESSES,
  API_VERSION,
  DEVICE_INVENTORIES,
  DEVICE_TYPES,
  DEVICES,
  DISCOVERIES,
  IMAGES,
  INSTANCES,
  PLACEMENTS,
  SECRETS,
  SITES,
} from '../../lib/api/resources.ts';
import { startApiServer } from '../../lib/apiserver/server.ts';
import { createMissing, installDefinitions } from '../../lib/cli/manifests.ts';
import type { Operator, OperatorOptions } from '../../lib/cli/operator.ts';
import type { Everything } from '../../lib/cli/overview.ts';
import { follow, type View } from '../../lib/cli/view.ts';
import { createClient, createClientOver, type KubeClient } from '../../lib/kube/client.ts';
import { createCredentials } from '../../lib/kube/credentials.ts';
import { isNotFound } from '../../lib/kube/errors.ts';
import { leases } from '../../lib/kube/lease.ts';
import type { KubeObject, Resource } from '../../lib/kube/resource.ts';
import { createTransport, type Exchange, type Transport } from '../../lib/kube/transport.ts';
import type { Log } from '../../lib/observe/log.ts';
import { createLogger } from '../../lib/observe/logger.ts';
import { createMetrics } from '../../lib/observe/metrics.ts';
import { type SimulatedFleet, startFleet } from '../../lib/sim/fleet.ts';
import type { AuditRecord } from '../device/audit.ts';
import { startOperator } from '../operator.ts';
import { watchInvariants } from './invariants/watcher.ts';
import { guarded, losingFirstAnswers, Rights } from './rights.ts';
import {
  accountKubeconfig,
  ENDPOINT_SLICE_DEFINITION,
  installAccess,
  servedGroups,
  tokenIn,
} from './service-account.ts';

/** Long enough for a machine that shares its cores with other tests; nothing is measured by it. */
const PATIENCE_MS = Number(process.env.E2E_PATIENCE_MS ?? 90_000);

export interface Platform {
  readonly client: KubeClient;
  readonly fleet: SimulatedFleet;
  readonly view: View;
  /** What the operator may do, and has done so far. */
  readonly rights: Rights;
  /** Of an administrator, as adminToken is. */
  readonly kubeconfig: string;
  /** What the operator's audit log would hold. */
  readonly audited: readonly AuditRecord[];
  readonly adminToken: string;
  /** Where machines boot from the network. */
  bootUrl(): string | undefined;
  /** HTTPS, with the operator's own certificate. */
  metricsPort(): number;
  /** Stops the operator and starts another one in its place; `meanwhile` happens while there is none. */
  restartOperator(meanwhile: () => Promise<void>): Promise<void>;
  /** Creates the objects of the fleet: its Site, DeviceTypes, Images, Devices and Secrets. */
  importFleet(change?: (object: KubeObject) => KubeObject): Promise<void>;
  /** What was applied past the platform: it goes with the platform, in an order that lets the operator finish. */
  adopt(objects: readonly KubeObject[]): void;
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

interface Ports {
  readonly port: number;
  readonly bootPort: number;
}
interface Confined {
  readonly running: Operator;
  /** Aborts when the operator has ended by itself, with the reason. */
  readonly ended: AbortSignal;
  stop(): Promise<void>;
}

/** An operator that can do what its ServiceAccount may, and nothing else. */
async function startConfined(options: {
  kubeconfig: string;
  /** What stands between the operator and the server. */
  way: (transport: Transport) => Transport;
  log: Log;
  ports: Ports;
  service: boolean;
  bmc: OperatorOptions['bmc'];
  bootFiles: string | undefined;
  audit: (record: object) => void;
}): Promise<Confined> {
  const { kubeconfig, way, log, ports, service, bmc } = options;
  await using stack = new AsyncDisposableStack();
  const credentials = createCredentials({ kubeconfig });
  const transport = createTransport({ credentials, userAgent: 'bmp-operator', maxInFlight: 64, timeoutMs: 30_000 });
  const client = createClientOver(way(transport));
  stack.defer(() => client.close());
  const stop = new AbortController();
  const host = '127.0.0.1';
  const running = await startOperator(
    {
      client,
      log,
      namespace: OPERATOR_NAMESPACE,
      election: true,
      provision: { host, ...ports, ...(options.bootFiles !== undefined && { bootFiles: options.bootFiles }) },
      ...(service && { service: { name: 'bmp-provision', address: host } }),
      observe: { host, healthPort: 0, metricsPort: 0, metrics: createMetrics() },
      pace: 'simulated',
      bmc,
      audit: options.audit,
    },
    stop.signal,
  );
  const ended = new AbortController();
  running.stopped.catch((error: unknown) => ended.abort(error));
  stack.defer(async () => {
    stop.abort(new Error('the test stops it'));
    await running.stopped;
  });
  const disposal = stack.move();
  return { running, ended: ended.signal, stop: () => disposal.disposeAsync() };
}

export interface PlatformOptions {
  /** Of simulated machines. */
  readonly count: number;
  /** Folder of the live OS; simulated machines need none, but for discs. */
  readonly bootFiles?: string;
  /** The operator is not told of the first write of each kind that it took hold. */
  readonly losesFirstAnswers?: boolean;
  /** How the operator talks to BMCs; default as networks and BMCs need it. */
  readonly bmc?: OperatorOptions['bmc'];
  /** What must never be, and is here because the test itself did it: people can do more than the operator can mend. */
  readonly excused?: (violation: string) => boolean;
  /** Told of every request of the operator. */
  readonly asked?: (exchange: Exchange) => void;
}

export async function startPlatform(options: PlatformOptions): Promise<Platform> {
  await using stack = new AsyncDisposableStack();
  const dir = mkdtempSync(join(tmpdir(), 'bmp-e2e-'));
  stack.defer(() => (process.env.E2E_KEEP ? console.log(`kept ${dir}`) : rmSync(dir, { recursive: true })));
  const logFile = createWriteStream(join(dir, 'operator.log'));
  stack.defer(async () => {
    logFile.end();
    await once(logFile, 'finish');
  });
  const log = createLogger({ level: 'debug', destination: logFile });
  const server = process.env.E2E_KUBECONFIG ? undefined : await startApiServer({ dir });
  stack.defer(() => server?.close());
  const kubeconfig = server?.kubeconfigPath ?? process.env.E2E_KUBECONFIG!;
  const client = createClient({ kubeconfig });
  stack.defer(() => client.close());
  const stop = new AbortController();
  stack.defer(() => stop.abort(new Error('the test is over')));
  if (server) {
    await installDefinitions(client, stop.signal);
    await installDefinitions(client, stop.signal, [ENDPOINT_SLICE_DEFINITION]);
  }
  await installAccess(client);
  const service = (await servedGroups(client)).has('discovery.k8s.io');
  const access = (await accountKubeconfig(client, kubeconfig, join(dir, 'operator.kubeconfig'))) ?? kubeconfig;
  const rights = new Rights();
  const way = (transport: Transport) =>
    heard(guarded(options.losesFirstAnswers ? losingFirstAnswers(transport) : transport, rights), options.asked);
  const audited: AuditRecord[] = [];
  const audit = (record: object) => audited.push(record as AuditRecord);
  const start = (ports: Ports) =>
    startConfined({
      kubeconfig: access,
      way,
      log,
      ports,
      service,
      audit,
      bmc: options.bmc,
      bootFiles: options.bootFiles,
    });
  let bootUrl: string | undefined;
  const fleet = await startFleet({
    count: options.count,
    basePort: 0,
    bootUrl: () => bootUrl,
    timings: FAST,
    log,
  });
  stack.defer(() => fleet.close());
  if (!server) stack.defer(() => forgetOperator(client));
  let operator = await start({ port: 0, bootPort: 0 });
  bootUrl = operator.running.bootUrl;
  stack.defer(() => operator.stop());
  const view = await follow(client, log, stop.signal);
  const watcher = watchInvariants({ view, client, fleet, log }, stop.signal);

  const named = <T extends KubeObject>(objects: readonly T[], name: string) =>
    objects.find(({ metadata }) => metadata.name === name);
  const state = ({ devices, instances, placements }: Everything) =>
    [...devices, ...instances, ...placements]
      .map(({ kind, metadata, status }) => `${kind} ${metadata.name}: ${JSON.stringify(status)}`)
      .join('\n');

  let imported: readonly KubeObject[] = [];
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
    // A server without a controller manager beside it collects no garbage.
    for (const resource of [DEVICE_INVENTORIES, ADDRESSES, DISCOVERIES] as Resource[]) {
      for await (const page of client.pages(resource)) {
        for (const { metadata } of page.items) await client.delete(resource, metadata).catch(ignoreMissing);
      }
    }
    for (const { kind, metadata } of imported) {
      const resource = [SITES, DEVICE_TYPES, IMAGES, SECRETS].find((one) => one.kind === kind);
      if (resource) await client.delete(resource, metadata).catch(ignoreMissing);
    }
  }

  const platform: Platform = {
    client,
    rights,
    kubeconfig,
    audited,
    adminToken: tokenIn(kubeconfig),
    bootUrl: () => bootUrl,
    metricsPort: () => operator.running.observed!.metricsPort!,
    async restartOperator(meanwhile) {
      const { url, bootUrl: bootedFrom } = operator.running;
      await operator.stop();
      await meanwhile();
      operator = await start({ port: Number(new URL(url).port), bootPort: Number(new URL(bootedFrom).port) });
    },
    fleet,
    view,
    async importFleet(change = (object) => object) {
      imported = (fleet.manifests() as unknown as KubeObject[]).map(change);
      await createMissing(client, imported);
    },
    adopt(objects) {
      imported = objects;
    },
    create: (resource, object) =>
      client.create(resource, { apiVersion: API_VERSION, kind: resource.kind, ...object } as never),
    async patch(resource, object, spec) {
      await client.patch(resource, object.metadata, { type: 'merge', body: { spec } });
    },
    async until(what, reached) {
      try {
        await view.until(reached, AbortSignal.any([AbortSignal.timeout(PATIENCE_MS), operator.ended]));
      } catch (error) {
        throw new Error(`waited in vain for ${what}:\n${state(view.all())}`, { cause: error });
      }
    },
    device: (name) => named(view.all().devices, name),
    instance: (name) => named(view.all().instances, name),
    placement: (name) => named(view.all().placements, name),
    async close() {
      const wrong: string[] = [];
      try {
        // What is left in a cluster that lives on would be in the next test's way.
        if (!server) await cleanUp();
        const violations = await watcher.violations();
        wrong.push(...violations.filter((violation) => !options.excused?.(violation)));
      } finally {
        await disposal.disposeAsync();
      }
      if (wrong.length > 0) throw new Error(`what must never be:\n${wrong.join('\n')}`);
      if (rights.refused().length > 0) throw new Error(`rights are missing:\n${rights.refused().join('\n')}`);
    },
  };
  const disposal = stack.move();
  return platform;
}

/** The same way, on which every request is told of. */
const heard = (transport: Transport, tell: PlatformOptions['asked']): Transport =>
  tell
    ? {
        ...transport,
        call(exchange) {
          tell(exchange);
          return transport.call(exchange);
        },
      }
    : transport;

/** The next one starts as if it were the first. */
async function forgetOperator(client: KubeClient): Promise<void> {
  await client.delete(SECRETS, { name: OPERATOR_SECRET, namespace: OPERATOR_NAMESPACE }).catch(ignoreMissing);
  await client.delete(leases, { name: 'bmp-operator', namespace: OPERATOR_NAMESPACE }).catch(ignoreMissing);
}

/** For deletions of what may be gone already. */
export function ignoreMissing(error: unknown): void {
  if (!isNotFound(error)) throw error;
}

/** Machines in a hurry: the order of things is as ever, only the waiting is short. */
export const FAST = {
  post: 20,
  liveBoot: 20,
  systemBoot: 30,
  systemShutdown: 30,
  retry: 50,
  writePerMiB: 1,
  wipePerDisk: 5,
};

/** A bare Instance, as short as people write it. */
export const instanceNamed = (name: string, spec: Partial<Instance['spec']> = {}) => ({
  metadata: { name, namespace: 'default' },
  spec: { deviceType: 'gp.large', image: 'debian-12', ...spec },
});
