// Runs the commands of a session with one kubectl against one cluster, and gives what they printed, made comparable.
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { load } from 'js-yaml';
import type { Client } from '../client.ts';
import { FILES, PROGRAMS } from './files.ts';
import { normaliseText, type Places } from './normalise.ts';

/** What one command did: its exit code and its lines. */
export interface Spoken {
  readonly run: string;
  readonly code: number;
  readonly out: readonly string[];
  readonly err: readonly string[];
}

/** A command that hangs is a difference like any other. */
const DEADLINE = 60_000;

/** How to get into a cluster. */
export interface Access {
  /** https://host:port, or http:// for a proxy */
  readonly server: string;
  readonly 'certificate-authority-data'?: string;
  readonly token: string;
}

/** What a kubeconfig says of its first cluster and user. */
export async function accessFrom(kubeconfig: string): Promise<Access> {
  const config = load(await readFile(kubeconfig, 'utf8')) as {
    clusters: { cluster: Omit<Access, 'token'> }[];
    users: { user: { token: string } }[];
  };
  return { ...config.clusters[0]!.cluster, token: config.users[0]!.user.token };
}

/** A kubeconfig with names that are the same for all clusters, and the session's namespace. */
function kubeconfig({ token, ...cluster }: Access, namespace: string): string {
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'session', cluster }],
    users: [{ name: 'person', user: { token } }],
    contexts: [{ name: 'here', context: { cluster: 'session', user: 'person', namespace } }],
    'current-context': 'here',
  });
}

function run(command: string, places: Places, path: string): Promise<Spoken> {
  const { directory, namespace } = places;
  const env = {
    // kubectl leaves refused edits behind there.
    TMPDIR: directory,
    PATH: path,
    HOME: directory,
    NAMESPACE: namespace,
    KUBECONFIG: join(directory, 'kubeconfig'),
    TZ: 'UTC',
    LC_ALL: 'C',
  };
  const options = { cwd: directory, env, timeout: DEADLINE, killSignal: 'SIGKILL', encoding: 'utf8' } as const;
  return new Promise((resolve) => {
    execFile('sh', ['-c', command], options, (error, stdout, stderr) => {
      const lines = (text: string) => normaliseText(text, places).split('\n');
      const code = error ? (typeof error.code === 'number' ? error.code : -1) : 0;
      resolve({ run: command, code, out: lines(stdout), err: lines(stderr) });
    });
  });
}

/**
 * Runs a session in a namespace and a directory of its own, both gone at the end.
 * @param kubectl the program's path
 * @param client where namespaces are made
 */
export async function runSession(
  kubectl: string,
  access: Access,
  client: Client,
  commands: readonly string[],
): Promise<Spoken[]> {
  const directory = await mkdtemp(join(tmpdir(), 'session-'));
  const namespace = `session-${randomBytes(5).toString('hex')}`;
  try {
    await writeFile(join(directory, 'kubeconfig'), kubeconfig(access, namespace), { mode: 0o600 });
    for (const [path, content] of [...Object.entries(FILES), ...Object.entries(PROGRAMS)]) {
      await mkdir(dirname(join(directory, path)), { recursive: true });
      await writeFile(join(directory, path), content, { mode: path in PROGRAMS ? 0o755 : 0o644 });
    }
    await mkdir(join(directory, 'bin'));
    await symlink(kubectl, join(directory, 'bin/kubectl'));
    await client.post('/api/v1/namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } });
    const spoken: Spoken[] = [];
    for (const command of commands) {
      spoken.push(
        await run(command, { namespace, directory, server: access.server }, `${join(directory, 'bin')}:/usr/bin:/bin`),
      );
    }
    return spoken;
  } finally {
    await client.delete(`/api/v1/namespaces/${namespace}`);
    await rm(directory, { recursive: true });
  }
}

/** "1.32": the version of a kubectl. */
export async function versionOf(kubectl: string): Promise<string> {
  const text = await new Promise<string>((resolve, reject) => {
    execFile(kubectl, ['version', '--client', '-o', 'json'], { timeout: DEADLINE }, (error, stdout) => {
      if (error) reject(error);
      else resolve(stdout);
    });
  });
  const { clientVersion } = JSON.parse(text) as { clientVersion: { major: string; minor: string } };
  return `${Number.parseInt(clientVersion.major, 10)}.${Number.parseInt(clientVersion.minor, 10)}`;
}
