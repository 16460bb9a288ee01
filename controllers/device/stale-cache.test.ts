// A cache whose watch has gone silent: it shows a Device for minutes as it was before what we wrote to it.
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Device } from '../../lib/api/generated.ts';
import {
  ADDRESSES,
  DEVICE_INVENTORIES,
  DEVICE_TYPES,
  DEVICES,
  IMAGES,
  INSTANCES,
  SECRETS,
  SITES,
} from '../../lib/api/resources.ts';
import type { Driver } from '../../lib/bmc/driver.ts';
import { BmcPool } from '../../lib/bmc/pool.ts';
import { createClientOver } from '../../lib/kube/client.ts';
import { createStore } from '../../lib/kube/store.ts';
import { systemClock } from '../../lib/runtime/clock.ts';
import type { Controller } from '../../lib/runtime/controller.ts';
import { eventually } from '../../lib/testing/eventually.ts';
import { createLogRecorder } from '../../lib/testing/log-recorder.ts';
import { createObjectServer } from '../../lib/testing/object-server.ts';
import { loginDigests } from './bmc-access.ts';
import { TIMING } from './context.ts';
import { createDeviceController } from './controller.ts';
import { Desk } from './desk.ts';
import { HealthBoard } from './health.ts';

const MAC = '52:54:00:00:00:01';
const PATH = '/apis/bmp.dev/v1alpha1/devices/a';

const asCached: Device = {
  apiVersion: 'bmp.dev/v1alpha1',
  kind: 'Device',
  metadata: { name: 'a', uid: 'uid-a', resourceVersion: '0', finalizers: ['bmp.dev/device'] },
  spec: { bmc: { address: 'ipmi://192.0.2.1', credentialsRef: { name: 'bmc' } }, bootMACAddress: MAC, site: 'lab' },
  status: {
    phase: 'Collecting',
    operation: {
      id: 'collect-1',
      kind: 'Collect',
      step: 'power-off',
      index: 1,
      total: 5,
      attempt: 1,
      round: 1,
      percent: 0,
      startedAt: '2026-01-01T00:00:00Z',
      stepStartedAt: new Date().toISOString(),
      deadline: '2100-01-01T00:00:00Z',
    },
  },
};
const opening = {
  device: 'a',
  deviceUID: 'uid-a',
  operationId: 'collect-1',
  boot: 1,
  nonceHash: 'ab'.repeat(32),
  agentVersion: '1',
  identity: { serialNumber: 's', macAddresses: [MAC] },
  disks: [],
};

test('the agent that it was booted for is admitted, and the machine not turned off under it', async () => {
  const server = createObjectServer();
  server.objects.set(PATH, structuredClone(asCached) as never);
  const devices = createStore(DEVICES);
  devices.writer.replace(new Map([['a', asCached]]));
  const secrets = createStore(SECRETS);
  const encoded = Buffer.from('x').toString('base64');
  const secret = {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { namespace: 'bmp-system', name: 'bmc', uid: 's', resourceVersion: '1' },
    data: { username: encoded, password: encoded },
  };
  secrets.writer.replace(new Map([['bmp-system/bmc', secret]]));

  const commands: string[] = [];
  let power: 'On' | 'Off' = 'Off';
  const driver: Partial<Driver> = {
    power: async () => power,
    bootDevice: async () => ({ device: 'pxe', persistent: false, mode: 'UEFI' }),
    setPower: async (action) => {
      commands.push(action);
      power = action === 'on' ? 'On' : 'Off';
    },
    close: async () => undefined,
  };
  let controller: Controller | undefined;
  const desk = new Desk({
    onChange: (device) => controller?.trigger(device),
    onDiscovered: () => undefined,
    onLog: () => undefined,
    now: () => Date.now(),
    isKnown: () => true,
    liveOS: () => ({ kernelUrl: 'http://kernel', initrdUrl: 'http://initrd' }),
  });
  const log = createLogRecorder();
  controller = createDeviceController({
    client: createClientOver(server.transport),
    stores: {
      addresses: createStore(ADDRESSES).store,
      devices: devices.store,
      secrets: secrets.store,
      inventories: createStore(DEVICE_INVENTORIES).store,
      types: createStore(DEVICE_TYPES).store,
      sites: createStore(SITES).store,
      images: createStore(IMAGES).store,
      instances: createStore(INSTANCES).store,
    },
    events: { event: () => undefined, flush: () => Promise.resolve() },
    bmcs: new BmcPool(() => driver as Driver),
    desk,
    health: new HealthBoard(),
    clock: systemClock,
    random: Math.random,
    timing: { ...TIMING, pollMs: 10, backstopMs: 10 },
    audit: () => undefined,
    namespace: 'bmp-system',
    loginDigest: loginDigests(new Uint8Array(32)),
    media: { bootUrl: '', url: () => '' },
    imageUrl: ({ spec }) => spec.url,
    seedReport: () => {
      throw new Error('nothing is to be installed');
    },
    listeningSince: Date.now(),
  });
  const stop = new AbortController();
  const running = controller.run({ clock: systemClock, random: Math.random, log }, stop.signal);
  const boot = await eventually(() => {
    const booted = desk.mailbox.boot(MAC);
    return typeof booted === 'object' && 'device' in booted ? booted : undefined;
  });
  assert.is(boot.boot, 1);
  await eventually(() => power === 'On');
  // The store still shows what was before all that.
  const answer = await desk.mailbox.openSession(opening, AbortSignal.timeout(30_000));
  assert.not.ok('refuse' in answer, JSON.stringify(answer));
  assert.equal(commands, ['on']);
  stop.abort(new Error('the test is over'));
  await running;
});

test.run();
