// One address for a cluster whose custom resources have an API server of their own, as kubectl must find all in one place: a
// proxy on loopback that sends each request to the right one, and merges what they say of their groups.
import { readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { Agent, request as httpsRequest } from 'node:https';
import type { AddressInfo } from 'node:net';
import { load } from 'js-yaml';
import { CONFORMANCE_GROUP } from '../widgets.ts';

export interface Front {
  /** http://127.0.0.1:port */
  readonly url: string;
  close(): Promise<void>;
}

interface Backend {
  readonly url: URL;
  readonly token: string;
  readonly agent: Agent;
}

type Config = {
  clusters: { cluster: { server: string; 'certificate-authority-data': string } }[];
  users: { user: { token: string } }[];
};

type GroupList = { groups: { name: string }[] };

const CUSTOM_GROUPS = ['apiextensions.k8s.io', CONFORMANCE_GROUP];
const CUSTOM_PREFIXES = [...CUSTOM_GROUPS.map((group) => `/apis/${group}`), '/openapi/v3'];

function backend(kubeconfig: string): Backend {
  const config = load(readFileSync(kubeconfig, 'utf8')) as Config;
  const { cluster } = config.clusters[0]!;
  const ca = Buffer.from(cluster['certificate-authority-data'], 'base64');
  return {
    url: new URL(cluster.server),
    token: config.users[0]!.user.token,
    agent: new Agent({ keepAlive: true, ca }),
  };
}

function pass(to: Backend, request: IncomingMessage, response: ServerResponse): void {
  const { host: _host, ...headers } = request.headers;
  const onward = httpsRequest(new URL(request.url!, to.url), {
    method: request.method,
    agent: to.agent,
    headers: { ...headers, authorization: `Bearer ${to.token}` },
  });
  onward.on('response', (answer) => {
    response.writeHead(answer.statusCode!, answer.headers);
    response.flushHeaders();
    answer.pipe(response);
    answer.on('error', () => response.destroy());
  });
  onward.on('error', () => response.destroy());
  response.on('close', () => onward.destroy());
  request.pipe(onward);
}

async function read<T>(from: Backend, path: string): Promise<T> {
  return new Promise((resolve, reject) => {
    const headers = { authorization: `Bearer ${from.token}`, accept: 'application/json' };
    const request = httpsRequest(new URL(path, from.url), { agent: from.agent, headers }, (answer) => {
      const chunks: Buffer[] = [];
      answer.on('data', (chunk: Buffer) => chunks.push(chunk));
      answer.on('error', reject);
      answer.on('end', () => {
        const text = Buffer.concat(chunks).toString();
        if (answer.statusCode === 200) resolve(JSON.parse(text) as T);
        else reject(new Error(`${path}: ${answer.statusCode} ${text}`));
      });
    });
    request.on('error', reject);
    request.end();
  });
}

/** The core's groups and the other server's, which has no list of its own. */
async function mergedGroups(core: Backend, custom: Backend): Promise<GroupList> {
  const [list, ...own] = await Promise.all([
    read<GroupList>(core, '/apis'),
    ...CUSTOM_GROUPS.map((group) => read<GroupList['groups'][number]>(custom, `/apis/${group}`)),
  ]);
  return { ...list, groups: [...list.groups.filter(({ name }) => !CUSTOM_GROUPS.includes(name)), ...own] };
}

/** Starts the proxy. @param core,custom paths of kubeconfigs with a token */
export async function startFront(core: string, custom: string): Promise<Front> {
  const [first, second] = [backend(core), backend(custom)];
  const server = createServer((request, response) => {
    const path = request.url!.split('?', 1)[0]!;
    if (path === '/apis') {
      mergedGroups(first, second).then(
        (groups) => response.writeHead(200, { 'Content-Type': 'application/json' }).end(JSON.stringify(groups)),
        (error: unknown) => response.destroy(error instanceof Error ? error : new Error(String(error))),
      );
      return;
    }
    pass(CUSTOM_PREFIXES.some((prefix) => path.startsWith(prefix)) ? second : first, request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: async () => {
      first.agent.destroy();
      second.agent.destroy();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
