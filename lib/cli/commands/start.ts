// `bmp start`: everything in one process, on a machine that has nothing: API server, simulated machines, operator, example.
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { destination } from 'pino';
import { OPERATOR_NAMESPACE } from '../../api/names.ts';
import { type ApiServer, startApiServer } from '../../apiserver/server.ts';
import { createClient, type KubeClient } from '../../kube/client.ts';
import type { KubeObject } from '../../kube/resource.ts';
import type { Log } from '../../observe/log.ts';
import { createLogger } from '../../observe/logger.ts';
import { type FleetOptions, type SimulatedFleet, startFleet } from '../../sim/fleet.ts';
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
import {
  createMissing,
  EXAMPLES,
  ensureNamespace,
  installDefinitions,
  readManifests,
  writeManifests,
} from '../manifests.ts';
import type { Operator, StartOperator } from '../operator.ts';
import type { Everything } from '../overview.ts';
import { drawTable, follow, printChanges, type View } from '../view.ts';
import { DEFAULT_COUNT, MOST_MACHINES } from './fleet.ts';

const EXAMPLE = '01-first-instance';
const READY_SECONDS = 120;

const help = `Usage: npm start -- [options]      (bmp start [options])

Brings up, in one process, a Kubernetes API server, simulated machines and the operator; imports the machines, creates an
Instance on one of them and a Placement on that, and shows all of it until Ctrl-C. The next start carries on from there.

  --dir DIR            where everything is kept, the kubeconfig too (default .bmp)
  --fleet N            simulated machines (default ${DEFAULT_COUNT}); more of them next time are added
  --bmc-port N         UDP port of the first BMC, the others follow; 0: any free ones (default 6231, or any free ones)
  --port N             of the API server on 127.0.0.1 (default: any free one, then the same ever after)
  --no-example         apply nothing; the machines' manifests are in DIR/fleet.yaml
  --exit-when-ready    exit 0 once the example's Instance runs and its Placement is bound, 1 after ${READY_SECONDS} s`;

interface Setup {
  readonly dir: string;
  readonly count: number;
  readonly port: number | undefined;
  readonly bmcPort: number | undefined;
  readonly example: boolean;
  readonly exitWhenReady: boolean;
}

function setup(values: Values): Setup {
  const example = values['no-example'] !== true;
  const exitWhenReady = values['exit-when-ready'] === true;
  if (exitWhenReady && !example)
    throw new UsageError('--exit-when-ready waits for the example, which --no-example leaves out');
  const port = text(values, 'port');
  return {
    dir: resolve(text(values, 'dir') ?? '.bmp'),
    count: whole(values, 'fleet', 1, MOST_MACHINES, DEFAULT_COUNT),
    port: port === undefined ? undefined : whole(values, 'port', 1, 65_535, 0),
    bmcPort: text(values, 'bmc-port') === undefined ? undefined : whole(values, 'bmc-port', 0, 65_000, 0),
    example,
    exitWhenReady,
  };
}

interface Ports {
  readonly provision: number;
  readonly boot: number;
}

/** The ports of the last start: installed systems report in where they were told to, so they stay the same. */
function lastPorts(dir: string): Ports {
  const file = join(dir, 'ports.json');
  return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Ports) : { provision: 0, boot: 0 };
}

function keepPorts(dir: string, ports: Ports): void {
  const file = join(dir, 'ports.json');
  writeFileSync(`${file}.new`, `${JSON.stringify(ports)}\n`);
  renameSync(`${file}.new`, file);
}

/** The example's objects, with the machines as they really are: their number and ports may differ from the files'. */
function exampleObjects(fleet: SimulatedFleet): KubeObject[] {
  const machines = fleet.manifests() as unknown as KubeObject[];
  const fromFleet = new Set(['Device', 'Secret', 'Image']);
  const rest = readManifests(join(EXAMPLES, EXAMPLE)).filter(({ kind }) => !fromFleet.has(kind));
  return [...machines, ...rest];
}

/**
 * Creates what of the example this directory has not seen yet: what somebody has deleted or changed since stays so.
 * The note of what was created is written last, so that a start that was cut short is made up for.
 */
async function applyExample(client: KubeClient, dir: string, fleet: SimulatedFleet): Promise<number> {
  const file = join(dir, 'example.json');
  const seen = new Set(existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as string[]) : []);
  const identity = ({ kind, metadata }: KubeObject) => `${kind}/${metadata.name}`;
  const objects = exampleObjects(fleet);
  const missing = objects.filter((object) => !seen.has(identity(object)));
  const created = await createMissing(client, missing);
  writeFileSync(file, `${JSON.stringify([...seen, ...missing.map(identity)])}\n`);
  return created;
}

const isInterruption = (reason: unknown) => reason instanceof Interruption;

const isReady = ({ instances, placements }: Everything): boolean =>
  instances.some(({ status }) => status?.phase === 'Running') &&
  placements.some(({ status }) => status?.phase === 'Bound');

/** Why it is not ready yet: what the first instance and placement that are not say of themselves. */
function whyNot({ instances, placements }: Everything): string {
  const instance = instances.find(({ status }) => status?.phase !== 'Running');
  const placement = placements.find(({ status }) => status?.phase !== 'Bound');
  const stuck = instance ?? placement;
  if (!stuck) return 'there is no Instance or no Placement';
  const conditions = stuck.status?.conditions ?? [];
  const condition = conditions.find(({ type }) => type === 'Ready') ?? conditions[0];
  return `${stuck.kind} ${stuck.metadata.name} is ${stuck.status?.phase ?? 'new'}: ${condition?.message ?? 'no reason given yet'}`;
}

function hints(dir: string, example: boolean): string[] {
  const kubectl = `kubectl --kubeconfig ${relative(process.cwd(), join(dir, 'kubeconfig')) || join(dir, 'kubeconfig')}`;
  const more = example
    ? [
        `  ${kubectl} describe instance web-1`,
        `  ${kubectl} patch instance web-1 --type merge -p '{"spec":{"power":"Off"}}'`,
        `  ${kubectl} explain instance.spec`,
      ]
    : [`  ${kubectl} apply -f ${relative(process.cwd(), join(dir, 'fleet.yaml'))}`, `  ${kubectl} explain device.spec`];
  return ['In another terminal:', `  ${kubectl} get devices -w`, ...more, ''];
}

/** Shows what goes on until it is ready (where asked for) or interrupted; the exit code. */
async function show(view: View, options: Setup, signal: AbortSignal): Promise<number> {
  const done = new AbortController();
  const until = AbortSignal.any([signal, done.signal]);
  const footer = hints(options.dir, options.example);
  if (process.stdout.isTTY)
    drawTable(view, [...footer, 'Ctrl-C ends it; the next start carries on.'], process.stdout, until);
  else {
    console.log(footer.join('\n'));
    printChanges(view, (line) => console.log(line), until);
  }
  try {
    if (!options.exitWhenReady) {
      await aborted(signal);
      return 0;
    }
    await view.until(isReady, AbortSignal.any([signal, AbortSignal.timeout(READY_SECONDS * 1000)]));
    console.log('ready: the Instance is Running and its Placement is Bound');
    return 0;
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    if (!(error instanceof Error)) throw error;
    console.error(
      `not ready after ${READY_SECONDS} s: ${whyNot(view.all())}; see ${join(options.dir, 'operator.log')}`,
    );
    return 1;
  } finally {
    done.abort();
  }
}

/** On the ports asked for, or else on the ones that everybody knows, or on any free ones where these are taken. */
async function anyFleet(options: FleetOptions): Promise<SimulatedFleet> {
  if (options.basePort !== undefined) return startFleet(options);
  try {
    return await startFleet(options);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error;
    return startFleet({ ...options, basePort: 0 });
  }
}

interface Parts {
  server?: ApiServer;
  client?: KubeClient;
  fleet?: SimulatedFleet;
  operator?: Operator;
}

async function bringUp(
  parts: Parts,
  options: Setup,
  startOperator: StartOperator,
  log: Log,
  stop: AbortController,
): Promise<View> {
  const { dir, count, port, bmcPort, example } = options;
  const serverPort = port === undefined ? {} : { port };
  parts.server = await startApiServer({ dir, ...serverPort, log: (line) => log.info({}, line) });
  // Everything runs on these same cores: a busy machine is no reason to give up.
  const client = createClient({ kubeconfig: parts.server.kubeconfigPath, timeoutMs: 60_000 });
  parts.client = client;
  await installDefinitions(client, stop.signal);
  for (const name of [OPERATOR_NAMESPACE, 'default']) await ensureNamespace(client, name, stop.signal);
  const ports = lastPorts(dir);
  const provision = { host: '127.0.0.1', port: ports.provision, bootPort: ports.boot };
  parts.operator = await startOperator(
    { client, log, namespace: OPERATOR_NAMESPACE, election: false, provision, pace: 'simulated' },
    stop.signal,
  );
  const { bootUrl, url } = parts.operator;
  keepPorts(dir, { provision: Number(new URL(url).port), boot: Number(new URL(bootUrl).port) });
  // An operator that ends by itself ends everything.
  parts.operator.stopped.catch((error: unknown) => stop.abort(error));
  parts.fleet = await anyFleet({
    count,
    dir: join(dir, 'fleet'),
    ...(bmcPort !== undefined && { basePort: bmcPort }),
    bootUrl: () => bootUrl,
    log,
  });
  writeManifests(join(dir, 'fleet.yaml'), parts.fleet.manifests());
  if (example) await applyExample(client, dir, parts.fleet);
  return follow(client, log, stop.signal);
}

export const start: Command = {
  name: 'start',
  summary: 'bring up an API server, simulated machines and the operator, here and now',
  help,
  options: {
    dir: { type: 'string' },
    fleet: { type: 'string' },
    port: { type: 'string' },
    'bmc-port': { type: 'string' },
    'no-example': { type: 'boolean' },
    'exit-when-ready': { type: 'boolean' },
  },
  async run(values, startOperator) {
    const options = setup(values);
    mkdirSync(options.dir, { recursive: true, mode: 0o700 });
    const log = createLogger({ destination: destination({ dest: join(options.dir, 'operator.log'), sync: false }) });
    const stop = untilInterrupted();
    const parts: Parts = {};
    console.log(
      `bmp: an API server, ${options.count} simulated machines and the operator, kept in ${relative(process.cwd(), options.dir) || '.'}\n`,
    );
    try {
      const view = await bringUp(parts, options, startOperator, log, stop);
      return await show(view, options, stop.signal);
    } catch (error) {
      if (isInterruption(stop.signal.reason)) return 130;
      throw error;
    } finally {
      stop.abort(new Error('stopping'));
      // How it ended is in its log.
      await Promise.allSettled([parts.operator?.stopped]);
      await parts.fleet?.close();
      await parts.client?.close();
      await parts.server?.close();
    }
  },
};
