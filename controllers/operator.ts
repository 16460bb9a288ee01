// The composition root: every part of the operator is made here and handed what it needs.
import { randomBytes } from 'node:crypto';
import { FIELD_MANAGER, OPERATOR_SECRET } from '../lib/api/names.ts';
import {
  ADDRESSES,
  DEVICE_INVENTORIES,
  DEVICE_TYPES,
  DEVICES,
  DISCOVERIES,
  ENDPOINT_SLICES,
  HOSTS,
  IMAGES,
  INSTANCES,
  SECRETS,
  type Secret,
  SITES,
} from '../lib/api/resources.ts';
import type { BmcTarget } from '../lib/bmc/driver.ts';
import { openDriver } from '../lib/bmc/open.ts';
import { BmcPool } from '../lib/bmc/pool.ts';
import { mediaUrl } from '../lib/boot/media.ts';
import type { Operator, OperatorOptions } from '../lib/cli/operator.ts';
import { ImageCache } from '../lib/images/cache.ts';
import type { KubeClient } from '../lib/kube/client.ts';
import { isAlreadyExists, isNotFound } from '../lib/kube/errors.ts';
import { createEventRecorder, type EventRecorder } from '../lib/kube/events.ts';
import type { Log } from '../lib/observe/log.ts';
import { startObserving } from '../lib/observe/observing.ts';
import { type Certificate, createCertificate } from '../lib/provision/api/certificate.ts';
import { imageUrl } from '../lib/provision/api/image-files.ts';
import { type ProvisionApi, startProvisionApi } from '../lib/provision/api/server.ts';
import { KEY_BYTES, mediaKey, systemToken } from '../lib/provision/api/tokens.ts';
import { type Clock, systemClock, timestamp } from '../lib/runtime/clock.ts';
import { createManager } from '../lib/runtime/manager.ts';
import { retried } from '../lib/runtime/retry.ts';
import { type Outcome, watchConfiguration } from '../lib/scheduler/kubernetes/configuration-file.ts';
import { createClaimController } from './claim/controller.ts';
import { keepAgentLog } from './device/agent-log.ts';
import { loginDigests } from './device/bmc-access.ts';
import { TIMING, type Timing } from './device/context.ts';
import { createDeviceController } from './device/controller.ts';
import { Desk } from './device/desk.ts';
import { HealthBoard } from './device/health.ts';
import { imageShelf } from './device/image-shelf.ts';
import { createWatchController, WATCH_PERIODS, type WatchPeriods } from './device/watch.ts';
import { createDhcpController } from './dhcp/controller.ts';
import { DiscoveryBoard } from './discovery/board.ts';
import { createDiscoveryController } from './discovery/controller.ts';
import { createEndpointController, endpointSlice } from './endpoint/controller.ts';
import { CLAIM_INDEX, claimIndex, createInstanceController } from './instance/controller.ts';
import { createNodesController, KEY as NODES_KEY } from './nodes/controller.ts';
import { coreNodes, NODES } from './nodes/core.ts';
import { httpNodes } from './nodes/http.ts';
import { createPlacementController } from './placement/controller.ts';

/** Simulated machines have no inertia, so that nobody has to be patient with them. */
const SIMULATED: Timing = {
  ...TIMING,
  pollMs: 250,
  idlePollMs: 15_000,
  resendMs: 2000,
  graceMs: 20_000,
  silenceMs: 30_000,
  backoff: { initialMs: 1000, maxMs: 60_000 },
};

const SIMULATED_WATCH: WatchPeriods = { power: 5000, sensors: 20_000, eventLog: 20_000 };

const EVENTS_FLUSH_MS = 2000;

/** A process that starts while the API server is away waits for it, nearly as long as its startup probe lets it. */
const FIRST_CALLS = {
  what: 'the keys of the provisioning API',
  backoff: { initialMs: 500, maxMs: 5_000 },
  forMs: 45_000,
};

interface Keys {
  readonly key: Uint8Array;
  readonly tls: Certificate;
}

/**
 * The key that signs tokens and the certificate of the provisioning API: made once, kept in a Secret, the same for all
 * replicas and over restarts, because systems that were installed long ago go by them.
 */
async function provisionKeys(client: KubeClient, namespace: string, hosts: readonly string[]): Promise<Keys> {
  const name = { namespace, name: OPERATOR_SECRET };
  const decode = ({ data = {} }: Secret): Keys => {
    const part = (key: string) => {
      const value = data[key];
      if (!value)
        throw new Error(
          `the Secret ${namespace}/${OPERATOR_SECRET} has no key ${key}: restore it, or delete it to have a new one made (installed systems will not be able to report in any more)`,
        );
      return Buffer.from(value, 'base64');
    };
    return { key: part('token.key'), tls: { key: part('tls.key').toString(), cert: part('tls.crt').toString() } };
  };
  try {
    return decode(await client.get(SECRETS, name));
  } catch (error) {
    if (!isNotFound(error)) throw error;
  }
  const tls = await createCertificate(hosts, new Date());
  const encode = (value: string | Uint8Array) => Buffer.from(value).toString('base64');
  const secret: Secret = {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: name,
    type: 'Opaque',
    data: { 'token.key': encode(randomBytes(KEY_BYTES)), 'tls.key': encode(tls.key), 'tls.crt': encode(tls.cert) },
  };
  try {
    return decode(await client.create(SECRETS, secret, { fieldManager: FIELD_MANAGER }));
  } catch (error) {
    // Another replica was first.
    if (isAlreadyExists(error)) return decode(await client.get(SECRETS, name));
    throw error;
  }
}

/** Names that the certificate is made for: machines go by its fingerprint, whoever reads the metrics by a name. */
function certifiedHosts({ provision: { host, advertise }, namespace }: OperatorOptions): string[] {
  const reached = advertise?.url === undefined ? host : new URL(advertise.url).hostname.replace(/^\[(.*)\]$/, '$1');
  return [reached, `bmp-operator-metrics.${namespace}.svc`];
}

const portOf = (url: string): number => Number(new URL(url).port);

/** Starts the operator: it is up when its provisioning API listens, and runs until the signal aborts. */
export async function startOperator(options: OperatorOptions, signal: AbortSignal): Promise<Operator> {
  const { client, log, namespace, provision, service, observe, clock = systemClock } = options;
  const { key, tls } = await retried(
    () => provisionKeys(client, namespace, certifiedHosts(options)),
    { ...FIRST_CALLS, clock, random: Math.random, log },
    signal,
  );
  const election = {
    name: 'bmp-operator',
    namespace,
    identity: `${process.env.HOSTNAME ?? 'bmp'}-${randomBytes(6).toString('hex')}`,
  };
  const metrics = observe?.metrics;
  const observers = metrics && {
    observer: (controller: string) => metrics.runtime.controller(controller),
    reflectorObserver: (resource: string) => metrics.runtime.reflector(resource),
  };
  const manager = createManager({ client, log, clock, ...observers, ...(options.election && { election }) });
  // Past the fence: what is left of the events is written when leadership has been given up already.
  const over = new AbortController();
  const events = createEventRecorder({
    client,
    component: FIELD_MANAGER,
    log,
    clock: endingWith(clock, over.signal),
    observer: metrics?.runtime.events,
  });

  const tellOf = tellingOf(options.schedulerConfig ?? '', election, events, log);
  const configured = options.schedulerConfig
    ? await watchConfiguration(options.schedulerConfig, (outcome) => {
        metrics?.configuration.looked(outcome.type, clock.now());
        tellOf(outcome);
      })
    : undefined;

  const devices = manager.store(DEVICES, {
    indexes: { [CLAIM_INDEX]: claimIndex, mac: (device) => [device.spec.bootMACAddress] },
  });
  const instances = manager.store(INSTANCES);
  const addresses = manager.store(ADDRESSES);
  const inventories = manager.store(DEVICE_INVENTORIES);
  const types = manager.store(DEVICE_TYPES);
  const sites = manager.store(SITES);
  const images = manager.store(IMAGES);
  const secrets = manager.store(SECRETS, { namespace });

  const open = (target: BmcTarget) => openDriver(target, options.bmc);
  const bmcs = new BmcPool(metrics ? metrics.bmc.measuring(open) : open);
  const health = new HealthBoard();
  const loginDigest = loginDigests(key);
  // The desk answers through the API below, which is there by the time that it is asked.
  let api: ProvisionApi | undefined;
  const liveOS = (file: string) => `${api?.bootUrl}/liveos/${file}`;
  const board = new DiscoveryBoard((name) => discoveryController.trigger(name));
  const desk: Desk = new Desk({
    onChange: (device) => deviceController.trigger(device, { priority: 10 }),
    onDiscovered: (machine) => board.saw(machine),
    onLog: ({ device: name, operationId }, text) => {
      log.warn({ device: name, text }, 'log of a failed agent');
      const device = devices.get(name);
      if (!device) return;
      keepAgentLog(client, namespace, device, { operationId, text, at: timestamp(clock.now()) }).catch(
        (error: unknown) => log.warn({ err: error, device: name }, 'the log of a failed agent could not be kept'),
      );
    },
    now: () => clock.now(),
    isKnown: (mac) => !devices.hasSynced() || devices.byIndex('mac', mac).length > 0,
    liveOS: () => ({ kernelUrl: liveOS('vmlinuz'), initrdUrl: liveOS('initrd') }),
  });
  const imageCache = options.imageCache && new ImageCache({ ...options.imageCache, log });
  const shelf = imageCache && imageShelf(imageCache, { devices, images });
  const provisionApi = await startProvisionApi({
    ...provision,
    ...(shelf && { images: shelf }),
    tls,
    key,
    backend: desk.mailbox,
    log,
  });
  const { url, fingerprint, bootUrl } = provisionApi;
  api = provisionApi;

  const deviceController = createDeviceController({
    client: manager.client,
    stores: { addresses, devices, inventories, types, sites, images, instances, secrets },
    events,
    bmcs,
    dhcp: options.dhcp,
    desk,
    health,
    clock,
    random: Math.random,
    timing: options.pace === 'simulated' ? SIMULATED : TIMING,
    namespace,
    loginDigest,
    audit: (record) => options.audit?.(record),
    media: { bootUrl, url: (mac, boot) => mediaUrl(bootUrl, mac, mediaKey(key, boot)) },
    imageUrl: ({ metadata: { name }, spec }) =>
      imageCache ? imageUrl(bootUrl, { name, sha256: spec.sha256 }) : spec.url,
    seedReport: (claims) => ({ url, fingerprint, token: systemToken(key, claims), instanceUID: claims.instanceUID }),
    listeningSince: clock.now(),
  });
  manager.add(deviceController);
  const discoveryController = createDiscoveryController({
    client: manager.client,
    discoveries: manager.store(DISCOVERIES),
    devices,
    board,
    clock,
  });
  manager.add(discoveryController);
  manager.add(
    createWatchController({
      stores: { devices, sites, secrets },
      events,
      bmcs,
      health,
      clock,
      namespace,
      loginDigest,
      periods: options.pace === 'simulated' ? SIMULATED_WATCH : WATCH_PERIODS,
      wake: (device) => deviceController.trigger(device),
    }),
  );
  manager.add(
    createInstanceController({
      client: manager.client,
      events,
      clock,
      stores: { instances, devices, inventories, types },
    }),
  );
  manager.add(createClaimController({ manager, events, log, clock, configured }));
  manager.add(createPlacementController({ manager, events, log, clock, configured }));

  if (options.dhcp) manager.add(createDhcpController({ dhcp: options.dhcp, bootUrl, sites, devices, events, log }));

  if (options.nodes) {
    const { source, namespace: target } = options.nodes;
    manager.add(
      createNodesController({
        client: manager.client,
        hosts: manager.store(HOSTS),
        source: source === 'core' ? coreNodes(manager.store(NODES), NODES_KEY) : httpNodes(source),
        namespace: target,
        log,
        clock,
      }),
    );
  }

  if (service) {
    const ports = { provision: provision.port || portOf(url), boot: provision.bootPort || portOf(bootUrl) };
    manager.add(
      createEndpointController({
        client: manager.client,
        slices: manager.store(ENDPOINT_SLICES, { namespace, fieldSelector: `metadata.name=${service.name}` }),
        wanted: endpointSlice({ ...service, namespace }, ports),
      }),
    );
  }
  metrics?.runtime.watch(manager);
  metrics?.operations.follow(devices, () => manager.isLeader());
  const observed =
    observe &&
    (await startObserving({ ...observe, registry: observe.metrics.registry, manager, client, tls, clock, log }));

  async function runToTheEnd(): Promise<void> {
    try {
      await manager.run(signal);
    } finally {
      await flushed(events, log);
      over.abort();
      await Promise.all([
        provisionApi.close(),
        bmcs.close(),
        imageCache?.close(),
        options.dhcp?.close(),
        observed?.close(),
        configured?.close(),
      ]);
    }
  }
  const stopped = runToTheEnd();
  // Whoever started us awaits it in the end; the reason is told at once.
  stopped.catch((error: unknown) => log.error({ err: error }, 'the operator ended'));
  log.info({ url, bootUrl }, 'provisioning API listens');
  return { url, bootUrl, stopped, ...(observed && { observed }) };
}

/** Tells what became of the scheduler's configuration, in the log and in events of the operator's Lease. */
function tellingOf(
  file: string,
  { name, namespace }: { name: string; namespace: string },
  events: EventRecorder,
  log: Log,
): (outcome: Outcome) => void {
  const lease = { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata: { name, namespace } };
  return (outcome) => {
    if (outcome.type === 'taken') {
      log.info({ file }, "the scheduler's configuration is in force");
      events.event(lease, 'Normal', 'ConfigurationTaken', `the scheduler goes by ${file}`);
    } else if (outcome.type === 'missing') log.warn({ file }, 'no scheduler configuration is there: nothing changes');
    else {
      log.error(
        { file, problem: outcome.problem },
        "the scheduler's configuration is wrong: what was good before goes on",
      );
      events.event(lease, 'Warning', 'ConfigurationRefused', `${outcome.problem}: what was good before goes on`);
    }
  };
}

/** Writes what is left of the events, for a short while: they are for people, and nothing goes by them. */
async function flushed(events: EventRecorder, log: Log): Promise<void> {
  try {
    await events.flush(AbortSignal.timeout(EVENTS_FLUSH_MS));
  } catch (error) {
    log.warn({ err: error }, 'events were left unwritten');
  }
}

/** The same clock, but its timers end with the signal: what was still to be tried keeps no stopped process alive. */
function endingWith(clock: Clock, signal: AbortSignal): Clock {
  return {
    ...clock,
    after(ms, fire) {
      const cancel = () => {
        timer.cancel();
        signal.removeEventListener('abort', cancel);
      };
      const timer = clock.after(ms, () => {
        signal.removeEventListener('abort', cancel);
        fire();
      });
      signal.addEventListener('abort', cancel, { once: true });
      if (signal.aborted) cancel();
      return { cancel };
    },
  };
}
