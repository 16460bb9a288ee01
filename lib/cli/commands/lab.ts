// `bmp lab`: virtual hardware that boots for real, with an operator of its own or beside one that runs.

import { existsSync } from 'node:fs';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join, relative, resolve } from 'node:path';
import { destination } from 'pino';
import { OPERATOR_NAMESPACE } from '../../api/names.ts';
import { startApiServer } from '../../apiserver/server.ts';
import { dhcpAt } from '../../boot/dhcp/socket.ts';
import { buildLiveOS } from '../../boot/liveos/build.ts';
import { type BuiltImage, buildImages, imageManifest } from '../../images/build.ts';
import { SUITE } from '../../images/root.ts';
import { serveFolder } from '../../images/serve.ts';
import { createClient, type KubeClient } from '../../kube/client.ts';
import type { KubeObject } from '../../kube/resource.ts';
import {
  dhcpSocketOf,
  LAB_ADDRESS,
  LAB_DIRECTORY,
  LAB_NETWORK,
  type Lab,
  MOST_MACHINES,
  missingPrograms,
  startLab,
} from '../../lab/lab.ts';
import type { Firmware } from '../../lab/machine.ts';
import { labManifests } from '../../lab/manifests.ts';
import type { Log } from '../../observe/log.ts';
import { createLogger } from '../../observe/logger.ts';
import {
  aborted,
  type Command,
  Interruption,
  text,
  UsageError,
  untilInterrupted,
  type Values,
  whole,
} from '../command.ts';
import { createMissing, ensureNamespace, installDefinitions, writeManifests } from '../manifests.ts';
import type { StartOperator } from '../operator.ts';
import { follow, printChanges } from '../view.ts';
import { BOOT_PORT, PROVISION_PORT } from './run.ts';

const NAME = 'lab';
const FIRST_BMC_PORT = 6231;
const IMAGE_PORT = 8080;
const MIB = 1024 * 1024;
const IMAGE = 'debian';
/** Cloud-init's own on it. */
const USER = 'debian';

const help = `Usage: npm run lab -- [options]      (bmp lab [options])

Brings up virtual servers that boot for real: QEMU with BIOS or UEFI, OpenIPMI's ipmi_sim as their BMCs, a network of their
own with DHCP. Beside them an API server and an operator, so that a machine can be watched while it is installed: it has an
address by DHCP for as long as a step of the operator's wants it to boot from the network. With --beside only the machines,
which all get an address at any time. Needs root, for the network; says what it will create, and throws all of that away at the end.

  --machines N         how many (default 2, at most ${MOST_MACHINES})
  --firmware KIND      bios, uefi, or both in turns (default both)
  --memory MIB         of each (default 768)
  --disk GIB           of each (default 2)
  --bmc-port N         UDP port of the first BMC at 127.0.0.1, the others follow (default ${FIRST_BMC_PORT})
  --dir DIR            what is kept: the live OS and the image, which take minutes to build; meanwhile also the API
                       server's objects and the kubeconfig, in DIR/cluster (default .bmp-lab)
  --beside             no API server and no operator: write DIR/lab.yaml, to be applied with kubectl, for an operator
                       that runs with --host ${LAB_ADDRESS} --listen 127.0.0.1 --live-os DIR/liveos
  --dry-run            say what it would create, and end

Example: sudo npm run lab -- --machines 2`;

interface Setup {
  readonly count: number;
  readonly firmwares: readonly Firmware[];
  readonly memoryMiB: number;
  readonly diskGiB: number;
  readonly bmcPort: number;
  readonly dir: string;
  readonly beside: boolean;
}

const FIRMWARES: Readonly<Record<string, readonly Firmware[]>> = {
  bios: ['bios'],
  uefi: ['uefi'],
  both: ['bios', 'uefi'],
};

function setup(values: Values): Setup {
  const kind = text(values, 'firmware') ?? 'both';
  const firmwares = FIRMWARES[kind];
  if (!firmwares) throw new UsageError(`--firmware takes bios, uefi or both, not "${kind}"`);
  return {
    count: whole(values, 'machines', 1, MOST_MACHINES, 2),
    firmwares,
    memoryMiB: whole(values, 'memory', 512, 65_536, 768),
    diskGiB: whole(values, 'disk', 1, 1024, 2),
    bmcPort: whole(values, 'bmc-port', 1024, 65_000, FIRST_BMC_PORT),
    dir: resolve(text(values, 'dir') ?? '.bmp-lab'),
    beside: values['beside'] === true,
  };
}

function announcement({ count, memoryMiB, diskGiB, bmcPort, dir }: Setup): string {
  const ports = count === 1 ? `port 127.0.0.1:${bmcPort}` : `ports 127.0.0.1:${bmcPort} to ${bmcPort + count - 1}`;
  return [
    'This needs root. It creates, and removes at the end:',
    `  the network namespace bmp-${NAME}, with a bridge, a tap for each machine and dnsmasq in it`,
    `  ${LAB_DIRECTORY}/${NAME}: a disk of ${diskGiB} GiB for each, which takes what is written to it`,
    `  a BMC for each: ipmi_sim on UDP ${ports}`,
    `  QEMU while a machine is on: ${memoryMiB} MiB of memory each, and a processor`,
    `and what stays: ${dir}, with a live OS, an image and the operator's log`,
    '',
  ].join('\n');
}

/** What was made there by an earlier run is made once. */
async function liveOS({ dir }: Setup): Promise<string> {
  const out = join(dir, 'liveos');
  if (!existsSync(join(out, 'manifest.json'))) {
    console.log('building the live OS, a minute');
    await buildLiveOS({ out, cache: join(dir, 'packages'), form: 'small', say: (line) => console.log(`  ${line}`) });
  }
  return out;
}

async function imageOf({ dir }: Setup): Promise<BuiltImage> {
  const note = join(dir, 'images', 'image.json');
  if (existsSync(note)) return JSON.parse(await readFile(note, 'utf8')) as BuiltImage;
  console.log('building an image, some minutes');
  const [built] = await buildImages({
    suite: SUITE,
    outputs: [{ file: join(dir, 'images', `${IMAGE}.raw`), format: 'raw', compression: 'none', version: IMAGE }],
    say: (line) => console.log(`  ${line}`),
  });
  await writeFile(note, JSON.stringify(built));
  return built!;
}

async function virtualHardware(
  { count, firmwares, memoryMiB, diskGiB, bmcPort, beside }: Setup,
  operator: { port: number; bootPort: number },
  imagePort: number,
  log: Log,
): Promise<Lab> {
  return startLab({
    name: NAME,
    machines: Array.from({ length: count }, (_, index) => ({
      firmware: firmwares[index % firmwares.length]!,
      memoryMiB,
      disks: [diskGiB * 1024 * MIB],
      bmcPort: bmcPort + index,
    })),
    operator,
    doors: { [IMAGE_PORT]: imagePort },
    dhcp: beside ? 'all' : 'operator',
    log,
  });
}

/** API server and operator, as `npm start` has them, at the pace of hardware. DHCP comes with the lab. */
async function controlPlane(
  stack: AsyncDisposableStack,
  { dir }: Setup,
  bootFiles: string,
  startOperator: StartOperator,
  log: Log,
  stop: AbortController,
): Promise<{ client: KubeClient; kubeconfig: string }> {
  // Its objects are of machines that are gone with the lab.
  const cluster = join(dir, 'cluster');
  await rm(cluster, { recursive: true, force: true });
  await mkdir(cluster, { mode: 0o700 });
  stack.defer(() => rm(cluster, { recursive: true }));
  const server = await startApiServer({ dir: cluster, log: (line) => log.info({}, line) });
  stack.defer(() => server.close());
  const client = createClient({ kubeconfig: server.kubeconfigPath, timeoutMs: 60_000 });
  stack.defer(() => client.close());
  await installDefinitions(client, stop.signal);
  for (const namespace of [OPERATOR_NAMESPACE, 'default']) await ensureNamespace(client, namespace, stop.signal);
  const [port, bootPort] = [PROVISION_PORT, BOOT_PORT];
  const advertise = { url: `https://${LAB_ADDRESS}:${port}`, bootUrl: `http://${LAB_ADDRESS}:${bootPort}` };
  const operator = await startOperator(
    {
      client,
      log,
      namespace: OPERATOR_NAMESPACE,
      election: false,
      provision: { host: '127.0.0.1', port, bootPort, advertise, bootFiles },
      pace: 'hardware',
      dhcp: dhcpAt(dhcpSocketOf(NAME)),
    },
    stop.signal,
  );
  stack.defer(async () => {
    stop.abort(new Error('stopping'));
    // How it ended is in its log.
    await Promise.allSettled([operator.stopped]);
  });
  operator.stopped.catch((error: unknown) => stop.abort(error));
  return { client, kubeconfig: server.kubeconfigPath };
}

function hints(kubeconfig: string, machines: readonly string[]): string {
  const kubectl = `kubectl --kubeconfig ${kubeconfig}`;
  return [
    '',
    'In another terminal:',
    `  ${kubectl} get devices -w`,
    `  npx bmp console device/${machines[0]} --kubeconfig ${kubeconfig}`,
    `  ${kubectl} create secret generic web-1 --from-literal=password=PASSWORD`,
    `  ${kubectl} apply -f - <<'YAML'`,
    '  apiVersion: bmp.dev/v1alpha1',
    '  kind: Instance',
    '  metadata: {name: web-1}',
    '  spec:',
    `    deviceName: ${machines[0]}`,
    `    image: ${IMAGE}`,
    '    rootPasswordRef: {name: web-1}',
    `    networks: [{name: ${LAB_NETWORK.name}}]`,
    '  YAML',
    `Once it runs: log in at the console, as ${USER}.`,
    '',
    'Ctrl-C ends it.',
  ].join('\n');
}

async function bringUp(options: Setup, startOperator: StartOperator, stop: AbortController): Promise<void> {
  const { dir, beside } = options;
  await using stack = new AsyncDisposableStack();
  const log = createLogger({ destination: destination({ dest: join(dir, 'operator.log'), sync: false }) });
  const bootFiles = await liveOS(options);
  const image = await imageOf(options);
  const files = await serveFolder(join(dir, 'images'), '127.0.0.1', 0, log);
  stack.defer(() => files.close());
  const ports = { port: PROVISION_PORT, bootPort: BOOT_PORT };
  const plane = beside ? undefined : await controlPlane(stack, options, bootFiles, startOperator, log, stop);
  const lab = await virtualHardware(options, ports, files.port, log);
  stack.defer(() => lab.close());
  const url = `http://${LAB_ADDRESS}:${IMAGE_PORT}/${IMAGE}.raw`;
  const objects = [...labManifests(lab), imageManifest(IMAGE, url, image) as KubeObject];
  if (plane) {
    await createMissing(plane.client, objects);
    const nearby = relative(process.cwd(), plane.kubeconfig);
    const shown = nearby.startsWith('..') ? plane.kubeconfig : nearby;
    console.log(
      hints(
        shown,
        lab.machines.map(({ name }) => name),
      ),
    );
    printChanges(await follow(plane.client, log, stop.signal), (line) => console.log(line), stop.signal);
  } else {
    writeManifests(join(dir, 'lab.yaml'), objects);
    console.log(`wrote ${join(dir, 'lab.yaml')}: kubectl apply -f it; Ctrl-C ends the machines`);
  }
  await aborted(stop.signal);
}

export const lab: Command = {
  name: 'lab',
  summary: 'bring up virtual servers that boot for real, and watch them being installed',
  help,
  options: {
    machines: { type: 'string' },
    firmware: { type: 'string' },
    memory: { type: 'string' },
    disk: { type: 'string' },
    'bmc-port': { type: 'string' },
    dir: { type: 'string' },
    beside: { type: 'boolean' },
    'dry-run': { type: 'boolean' },
  },
  async run(values, startOperator) {
    const options = setup(values);
    console.log(announcement(options));
    if (values['dry-run'] === true) return 0;
    if (process.getuid?.() !== 0) throw new Error('this is not root');
    const missing = await missingPrograms();
    if (missing.length > 0) throw new Error(`not installed: ${missing.join(', ')}`);
    await mkdir(options.dir, { recursive: true, mode: 0o700 });
    const stop = untilInterrupted();
    try {
      await bringUp(options, startOperator, stop);
    } catch (error) {
      if (!stop.signal.aborted) throw error;
    }
    if (stop.signal.reason instanceof Interruption) return 0;
    throw stop.signal.reason;
  },
};
