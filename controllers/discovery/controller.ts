// The discovery controller: machines that boot from the network and are no Devices are written down as Discoveries.
//
// A Discovery goes when there is a Device with its MAC address, and a week after it was seen first: a machine that still
// boots is then seen anew. There are a thousand at most, as whoever reaches the boot port can make them up.
import type { Device, Discovery } from '../../lib/api/generated.ts';
import { FIELD_MANAGER } from '../../lib/api/names.ts';
import { API_VERSION, DISCOVERIES } from '../../lib/api/resources.ts';
import type { KubeClient } from '../../lib/kube/client.ts';
import { isAlreadyExists, isNotFound } from '../../lib/kube/errors.ts';
import type { Store } from '../../lib/kube/store.ts';
import type { DiscoveredMachine } from '../../lib/provision/api/discovery.ts';
import type { Clock } from '../../lib/runtime/clock.ts';
import { type Controller, createController } from '../../lib/runtime/controller.ts';
import { done, requeue } from '../../lib/runtime/reconcile.ts';
import { exceptStatus, watch } from '../../lib/runtime/source.ts';
import { type DiscoveryBoard, discoveryName } from './board.ts';

const KEPT_MS = 7 * 24 * 3600 * 1000;
const MOST = 1000;

export interface DiscoveryDependencies {
  readonly client: KubeClient;
  readonly discoveries: Store<Discovery>;
  readonly devices: Store<Device>;
  readonly board: DiscoveryBoard;
  readonly clock: Clock;
}

export function createDiscoveryController(deps: DiscoveryDependencies): Controller {
  const { client, discoveries, devices, board, clock } = deps;
  const isDevice = (name: string) =>
    [...devices.values()].some(({ spec }) => discoveryName(spec.bootMACAddress) === name);
  return createController({
    name: 'discovery',
    concurrency: 4,
    watches: [
      watch(discoveries),
      watch(devices, { when: exceptStatus, keys: ({ spec }) => [discoveryName(spec.bootMACAddress)] }),
    ],
    async reconcile({ key }, signal) {
      const seen = board.of(key);
      const known = discoveries.get(key);
      const age = known ? clock.now() - Date.parse(known.metadata.creationTimestamp!) : 0;
      if (known && (age > KEPT_MS || isDevice(key))) {
        board.forget(key);
        await remove(client, known, signal);
        return done;
      }
      if (known) {
        board.forget(key);
        return requeue(KEPT_MS - age + 1000);
      }
      if (!seen || isDevice(key) || discoveries.size >= MOST) return done;
      await write(client, key, seen, signal);
      return done;
    },
  });
}

async function write(client: KubeClient, name: string, machine: DiscoveredMachine, signal: AbortSignal): Promise<void> {
  const { macAddress, ...said } = machine;
  const discovery: Discovery = {
    apiVersion: API_VERSION,
    kind: DISCOVERIES.kind,
    metadata: { name },
    spec: { bootMACAddress: macAddress, ...said },
  };
  try {
    await client.create(DISCOVERIES, discovery, { signal, fieldManager: FIELD_MANAGER });
  } catch (error) {
    // The cache has not seen it yet.
    if (!isAlreadyExists(error)) throw error;
  }
}

async function remove(client: KubeClient, { metadata }: Discovery, signal: AbortSignal): Promise<void> {
  try {
    await client.delete(DISCOVERIES, { name: metadata.name }, { uid: metadata.uid, signal });
  } catch (error) {
    if (!isNotFound(error)) throw error;
  }
}
