// A fleet that is at rest, in no time: one machine is taken through the operator until it is on offer, and then stands model for
// thousands, each with a BMC of its own that answers and can be switched.
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import type { Device, DeviceInventory } from '../../lib/api/generated.ts';
import { OPERATOR_NAMESPACE, OPERATOR_SECRET } from '../../lib/api/names.ts';
import { DEVICE_INVENTORIES, DEVICES, SECRETS, type Secret } from '../../lib/api/resources.ts';
import { BENCH_ACCOUNT } from '../../lib/bmc/bench/orders.ts';
import type { PowerState } from '../../lib/bmc/driver.ts';
import { createMissing } from '../../lib/cli/manifests.ts';
import type { KubeClient } from '../../lib/kube/client.ts';
import type { KubeObject } from '../../lib/kube/resource.ts';
import { createLogger } from '../../lib/observe/logger.ts';
import { startFleet } from '../../lib/sim/fleet.ts';
import { eventually } from '../../lib/testing/eventually.ts';
import { loginDigests } from '../device/bmc-access.ts';
import { startOperator } from '../operator.ts';

const SIMULATORS = new URL('../../lib/sim/bmc/bench/simulators.ts', import.meta.url);
const SIMULATOR_PROCESSES = 2;
const LOGIN = 'bench-bmc';
const CREATORS = 32;
const PATIENCE = { deadlineMs: 120_000, everyMs: 250 };

export interface Clones {
  readonly names: readonly string[];
  /** Turns a machine on or off by hand. */
  switch(name: string, state: PowerState): void;
}

interface Model {
  readonly device: Device;
  readonly inventory: DeviceInventory;
}

/** BMCs in processes of their own, which end with the stack. */
export async function makeClones(client: KubeClient, count: number, stack: AsyncDisposableStack): Promise<Clones> {
  const model = await makeModel(client);
  const bmcs = await startBmcs(count, stack);
  const secret = await createLogin(client);
  stack.defer(() => client.delete(SECRETS, secret.metadata));
  const digest = loginDigests(await operatorKey(client));
  const names = bmcs.map((_, index) => `clone-${String(index).padStart(6, '0')}`);
  let next = 0;
  const creator = async () => {
    while (next < count) {
      const index = next++;
      await clone(client, model, { name: names[index]!, index, address: bmcs[index]!.address, secret, digest });
    }
  };
  await Promise.all(Array.from({ length: CREATORS }, creator));
  const byName = new Map(names.map((name, index) => [name, bmcs[index]!]));
  return { names, switch: (name, state) => byName.get(name)!.power(state) };
}

/** A Device that the operator has put on offer. It is deleted again, as its machine goes. */
async function makeModel(client: KubeClient): Promise<Model> {
  const log = createLogger({ level: 'error' });
  let bootUrl: string | undefined;
  await using stack = new AsyncDisposableStack();
  const fleet = await startFleet({ count: 1, basePort: 0, bootUrl: () => bootUrl, log });
  stack.defer(() => fleet.close());
  const stop = new AbortController();
  const provision = { host: '127.0.0.1', port: 0, bootPort: 0 };
  const operator = await startOperator(
    { client, log, namespace: OPERATOR_NAMESPACE, election: true, provision, pace: 'simulated' },
    stop.signal,
  );
  stack.defer(async () => {
    stop.abort(new Error('the model is made'));
    await operator.stopped;
  });
  ({ bootUrl } = operator);
  await createMissing(client, fleet.manifests() as unknown as KubeObject[]);
  const metadata = { name: fleet.machines[0]!.profile.name };
  const device = await eventually(async () => {
    const now = await client.get(DEVICES, metadata);
    // The first reading of the sensors comes after it.
    return now.status?.phase === 'Available' && now.status.conditions?.some(({ type }) => type === 'Healthy') && now;
  }, PATIENCE);
  const inventory = await client.get(DEVICE_INVENTORIES, metadata);
  await client.patch(DEVICES, metadata, { type: 'merge', body: { spec: { putAway: false } } });
  await client.delete(DEVICES, metadata);
  await eventually(async () => (await client.list(DEVICES)).items.length === 0, PATIENCE);
  return { device, inventory };
}

interface Bmc {
  readonly address: string;
  power(state: PowerState): void;
}

async function startBmcs(count: number, stack: AsyncDisposableStack): Promise<Bmc[]> {
  const bmcs: Bmc[] = [];
  for (let i = 0; i < SIMULATOR_PROCESSES; i++) {
    const share = Math.floor(count / SIMULATOR_PROCESSES) + (i < count % SIMULATOR_PROCESSES ? 1 : 0);
    const child: ChildProcess = fork(SIMULATORS, [String(share)]);
    stack.defer(() => void child.kill());
    const [ports] = (await once(child, 'message')) as [number[]];
    const bmc = (port: number, index: number): Bmc => ({
      address: `ipmi://127.0.0.1:${port}`,
      power: (state) => void child.send({ what: 'power', index, state }),
    });
    bmcs.push(...ports.map(bmc));
  }
  return bmcs;
}

async function createLogin(client: KubeClient): Promise<Secret> {
  const encode = (value: string) => Buffer.from(value).toString('base64');
  return client.create(SECRETS, {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { namespace: OPERATOR_NAMESPACE, name: LOGIN },
    data: { username: encode(BENCH_ACCOUNT.username), password: encode(BENCH_ACCOUNT.password) },
  });
}

async function operatorKey(client: KubeClient): Promise<Uint8Array> {
  const { data = {} } = await client.get(SECRETS, { namespace: OPERATOR_NAMESPACE, name: OPERATOR_SECRET });
  return Buffer.from(data['token.key']!, 'base64');
}

async function clone(
  client: KubeClient,
  { device, inventory }: Model,
  self: {
    readonly name: string;
    readonly index: number;
    readonly address: string;
    readonly secret: Secret;
    readonly digest: ReturnType<typeof loginDigests>;
  },
): Promise<void> {
  const { name, index, address, secret } = self;
  const { finalizers } = device.metadata;
  const { rootDeviceHints: _, ...spec } = device.spec;
  const serialNumber = `CLONE${index}`;
  const bootMACAddress = `52:54:ff:${[16, 8, 0].map((shift) => hex((index >> shift) & 255)).join(':')}`;
  const bmc = { address, credentialsRef: { name: LOGIN } };
  const created = await client.create(DEVICES, {
    ...device,
    metadata: { name, ...(finalizers && { finalizers }) },
    spec: { ...spec, serialNumber, bootMACAddress, bmc },
  });
  const good = { name: LOGIN, resourceVersion: self.digest(address, secret) };
  const status = {
    ...device.status,
    observedGeneration: created.metadata.generation!,
    credentials: { tried: good, good },
  };
  await client.patchStatus(DEVICES, { name }, { type: 'merge', body: { status } });
  const [owner] = inventory.metadata.ownerReferences!;
  await client.create(DEVICE_INVENTORIES, {
    ...inventory,
    metadata: { name, ownerReferences: [{ ...owner!, name, uid: created.metadata.uid! }] },
    spec: { ...inventory.spec, serialNumber },
  });
}

const hex = (byte: number): string => byte.toString(16).padStart(2, '0');
