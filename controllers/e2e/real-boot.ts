// A whole platform on virtual hardware: the embedded API server, `bmp run` as a process of its own, and the lab's machines,
// which boot the live OS over the network and get a Debian with cloud-init. Nothing is simulated above the hardware.
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, createReadStream, createWriteStream, openSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import type { Device, Instance } from '../../lib/api/generated.ts';
import { OPERATOR_NAMESPACE } from '../../lib/api/names.ts';
import { DEVICES, INSTANCES } from '../../lib/api/resources.ts';
import { startApiServer } from '../../lib/apiserver/server.ts';
import { createMissing, ensureNamespace, installDefinitions } from '../../lib/cli/manifests.ts';
import type { Everything } from '../../lib/cli/overview.ts';
import { follow } from '../../lib/cli/view.ts';
import { imageManifest } from '../../lib/images/build.ts';
import { serveFolder } from '../../lib/images/serve.ts';
import { createClient, type KubeClient } from '../../lib/kube/client.ts';
import type { KubeObject } from '../../lib/kube/resource.ts';
import {
  LAB_ADDRESS,
  type Lab,
  type LabMachine,
  type LabOptions,
  type MachineSpec,
  startLab,
} from '../../lib/lab/lab.ts';
import { labManifests } from '../../lib/lab/manifests.ts';
import { createLogger } from '../../lib/observe/logger.ts';
import { freePort, freeUdpPort } from '../../lib/testing/free-port.ts';
import { tempDir } from '../../lib/testing/temp-dir.ts';
import { ARTIFACTS, artifacts, tell, timed } from './real-boot-artifacts.ts';
import { type Recording, record } from './real-boot-record.ts';

/** Nothing is measured by it: emulated machines on a busy machine take their time. */
const PATIENCE_MS = Number(process.env.E2E_PATIENCE_MS ?? 40 * 60_000);
const MIB = 1024 * 1024;
const IMAGE_PORT = 8080;
const RESTART_MS = 1000;
const COMMAND = new URL('../main.ts', import.meta.url).pathname;

/** Its BMC gets a port that is free. */
export type RealMachine = Omit<MachineSpec, 'bmcPort'>;

const DISK = 1024 * MIB;

export const machineSpec = (firmware: MachineSpec['firmware'], more: readonly number[] = []): RealMachine => ({
  firmware,
  memoryMiB: 768,
  disks: [DISK, ...more],
});

/** Two disks that are alike. */
export const mirroredMachineSpec = (firmware: MachineSpec['firmware']): RealMachine => machineSpec(firmware, [DISK]);

/** How many bytes of its disks are not zero. */
export async function leftOn({ disks }: LabMachine): Promise<number> {
  let left = 0;
  for (const { file } of disks) {
    for await (const chunk of createReadStream(file, { highWaterMark: MIB }) as AsyncIterable<Buffer>)
      if (!chunk.equals(Buffer.alloc(chunk.length))) left += chunk.reduce((sum, byte) => sum + (byte === 0 ? 0 : 1), 0);
  }
  return left;
}

export interface RealPlatform {
  readonly client: KubeClient;
  readonly lab: Lab;
  readonly operator: OperatorProcess;
  /** The server of the images' files; closed and opened again at will. */
  readonly images: Switch;
  device(name: string): Device | undefined;
  instance(name: string): Instance | undefined;
  patch(instance: string, spec: object): Promise<void>;
  /** Waits until `reached`, and prints how long that took. */
  step(what: string, reached: (all: Everything) => boolean): Promise<void>;
  /** What a command prints that runs on the instance's system, over SSH with the key of `publicKey`. */
  ssh(instance: string, command: string): Promise<string>;
  readonly publicKey: string;
  /** Everything on the lab's network and between operator and BMCs, from now on. */
  record(): Promise<Recording>;
}

export interface OperatorProcess {
  /** As a machine's failure does; another one is started in its place. */
  kill(): void;
  stop(): Promise<void>;
}

export interface Switch {
  off(): Promise<void>;
  on(): Promise<void>;
}

const command = promisify(execFile);

/** `bmp run`, which machines find at its two doors in the lab. One that ends is followed by the next, as in a Deployment. */
async function startOperator(options: {
  kubeconfig: string;
  port: number;
  bootPort: number;
  liveOS: string;
  dhcpSocket: string | undefined;
  logFile: string;
}): Promise<OperatorProcess> {
  const { kubeconfig, port, bootPort, liveOS, dhcpSocket, logFile } = options;
  const args = ['run', '--kubeconfig', kubeconfig, '--host', LAB_ADDRESS, '--listen', '127.0.0.1'];
  args.push('--provision-port', String(port), '--boot-port', String(bootPort), '--live-os', liveOS);
  if (dhcpSocket !== undefined) args.push('--dhcp-socket', dhcpSocket);
  const log = openSync(logFile, 'w');
  let child: ChildProcess | undefined;
  let stopping = false;
  const keep = async (): Promise<void> => {
    while (!stopping) {
      // A test that is killed takes it along.
      child = spawn('setpriv', ['--pdeathsig', 'KILL', process.execPath, COMMAND, ...args], {
        stdio: ['ignore', log, log],
      });
      const [code, signal] = (await once(child, 'exit')) as [number | null, string | null];
      if (stopping) return;
      tell(`          ${basename(logFile, '.log')} ended with ${signal ?? code}; the next one is started`);
      await delay(RESTART_MS);
    }
  };
  const kept = keep();
  return {
    kill: () => void child?.kill('SIGKILL'),
    async stop() {
      stopping = true;
      child?.kill('SIGTERM');
      await kept;
      closeSync(log);
    },
  };
}

/**
 * Brings all of it up, imports the machines, runs `body`, and throws all of it away.
 *
 * @param options `change` says how something is imported, and undefined: not; `dhcp` as startLab() has it
 */
export async function onRealMachines(
  name: string,
  machines: readonly RealMachine[],
  body: (platform: RealPlatform) => Promise<void>,
  options: {
    readonly change?: (object: KubeObject) => KubeObject | undefined;
    readonly dhcp?: LabOptions['dhcp'];
  } = {},
): Promise<void> {
  const { change = (object) => object, dhcp = 'all' } = options;
  const { liveOS, images } = await artifacts();
  await using stack = new AsyncDisposableStack();
  const dir = stack.use(await tempDir('bmp-real-boot-run-'));
  const logFile = createWriteStream(join(ARTIFACTS, `${name}.log`));
  stack.defer(() => void logFile.end());
  const log = createLogger({ level: 'debug', destination: logFile });
  const stop = new AbortController();
  const server = await startApiServer({ dir: dir.path });
  stack.defer(() => server.close());
  const client = createClient({ kubeconfig: server.kubeconfigPath, timeoutMs: 60_000 });
  stack.defer(() => client.close());
  await installDefinitions(client, stop.signal);
  for (const namespace of [OPERATOR_NAMESPACE, 'default']) await ensureNamespace(client, namespace, stop.signal);

  const [port, bootPort, imagePort] = [await freePort(), await freePort(), await freePort()];
  const serve = () => serveFolder(ARTIFACTS, '127.0.0.1', imagePort, log);
  let files: Awaited<ReturnType<typeof serve>> | undefined = await serve();
  stack.defer(() => files?.close());
  const lab = await startLab({
    name,
    machines: await Promise.all(machines.map(async (machine) => ({ ...machine, bmcPort: await freeUdpPort() }))),
    operator: { port, bootPort },
    doors: { [IMAGE_PORT]: imagePort },
    dhcp,
    log,
  });
  stack.defer(() => lab.close());
  const operator = await startOperator({
    kubeconfig: server.kubeconfigPath,
    port,
    bootPort,
    liveOS,
    dhcpSocket: lab.dhcpSocket,
    logFile: join(ARTIFACTS, `${name}-operator.log`),
  });
  stack.defer(() => operator.stop());
  stack.defer(() => stop.abort(new Error('the test is over')));
  const view = await follow(client, log, stop.signal);
  const key = join(dir.path, 'key');
  await command('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', key]);

  const named = <T extends KubeObject>(objects: readonly T[], wanted: string) =>
    objects.find(({ metadata }) => metadata.name === wanted);

  /** What everything says of itself, and the ends of the consoles. */
  async function state(): Promise<string> {
    const { devices, instances } = view.all();
    const told = [...devices, ...instances].map(
      ({ metadata, status }) => `${metadata.name}: ${JSON.stringify(status)}`,
    );
    const consoles = await Promise.all(lab.machines.map(({ consoleLog }) => readFile(consoleLog, 'latin1')));
    return [...told, ...consoles.map((text) => text.split('\n').slice(-60).join('\n'))].join('\n');
  }

  const platform: RealPlatform = {
    client,
    lab,
    operator,
    images: {
      async off() {
        await files?.close();
        files = undefined;
      },
      async on() {
        files ??= await serve();
      },
    },
    publicKey: (await readFile(`${key}.pub`, 'utf8')).trim(),
    device: (wanted) => named(view.all().devices, wanted),
    instance: (wanted) => named(view.all().instances, wanted),
    record: () => record(lab, ARTIFACTS, [IMAGE_PORT, bootPort]),
    async patch(instance, spec) {
      await client.patch(INSTANCES, { name: instance, namespace: 'default' }, { type: 'merge', body: { spec } });
    },
    async step(what, reached) {
      try {
        await timed(`${name}: ${what}`, () => view.until(reached, AbortSignal.timeout(PATIENCE_MS)));
      } catch (cause) {
        throw new Error(`waited in vain for ${what}:\n${await state()}`, { cause });
      }
    },
    async ssh(instance, remote) {
      const address = named(view.all().instances, instance)?.status?.addresses?.[0];
      const options = ['StrictHostKeyChecking=no', 'UserKnownHostsFile=/dev/null', 'LogLevel=ERROR', 'BatchMode=yes'];
      const args = ['-i', key, ...options.flatMap((option) => ['-o', option]), `debian@${address}`, remote];
      // cloud-init reports the boot while sshd may still be starting.
      for (const until = performance.now() + PATIENCE_MS; ; await delay(1000)) {
        try {
          return (await command(...lab.network.inside('ssh', args))).stdout.trim();
        } catch (error) {
          if (performance.now() > until || !/refused|timed out|reset/i.test(String(error))) throw error;
        }
      }
    },
  };
  const manifests = images.map((image) =>
    imageManifest(image.version, `http://${LAB_ADDRESS}:${IMAGE_PORT}/${basename(image.file)}`, image),
  );
  await createMissing(
    client,
    [...labManifests(lab), ...(manifests as KubeObject[])].flatMap((object) => change(object) ?? []),
  );
  await body(platform);
  for (const { metadata } of view.all().devices) await client.delete(DEVICES, metadata);
  await platform.step('devices removed', ({ devices }) => devices.length === 0);
}
