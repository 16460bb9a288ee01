// A small operator with everything that can go wrong in a big one: operations that must happen once, claims that must be
// unique, finalizers. It runs against a hostile proxy while a user changes things all the time; an auditor with a
// connection of its own watches what really happens.
//
// Devices and instances are ConfigMaps, so that any cluster will do:
//   device    data: want (which setting it shall have), done (which it has), op (operation under way, "id:setting"), claim
//   instance  data: device (the one it has)
import { randomUUID } from 'node:crypto';
import { setTimeout } from 'node:timers/promises';
import { writeObject } from '../../kube/apply.ts';
import { createClient, type KubeClient } from '../../kube/client.ts';
import { isConflict, isNotFound } from '../../kube/errors.ts';
import { createReflector } from '../../kube/reflector.ts';
import { keyOf, type ObjectName } from '../../kube/resource.ts';
import type { Store } from '../../kube/store.ts';
import type { Log } from '../../observe/log.ts';
import { createController } from '../../runtime/controller.ts';
import { addFinalizer, hasFinalizer, isDeleting, removeFinalizer } from '../../runtime/finalizers.ts';
import { createManager, type Manager } from '../../runtime/manager.ts';
import { done, type Result, requeue } from '../../runtime/reconcile.ts';
import { watch } from '../../runtime/source.ts';
import { type ConfigMap, configMap, configMaps } from '../cluster.ts';
import { eventually } from '../eventually.ts';
import type { LogRecorder } from '../log-recorder.ts';
import { createRandom } from '../random.ts';

export const FINALIZER = 'example.dev/claim';
const KIND = 'kind.example.dev';
const selector = (kind: 'device' | 'instance') => `${KIND}=${kind}`;

const labelled = (kind: 'device' | 'instance', map: ConfigMap): ConfigMap => ({
  ...map,
  metadata: { ...map.metadata, labels: { [KIND]: kind } },
});
const withData = (map: ConfigMap, data: Record<string, string | undefined>): ConfigMap => ({
  ...map,
  data: Object.fromEntries(
    Object.entries({ ...map.data, ...data }).filter(([, value]) => value !== undefined),
  ) as Record<string, string>,
});

/** The hardware: counts how often each setting of each device was brought about, by different operations. */
export class Hardware {
  readonly #operations = new Map<string, Set<string>>();

  apply(device: string, setting: string, operation: string): void {
    const of = `${device}=${setting}`;
    const operations = this.#operations.get(of) ?? new Set();
    this.#operations.set(of, operations.add(operation));
  }

  /** Settings that more than one operation brought about. */
  twice(): string[] {
    return [...this.#operations].filter(([, operations]) => operations.size > 1).map(([of]) => of);
  }

  get applied(): number {
    return this.#operations.size;
  }
}

export interface OperatorOptions {
  kubeconfig: string;
  namespace: string;
  hardware: Hardware;
  log: Log;
}

/**
 * Runs the operator until `signal` aborts. A process that loses the lease ends; the next one starts with empty caches, as a
 * Deployment would see to it. Resolves to how many processes there were.
 */
export async function runOperator(options: OperatorOptions, signal: AbortSignal): Promise<number> {
  for (let processes = 1; ; processes++) {
    const client = createClient({ kubeconfig: options.kubeconfig, timeoutMs: 2_000 });
    const manager = createOperator(client, options);
    try {
      await manager.run(signal);
      return processes;
    } catch (error) {
      options.log.warn({ err: error }, 'the operator ended, and starts again');
    } finally {
      await client.close();
    }
  }
}

function createOperator(client: KubeClient, { namespace, hardware, log }: OperatorOptions): Manager {
  const manager = createManager({
    client,
    log,
    election: {
      name: 'hostile',
      namespace,
      identity: randomUUID(),
      leaseMs: 6_000,
      renewDeadlineMs: 4_000,
      retryMs: 600,
    },
    stopMs: 1_000,
    timing: { silenceMs: 3_000, initialSilenceMs: 2_000, backoff: { initialMs: 20, maxMs: 1_000 } },
  });
  const devices = manager.store(configMaps, {
    namespace,
    labelSelector: selector('device'),
    indexes: { claim: ({ data }) => [data?.claim ?? ''] },
  });
  const instances = manager.store(configMaps, { namespace, labelSelector: selector('instance') });
  const common = { backoff: { initialMs: 20, maxMs: 1_000 }, concurrency: 8, deadlineMs: 10_000 };
  manager.add(
    createController({
      ...common,
      name: 'device',
      watches: [watch(devices)],
      reconcile: ({ key }, stop) => reconcileDevice(manager.client, hardware, devices.get(key), stop),
    }),
  );
  manager.add(
    createController({
      ...common,
      name: 'instance',
      watches: [
        watch(instances),
        watch(devices, {
          keys: ({ data }) => (data?.claim ? [keyOf({ namespace, name: data.claim.split(':')[0]! })] : []),
        }),
      ],
      reconcile: ({ key, name }, stop) => {
        const instance = instances.get(key);
        return instance
          ? reconcileInstance(manager.client, devices, instance, stop)
          : releaseLeftOver(manager.client, devices, { namespace, name }, stop);
      },
    }),
  );
  return manager;
}

async function reconcileDevice(
  client: KubeClient,
  hardware: Hardware,
  device: ConfigMap | undefined,
  signal: AbortSignal,
): Promise<Result> {
  const { want, done: has, op } = device?.data ?? {};
  if (!device || want === undefined || (want === has && !op)) return done;
  const [operation, setting] = op?.split(':') ?? [];
  if (!operation || !setting) {
    // Written down before the effect: whoever comes after a crash carries on with this very operation.
    await writeObject(client, configMaps, device, withData(device, { op: `${randomUUID()}:${want}` }), { signal });
    return done;
  }
  hardware.apply(device.metadata.name, setting, operation);
  await writeObject(client, configMaps, device, withData(device, { done: setting, op: undefined }), { signal });
  return done;
}

/** A claim may arrive after its instance went: from a process that has ended since, and whose write was long on its way. */
async function releaseLeftOver(
  client: KubeClient,
  devices: Store<ConfigMap>,
  name: ObjectName,
  signal: AbortSignal,
): Promise<Result> {
  for (const device of devices.values()) {
    const [instance, uid] = device.data?.claim?.split(':') ?? [];
    if (instance !== name.name || (await uidOf(client, name, signal)) === uid) continue;
    await writeObject(client, configMaps, device, withData(device, { claim: undefined }), { signal });
  }
  return done;
}

/** By the server's word; undefined where there is no such instance. */
async function uidOf(client: KubeClient, name: ObjectName, signal: AbortSignal): Promise<string | undefined> {
  try {
    return (await client.get(configMaps, name, { signal })).metadata.uid;
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}

async function reconcileInstance(
  client: KubeClient,
  devices: Store<ConfigMap>,
  instance: ConfigMap,
  signal: AbortSignal,
): Promise<Result> {
  const claim = `${instance.metadata.name}:${instance.metadata.uid}`;
  const held = devices.byIndex('claim', claim);
  if (isDeleting(instance)) {
    for (const device of held)
      await writeObject(client, configMaps, device, withData(device, { claim: undefined }), { signal });
    // Looked at again when the cache shows them released.
    if (held.length === 0) await removeFinalizer(client, configMaps, instance, FINALIZER, { signal });
    return done;
  }
  if (!hasFinalizer(instance, FINALIZER)) {
    await addFinalizer(client, configMaps, instance, FINALIZER, { signal });
    return done;
  }
  const [mine] = held;
  if (mine) {
    await writeObject(client, configMaps, instance, withData(instance, { device: mine.metadata.name }), { signal });
    return done;
  }
  const free = devices.byIndex('claim', '')[0];
  if (!free) return requeue(200);
  await writeObject(client, configMaps, free, withData(free, { claim }), { signal });
  return done;
}

export interface UserOptions {
  client: KubeClient;
  namespace: string;
  devices: number;
  instances: number;
  seed: number;
  /** How long things are changed. */
  forMs: number;
  /** Between two changes. */
  everyMs: number;
}

/** Makes devices and instances, and then changes them; resolves when it is done. */
export async function beUser({
  client,
  namespace,
  devices,
  instances,
  seed,
  forMs,
  everyMs,
}: UserOptions): Promise<void> {
  const random = createRandom(seed);
  const pick = (count: number) => Math.floor(random() * count);
  for (let i = 0; i < devices; i++)
    await client.create(configMaps, labelled('device', configMap(namespace, `device-${i}`, { want: '1' })));
  for (let i = 0; i < instances; i++)
    await client.create(configMaps, labelled('instance', configMap(namespace, `instance-${i}`)));
  let made = instances;
  let oldest = 0;
  const end = performance.now() + forMs;
  for (let change = 2; performance.now() < end; change++) {
    if (pick(3) > 0) {
      const name = `device-${pick(devices)}`;
      await client.patch(configMaps, { namespace, name }, { type: 'merge', body: { data: { want: String(change) } } });
    } else {
      await client.delete(configMaps, { namespace, name: `instance-${oldest++}` });
      await client.create(configMaps, labelled('instance', configMap(namespace, `instance-${made++}`)));
    }
    await setTimeout(everyMs);
  }
}

export interface Auditor {
  /** What must never happen, and did. */
  readonly violations: readonly string[];
  /** What is not as it should be in the end; empty once all is. */
  unsettled(): string[];
  stop(): Promise<void>;
}

/** Watches all of it over a connection that nothing befalls. */
export function startAuditor(client: KubeClient, namespace: string, log: Log): Auditor {
  const reflector = createReflector({ client, resource: configMaps, namespace, labelSelector: KIND, log });
  const { store } = reflector;
  const violations: string[] = [];
  store.subscribe((event) => {
    if (event.type !== 'updated') return;
    const [before, after] = [event.old.data?.claim, event.object.data?.claim];
    if (before && after && before !== after)
      violations.push(`${event.object.metadata.name}: claim ${before} became ${after}`);
  });
  const stop = new AbortController();
  const running = reflector.run(stop.signal);
  const of = (kind: string) => [...store.values()].filter(({ metadata }) => metadata.labels?.[KIND] === kind);

  function unsettled(): string[] {
    const devices = of('device');
    const instances = of('instance');
    const claims = Map.groupBy(
      devices.filter(({ data }) => data?.claim),
      ({ data }) => data!.claim!,
    );
    return [
      ...devices
        .filter(({ data }) => data?.want !== data?.done || data?.op)
        .map(({ metadata, data }) => `${metadata.name}: ${JSON.stringify(data)}`),
      ...instances.flatMap(({ metadata, data }) => {
        const held = claims.get(`${metadata.name}:${metadata.uid}`) ?? [];
        claims.delete(`${metadata.name}:${metadata.uid}`);
        if (metadata.deletionTimestamp) return [`${metadata.name}: being deleted`];
        if (held.length !== 1) return [`${metadata.name}: holds ${held.length} devices`];
        return held[0]!.metadata.name === data?.device ? [] : [`${metadata.name}: says ${data?.device}`];
      }),
      ...[...claims.keys()].map((claim) => `${claim}: claims, and is not there`),
    ];
  }
  return {
    violations,
    unsettled,
    async stop() {
      stop.abort();
      await running;
    },
  };
}

/** Resolves once all is as it should be; rejects with what is not, and the end of the log. */
export async function settled(auditor: Auditor, log: LogRecorder, deadlineMs: number): Promise<void> {
  try {
    await eventually(() => auditor.unsettled().length === 0, { deadlineMs });
  } catch (cause) {
    const lines = log.lines.filter(({ level }) => level !== 'debug').slice(-40);
    const said = lines.map(({ level, message, fields }) => `${level} ${message} ${JSON.stringify(fields)}`);
    throw new Error(`not settled: ${auditor.unsettled().slice(0, 20).join('; ')}\n${said.join('\n')}`, { cause });
  }
}

/** Deletes the instances' finalizers and all else, so that the namespace can go. */
export async function cleanUp(client: KubeClient, namespace: string): Promise<void> {
  for await (const page of client.pages(configMaps, { namespace, labelSelector: KIND })) {
    for (const map of page.items) {
      try {
        const freed = await client.patch(configMaps, map.metadata, {
          type: 'merge',
          body: { metadata: { finalizers: null } },
        });
        await client.delete(configMaps, freed.metadata);
      } catch (error) {
        if (!isNotFound(error) && !isConflict(error)) throw error;
      }
    }
  }
}
