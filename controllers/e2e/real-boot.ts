// A whole platform on virtual hardware: the embedded API server, the operator as it is, and the lab's machines, which boot
// the live OS over the network and get a Debian with cloud-init. Nothing is simulated above the hardware.
import { execFile } from 'node:child_process';
import { createReadStream, createWriteStream } from 'node:fs';
import { glob, mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import type { Device, Instance } from '../../lib/api/generated.ts';
import { OPERATOR_NAMESPACE } from '../../lib/api/names.ts';
import { DEVICES, INSTANCES } from '../../lib/api/resources.ts';
import { startApiServer } from '../../lib/apiserver/server.ts';
import { buildLiveOS } from '../../lib/boot/liveos/build.ts';
import { createMissing, ensureNamespace, installDefinitions } from '../../lib/cli/manifests.ts';
import type { Everything } from '../../lib/cli/overview.ts';
import { follow } from '../../lib/cli/view.ts';
import { type BuiltImage, buildImages, imageManifest } from '../../lib/images/build.ts';
import { createClient, type KubeClient } from '../../lib/kube/client.ts';
import type { KubeObject } from '../../lib/kube/resource.ts';
import { LAB_ADDRESS, type Lab, type LabMachine, type MachineSpec, startLab } from '../../lib/lab/lab.ts';
import { labManifests } from '../../lib/lab/manifests.ts';
import { createLogger } from '../../lib/observe/logger.ts';
import { tempDir } from '../../lib/testing/temp-dir.ts';
import { startOperator } from '../operator.ts';

/** Nothing is measured by it: emulated machines on a busy machine take their time. */
const PATIENCE_MS = Number(process.env.E2E_PATIENCE_MS ?? 30 * 60_000);
const MIB = 1024 * 1024;
/** Kept between runs: what takes minutes to build. */
const ARTIFACTS = process.env.REAL_BOOT_DIR ?? join(tmpdir(), 'bmp-real-boot');
const IMAGE_PORT = 8080;
const ROOT = new URL('../../', import.meta.url).pathname;

export const machineSpec = (firmware: MachineSpec['firmware']): MachineSpec => ({
  firmware,
  memoryMiB: 768,
  diskBytes: 1024 * MIB,
});

export interface RealPlatform {
  readonly client: KubeClient;
  readonly lab: Lab;
  readonly images: ImageServer;
  device(name: string): Device | undefined;
  instance(name: string): Instance | undefined;
  patch(instance: string, spec: object): Promise<void>;
  /** Waits until `reached`, and prints how long that took. */
  step(what: string, reached: (all: Everything) => boolean): Promise<void>;
  /** What a command prints that runs on the machine, over SSH with the key of `publicKey`. */
  ssh(machine: LabMachine, command: string): Promise<string>;
  readonly publicKey: string;
}

/** The two images that are installed, and their files' server, which can be told to break off. */
export interface ImageServer {
  readonly port: number;
  /** Ends the next answer after so many bytes. */
  breakAfter(bytes: number): void;
  readonly answers: number;
  close(): Promise<void>;
}

interface Artifacts {
  readonly liveOS: string;
  readonly images: readonly BuiltImage[];
}

export const IMAGES = ['debian-one', 'debian-two'] as const;

/** Builds what is not there yet. */
async function artifacts(): Promise<Artifacts> {
  await mkdir(ARTIFACTS, { recursive: true });
  const say = (line: string) => console.log(`  ${line}`);
  const liveOS = join(ARTIFACTS, 'liveos');
  if (!(await isNewer(join(liveOS, 'manifest.json'), LIVE_OS_SOURCES))) {
    await made('live OS', () => buildLiveOS({ out: liveOS, cache: join(ARTIFACTS, 'packages'), form: 'small', say }));
  }
  const images = await once('images.json', () =>
    made('images', () =>
      buildImages({
        suite: 'bookworm',
        mirror: 'http://deb.debian.org/debian',
        outputs: [
          { file: join(ARTIFACTS, `${IMAGES[0]}.raw`), format: 'raw', compression: 'none', version: IMAGES[0] },
          { file: join(ARTIFACTS, `${IMAGES[1]}.raw.zst`), format: 'raw', compression: 'zstd', version: IMAGES[1] },
        ],
        say,
      }),
    ),
  );
  return { liveOS, images };
}

/** What goes into the live OS from here. */
const LIVE_OS_SOURCES = ['lib/agent/**', 'lib/boot/liveos/**', 'lib/provision/protocol.ts'];

async function isNewer(file: string, sources: readonly string[]): Promise<boolean> {
  const made = await modified(file);
  for await (const source of glob(sources, { cwd: ROOT })) {
    if ((await modified(join(ROOT, source)))! > (made ?? 0)) return false;
  }
  return made !== undefined;
}

async function modified(file: string): Promise<number | undefined> {
  try {
    return (await stat(file)).mtimeMs;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

async function made<T>(what: string, work: () => Promise<T>): Promise<T> {
  const begun = performance.now();
  const result = await work();
  console.log(`${seconds(begun)}  ${what} built`);
  return result;
}

const seconds = (since: number) => `${((performance.now() - since) / 1000).toFixed(1).padStart(7)} s`;

/** What `work` gave at an earlier run, if it did. */
async function once<T>(file: string, work: () => Promise<T>): Promise<T> {
  const path = join(ARTIFACTS, file);
  try {
    return JSON.parse(await readFile(path, 'utf8')) as T;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
  const result = await work();
  await writeFile(path, JSON.stringify(result));
  return result;
}

/** Serves a folder's files over plain HTTP, whole or from any byte on (RFC 9110, §14). */
async function serveImages(folder: string): Promise<ImageServer> {
  let breakAt: number | undefined;
  let answers = 0;
  const answer = async (request: IncomingMessage, response: ServerResponse) => {
    const name = /^\/([\w.-]+)$/.exec(request.url ?? '')?.[1] ?? '';
    const { size } = await stat(join(folder, name));
    const from = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0);
    answers++;
    response.statusCode = from > 0 ? 206 : 200;
    response.setHeader('accept-ranges', 'bytes');
    response.setHeader('content-length', size - from);
    if (from > 0) response.setHeader('content-range', `bytes ${from}-${size - 1}/${size}`);
    const end = breakAt === undefined ? undefined : from + breakAt - 1;
    const breaks = breakAt !== undefined;
    breakAt = undefined;
    const stream = createReadStream(join(folder, name), { start: from, ...(end !== undefined && { end }) });
    stream.on('end', () => breaks && response.destroy());
    response.on('close', () => stream.destroy());
    stream.pipe(response, { end: !breaks });
  };
  const server = createServer((request, response) => {
    answer(request, response).catch(() => {
      response.statusCode = 404;
      response.end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    breakAfter: (bytes) => {
      breakAt = bytes;
    },
    get answers() {
      return answers;
    },
    close() {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}

const command = promisify(execFile);

/** Brings all of it up, imports the machines, runs `body`, and throws all of it away. */
export async function onRealMachines(
  name: string,
  machines: readonly MachineSpec[],
  body: (platform: RealPlatform) => Promise<void>,
): Promise<void> {
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

  const imageServer = await serveImages(ARTIFACTS);
  stack.defer(() => imageServer.close());
  const [port, bootPort] = [await freePort(), await freePort()];
  const lab = await startLab({
    name,
    machines,
    operator: { port, bootPort },
    doors: { [IMAGE_PORT]: imageServer.port },
    firstBmcPort: 0,
    log,
  });
  stack.defer(() => lab.close());
  const advertise = { url: `https://${LAB_ADDRESS}:${port}`, bootUrl: `http://${LAB_ADDRESS}:${bootPort}` };
  const operator = await startOperator(
    {
      client,
      log,
      namespace: OPERATOR_NAMESPACE,
      election: false,
      provision: { host: '127.0.0.1', port, bootPort, advertise, bootFiles: liveOS },
      pace: 'hardware',
    },
    stop.signal,
  );
  stack.defer(async () => {
    stop.abort(new Error('the test is over'));
    await operator.stopped;
  });
  const view = await follow(client, log, stop.signal);
  const key = join(dir.path, 'key');
  await command('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', key]);

  const named = <T extends KubeObject>(objects: readonly T[], wanted: string) =>
    objects.find(({ metadata }) => metadata.name === wanted);
  const platform: RealPlatform = {
    client,
    lab,
    images: imageServer,
    publicKey: (await readFile(`${key}.pub`, 'utf8')).trim(),
    device: (wanted) => named(view.all().devices, wanted),
    instance: (wanted) => named(view.all().instances, wanted),
    async patch(instance, spec) {
      await client.patch(INSTANCES, { name: instance, namespace: 'default' }, { type: 'merge', body: { spec } });
    },
    async step(what, reached) {
      const begun = performance.now();
      const ended = new AbortController();
      operator.stopped.catch((error: unknown) => ended.abort(error));
      try {
        await view.until(reached, AbortSignal.any([AbortSignal.timeout(PATIENCE_MS), ended.signal]));
      } catch (cause) {
        const { devices, instances } = view.all();
        const state = [...devices, ...instances].map(
          ({ metadata, status }) => `${metadata.name}: ${JSON.stringify(status)}`,
        );
        const consoles = await Promise.all(lab.machines.map(({ consoleLog }) => readFile(consoleLog, 'latin1')));
        const lines = consoles.map((text) => text.split('\n').slice(-60).join('\n'));
        throw new Error(`waited in vain for ${what}:\n${[...state, ...lines].join('\n')}`, { cause });
      }
      console.log(`${seconds(begun)}  ${what}`);
    },
    async ssh(machine, remote) {
      const options = ['StrictHostKeyChecking=no', 'UserKnownHostsFile=/dev/null', 'LogLevel=ERROR', 'BatchMode=yes'];
      const args = ['-i', key, ...options.flatMap((option) => ['-o', option]), `debian@${machine.address}`, remote];
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
  const objects = [
    ...labManifests(lab),
    ...images.map((image) => {
      const file = image.file.slice(ARTIFACTS.length + 1);
      return imageManifest(image.version, `http://${LAB_ADDRESS}:${IMAGE_PORT}/${file}`, image) as KubeObject;
    }),
  ];
  await createMissing(client, objects);
  await body(platform);
  for (const { metadata } of view.all().devices) await client.delete(DEVICES, metadata);
  await platform.step('devices removed', ({ devices }) => devices.length === 0);
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
