// The container image without a container engine: the Dockerfile built by buildah on a Node base image made of this machine's
// own Node and npm, and run by bubblewrap confined as the Deployment in manifests/ says.
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, copyFileSync, cpSync, existsSync, mkdirSync, realpathSync, symlinkSync } from 'node:fs';
import { createServer } from 'node:net';
import { homedir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { findProgram } from '../../lib/testing/peers.ts';

const ROOT = new URL('../../', import.meta.url).pathname;
const IMAGE = 'bmp-operator';
/** What the Dockerfile builds on; nothing is pulled, so it must be there under this name. */
const BASE = 'docker.io/library/node:24-bookworm-slim';
const SERVICE_ACCOUNT = '/var/run/secrets/kubernetes.io/serviceaccount';
const PATH = '/usr/local/bin:/usr/bin:/bin';

/** An image store in a folder of its own. */
export interface ImageStore {
  /** Builds the image. @throws with what the build printed */
  build(): void;
  /** The folder that the image's file tree is mounted at. */
  mount(): string;
  /** What the image says of how it is run. */
  config(): ImageConfig;
  close(): void;
}

export interface ImageConfig {
  readonly User: string;
  readonly Env: readonly string[];
  readonly Entrypoint: readonly string[];
  readonly Cmd: readonly string[];
  readonly WorkingDir: string;
}

export function openImageStore(dir: string): ImageStore {
  const at = ['--root', join(dir, 'store'), '--runroot', join(dir, 'run'), '--storage-driver', 'vfs'];
  const buildah = (...args: readonly string[]) =>
    execFileSync('buildah', [...at, ...args], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
      cwd: ROOT,
    }).trim();
  const containers: string[] = [];
  const from = (image: string) => {
    const container = buildah('from', '--pull-never', image);
    containers.push(container);
    return container;
  };

  function makeBase(): void {
    const tree = join(dir, 'base');
    layBase(tree);
    const container = from('scratch');
    buildah('copy', '-q', container, tree, '/');
    buildah('config', '--env', `PATH=${PATH}`, ...certificates().env.flatMap((one) => ['--env', one]), container);
    buildah('commit', '-q', container, BASE);
  }

  return {
    build() {
      makeBase();
      // npm finds its registry as it does on this machine.
      const npmrc = join(homedir(), '.npmrc');
      const seen = [...certificates().folders, ...(existsSync(npmrc) ? [npmrc] : [])];
      const volumes = seen.flatMap((path) => ['-v', `${path}:${path}:ro`]);
      buildah('bud', '--isolation', 'chroot', '--pull-never', '--network', 'host', ...volumes, '-t', IMAGE, ROOT);
    },
    mount: () => buildah('mount', from(IMAGE)),
    config: () => (JSON.parse(buildah('inspect', '--type', 'image', IMAGE)) as Inspected).OCIv1.config,
    close() {
      for (const container of containers) buildah('rm', container);
      buildah('rmi', '--all', '--force');
    },
  };
}
interface Inspected {
  readonly OCIv1: { readonly config: ImageConfig };
}

/** The authorities that this machine's Node trusts beside its own, where the environment names some. */
function certificates(): { env: string[]; folders: string[] } {
  const file = process.env.NODE_EXTRA_CA_CERTS;
  return file ? { env: [`NODE_EXTRA_CA_CERTS=${file}`], folders: [dirname(file)] } : { env: [], folders: [] };
}

/** A file tree with node, npm, a shell, and the libraries that they need. */
function layBase(tree: string): void {
  const inTree = (path: string) => join(tree, path);
  for (const folder of ['bin', 'usr/bin', 'usr/local/bin', 'usr/local/lib/node_modules', 'root', 'etc', 'tmp'])
    mkdirSync(inTree(folder), { recursive: true });
  chmodSync(inTree('tmp'), 0o1777);
  copyFileSync(findProgram('busybox')!, inTree('bin/busybox'));
  for (const applet of ['sh', 'mkdir', 'ls']) symlinkSync('busybox', inTree(`bin/${applet}`));
  symlinkSync('/bin/busybox', inTree('usr/bin/env'));
  copyFileSync(process.execPath, inTree('usr/local/bin/node'));
  // npm-cli.js, in bin/ of the package.
  const npm = resolve(realpathSync(findProgram('npm')!), '../..');
  cpSync(npm, inTree('usr/local/lib/node_modules/npm'), { recursive: true });
  symlinkSync('../lib/node_modules/npm/bin/npm-cli.js', inTree('usr/local/bin/npm'));
  for (const [library] of execFileSync('ldd', [process.execPath], { encoding: 'utf8' }).matchAll(/\/\S+/g)) {
    mkdirSync(inTree(dirname(library)), { recursive: true });
    copyFileSync(realpathSync(library), inTree(library));
  }
}

export interface Pod {
  /** The image's file tree. */
  readonly tree: string;
  readonly config: ImageConfig;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** Folder with ca.crt, namespace and token, as the kubelet mounts it. */
  readonly serviceAccount: string;
}

export interface RunningPod {
  /** What confines the operator; it ends as the operator does. */
  readonly confiner: ChildProcess;
  /** What it printed so far. */
  output(): string;
  /** To the operator itself, as the kubelet sends SIGTERM. */
  signal(signal: NodeJS.Signals): void;
  /** The exit code. */
  readonly ended: Promise<number | null>;
}

/** Starts it without root, capabilities, another process in sight, or a file that can be written; on this machine's network. */
export async function startPod({ tree, config, args, env, serviceAccount }: Pod): Promise<RunningPod> {
  const [uid, gid] = config.User.split(':') as [string, string];
  const settings = [...config.Env.map((one) => one.split(/=(.*)/s).slice(0, 2)), ...Object.entries(env)];
  const confinement = [
    ['--bind', tree, '/', '--ro-bind', serviceAccount, SERVICE_ACCOUNT, '--dev', '/dev', '--proc', '/proc'],
    ['--remount-ro', '/', '--chdir', config.WorkingDir, '--clearenv'],
    ['--unshare-user', '--uid', uid, '--gid', gid, '--unshare-pid', '--unshare-ipc', '--cap-drop', 'ALL'],
    ['--die-with-parent', '--as-pid-1'],
    ...settings.map(([name, value]) => ['--setenv', name!, value!]),
  ].flat();
  const confiner = spawn('bwrap', ['--info-fd', '3', ...confinement, '--', ...config.Entrypoint, ...args], {
    stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [confiner.stdout!, confiner.stderr!]) stream.on('data', (chunk) => (output += chunk));
  const ended = once(confiner, 'exit').then(([code]) => code as number | null);
  const info = await text(confiner.stdio[3] as Readable);
  if (info === '') throw new Error(`bwrap did not start it: ${output}`);
  const operator = (JSON.parse(info) as { 'child-pid': number })['child-pid'];
  return { confiner, output: () => output, signal: (signal) => process.kill(operator, signal), ended };
}

/** Ports that nothing listened on a moment ago. */
export async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(
    Array.from(
      { length: count },
      () =>
        new Promise<ReturnType<typeof createServer>>((listening) => {
          const server = createServer().listen(0, '127.0.0.1', () => listening(server));
        }),
    ),
  );
  const ports = servers.map((server) => (server.address() as { port: number }).port);
  await Promise.all(servers.map((server) => new Promise((closed) => server.close(closed))));
  return ports;
}
