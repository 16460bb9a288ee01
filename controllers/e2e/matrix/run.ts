// The matrix on one stage: an API server, a fleet with a machine for each life, and an operator that is killed and followed by
// the next one, all in this process.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Device, Site } from '../../../lib/api/generated.ts';
import { OPERATOR_NAMESPACE } from '../../../lib/api/names.ts';
import { API_VERSION, DEVICES, IMAGES, INSTANCES, SECRETS, SITES } from '../../../lib/api/resources.ts';
import { startApiServer } from '../../../lib/apiserver/server.ts';
import { MEDIA_FILE, mediaConfiguration } from '../../../lib/boot/media.ts';
import { createMissing, ensureNamespace, installDefinitions } from '../../../lib/cli/manifests.ts';
import { follow, type View } from '../../../lib/cli/view.ts';
import { createClient, type KubeClient } from '../../../lib/kube/client.ts';
import type { KubeObject } from '../../../lib/kube/resource.ts';
import { createLogger } from '../../../lib/observe/logger.ts';
import { SimulatedDhcp } from '../../../lib/sim/dhcp.ts';
import { type SimulatedFleet, startFleet } from '../../../lib/sim/fleet.ts';
import { DEVICE_TYPES, machineProfile } from '../../../lib/sim/machine/profile.ts';
import { watchInvariants } from '../invariants/watcher.ts';
import { FAST } from '../platform.ts';
import { bootMethodOf, type Cell, lives, takesVolumes } from './cells.ts';
import { createConductor } from './conductor.ts';
import type { BootMethod, Victim } from './faults.ts';
import { Gate } from './gate.ts';
import { type LifeOptions, live, type Outcome, waited } from './life.ts';
import { createOperators } from './operators.ts';
import type { Traveller } from './tour.ts';
import { createWarpClock } from './warp-clock.ts';
import { serveWrongImages, type WrongImages } from './wrong-images.ts';

export interface MatrixResult {
  readonly outcomes: readonly Outcome[];
  /** What the watcher found. */
  readonly violations: readonly string[];
  readonly deaths: number;
}

export interface MatrixOptions {
  readonly cells: readonly Cell[];
  /** Lives at a time. */
  readonly atOnce: number;
  readonly patienceMs: number;
  readonly say: (what: string) => void;
}

const NAMESPACE = 'default';
/** As a disk, and as a tar that the agent partitions for and makes bootable. */
const OWN_IMAGES = ['tiny', 'tiny-tar'] as const;
const PASSWORD = 'root-password';
/** Of data volumes. */
const PARTITIONS = [{ fileSystem: 'ext4' as const, mountPoint: '/srv' }];
/** Of the fleet. */
const SEED = 1;
/** Power that goes at once, and a live OS that takes long enough for the operator to be seen waiting for it. */
const TIMINGS = { ...FAST, power: 10, liveBoot: 400 };
const silent = createLogger({ level: 'error' });

export async function runMatrix({ cells, atOnce, patienceMs, say }: MatrixOptions): Promise<MatrixResult> {
  await using stack = new AsyncDisposableStack();
  const dir = mkdtempSync(join(tmpdir(), 'bmp-matrix-'));
  stack.defer(() => rmSync(dir, { recursive: true }));
  const server = await startApiServer({ dir });
  stack.defer(() => server.close());
  const client = createClient({ kubeconfig: server.kubeconfigPath });
  stack.defer(() => client.close());
  const over = AbortSignal.timeout(patienceMs);
  const ended = new AbortController();
  stack.defer(() => ended.abort(new Error('the matrix is through')));
  await installDefinitions(client, ended.signal);
  await ensureNamespace(client, OPERATOR_NAMESPACE);
  const images = stack.use(await serveWrongImages());
  await createObjects(client, images);

  const gate = new Gate();
  const clock = createWarpClock();
  const dhcp = new SimulatedDhcp();
  const bootFiles = join(dir, 'liveos');
  mkdirSync(bootFiles);
  writeFileSync(join(bootFiles, MEDIA_FILE), `CD001\n${mediaConfiguration()}`);
  const operators = stack.use(
    createOperators(server.kubeconfigPath, gate, clock, { dhcp, imageCache: join(dir, 'images'), bootFiles }),
  );
  await operators.start();
  const all = lives(cells);
  const bootUrl = () => operators.bootUrl();
  const machines = machinesFor(all.map((life) => ({ volumes: takesVolumes(life), boots: bootMethodOf(life) })));
  const count = Math.max(0, ...machines) + 1;
  const answered = (mac: string) => dhcp.bootUrl(mac);
  const fleet = await startFleet({ count, basePort: 0, bootUrl: answered, timings: TIMINGS, log: silent });
  stack.defer(() => fleet.close());
  const shared = (fleet.manifests() as unknown as KubeObject[]).filter(({ kind }) => !/^(Device|Secret)$/.test(kind));
  await createMissing(client, shared.map(withBootNetwork));
  const view = await follow(client, silent, ended.signal);
  const watcher = watchInvariants({ view, client, fleet, log: silent }, ended.signal);
  const conductor = createConductor({ gate, clock, operators, fleet, say });
  const conducting = conductor.run(ended.signal);

  const outcomes: Outcome[] = [];
  const waiting = all.map((life, index) => ({
    life,
    name: fleet.machines[machines[index]!]!.name,
    boots: bootMethod(machines[index]!),
  }));
  const work = async () => {
    for (let next = waiting.shift(); next; next = waiting.shift()) {
      const options = lifeOptions({ ...next, client, fleet, dhcp, view, gate, bootUrl, hold: conductor.hold }, over);
      outcomes.push(...(await live(next.life, options)));
    }
  };
  try {
    await Promise.all(Array.from({ length: atOnce }, work));
    return { outcomes, violations: await watcher.violations(), deaths: operators.deaths };
  } finally {
    ended.abort(new Error('the matrix is through'));
    await conducting;
  }
}

const bootMethod = (index: number): BootMethod => (index % 3 === 2 ? 'VirtualMedia' : 'Network');

/** For each life a machine of its own, by its index in the fleet. */
function machinesFor(
  lives: readonly { readonly volumes: boolean; readonly boots: BootMethod | undefined }[],
): number[] {
  const hasVolumes = (index: number) => {
    const { deviceType } = machineProfile(SEED, index);
    return DEVICE_TYPES.some(({ name, volumes }) => name === deviceType && volumes !== undefined);
  };
  const taken = new Set<number>();
  return lives.map(({ volumes, boots }) => {
    for (let index = 0; ; index++) {
      if (taken.has(index) || hasVolumes(index) !== volumes) continue;
      if (boots !== undefined && bootMethod(index) !== boots) continue;
      taken.add(index);
      return index;
    }
  });
}

/** A machine that is lent its live OS needs nobody's DHCP. */
async function withBootMethod(object: KubeObject, fleet: SimulatedFleet, boots: BootMethod): Promise<KubeObject> {
  if (object.kind !== DEVICES.kind || boots === 'Network') return object;
  const { spec, ...rest } = object as Device;
  const address = `redfish+http://127.0.0.1:${await fleet.bmc(rest.metadata.name).listenRedfish()}`;
  const boot = { method: 'VirtualMedia', address: '10.64.0.9/16', gateway: '10.64.0.1' };
  return { ...rest, spec: { ...spec, boot, bmc: { ...spec.bmc, address } } } as KubeObject;
}

/** Machines of the Site boot by the operator's DHCP. */
function withBootNetwork(object: KubeObject): KubeObject {
  if (object.kind !== SITES.kind) return object;
  const { spec, ...rest } = object as Site;
  const boot = { range: { start: '10.64.0.100', end: '10.64.0.250' } };
  const networks = spec.networks!.map((network) => (network.name === 'lan' ? { ...network, boot } : network));
  return { ...rest, spec: { ...spec, networks } } as KubeObject;
}

async function createObjects(client: KubeClient, { specs }: WrongImages): Promise<void> {
  const data = { password: Buffer.from('correct horse').toString('base64') };
  const metadata = { name: PASSWORD, namespace: NAMESPACE };
  await client.create(SECRETS, { apiVersion: 'v1', kind: 'Secret', metadata, data });
  for (const [name, spec] of Object.entries(specs))
    await client.create(IMAGES, { apiVersion: API_VERSION, kind: 'Image', metadata: { name }, spec });
}

interface LifeSurroundings {
  readonly name: string;
  readonly boots: BootMethod;
  readonly client: KubeClient;
  readonly fleet: SimulatedFleet;
  readonly dhcp: SimulatedDhcp;
  readonly view: View;
  readonly gate: Gate;
  readonly bootUrl: () => string | undefined;
  readonly hold: LifeOptions['hold'];
}

function lifeOptions(around: LifeSurroundings, signal: AbortSignal): LifeOptions {
  const { name, boots, client, fleet, dhcp, view, gate, bootUrl, hold } = around;
  const machine = fleet.machine(name);
  const device = () => view.devices.get(name);
  const instance = () => view.instances.get(`${NAMESPACE}/${name}`);
  // By the last digit of its name, so that a machine has the same one in every run.
  const own = OWN_IMAGES[Number(name.at(-1)) % OWN_IMAGES.length]!;
  let image: string = own;
  let asked = 0;

  const told = () => `${name}: ${JSON.stringify(device()?.status)} ${JSON.stringify(instance()?.status)}`;
  const merge = (spec: object) => ({ type: 'merge', body: { spec } }) as const;
  const traveller: Traveller = {
    name,
    machine,
    client,
    device,
    instance,
    async register() {
      const own = (fleet.manifests() as unknown as KubeObject[]).filter(({ metadata }) =>
        [name, `${name}-bmc`].includes(metadata.name),
      );
      await createMissing(client, await Promise.all(own.map((object) => withBootMethod(object, fleet, boots))));
    },
    async install() {
      const volumes = device()?.status?.volumes?.filter((volume) => volume.name !== 'root') ?? [];
      const formatted = volumes.map((volume) => ({ name: volume.name, partitions: PARTITIONS }));
      const spec = { deviceName: name, image, rootPasswordRef: { name: PASSWORD }, volumes: formatted };
      const metadata = { name, namespace: NAMESPACE };
      await client.create(INSTANCES, { apiVersion: API_VERSION, kind: 'Instance', metadata, spec });
    },
    async patchDevice(spec) {
      await client.patch(DEVICES, { name }, merge(spec));
    },
    async patchInstance(spec) {
      await client.patch(INSTANCES, { name, namespace: NAMESPACE }, merge(spec));
    },
    until: (what, reached) => waited(`${name}: ${what}`, reached, told, signal),
  };
  const victim: Omit<Victim, 'impersonate'> = {
    machine,
    bmc: fleet.bmc(name),
    refuseDhcp: (refused) => dhcp.refuse(machine.profile.bootMACAddress, refused),
    async useImage(wrong) {
      image = wrong ?? own;
      if (instance()) await traveller.patchInstance({ image });
    },
    async hintAt(disk) {
      const { wwn } = machine.profile.rootDisk;
      const hints = {
        'the right one': { wwn, model: null },
        none: { wwn: '0xnone', model: null },
        two: { wwn: null, model: machine.profile.rootDisk.model },
      } as const;
      await traveller.patchDevice({ rootDeviceHints: hints[disk] });
    },
    resetStatus: () => traveller.patchDevice({ requests: { resetStatus: String(++asked) } }),
  };
  return {
    traveller,
    victim,
    gate,
    hold,
    impostor: { profile: machine.profile, bootUrl, signal },
    onDevice(see: (seen: Device) => void) {
      return view.devices.subscribe(({ type, object }) => {
        if (type !== 'deleted' && object.metadata.name === name) see(object);
      });
    },
    signal,
  };
}
