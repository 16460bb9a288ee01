// Where the API server is, without anybody's credentials: what calls with the callers' own tokens go by.
//
// Nothing of the kubeconfig's user is used: a client certificate on the connection would count for more than the token.
import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { load } from 'js-yaml';

export interface ClusterAddress {
  /** https://host:port, and what stands before every path, without a slash at the end. */
  readonly server: string;
  /** PEM; the system's authorities where missing. */
  readonly ca: string | undefined;
  /** The name in the server's certificate, where it is not the host of `server`. */
  readonly serverName: string | undefined;
}

interface Kubeconfig {
  readonly 'current-context'?: string;
  readonly contexts?: readonly { readonly name: string; readonly context: { readonly cluster: string } }[];
  readonly clusters?: readonly { readonly name: string; readonly cluster: Readonly<Record<string, unknown>> }[];
}

const POD_CA = '/var/run/secrets/kubernetes.io/serviceaccount/ca.crt';

/**
 * As kubectl looks for it: the file named, then $KUBECONFIG (its first file), then the pod's environment, then
 * ~/.kube/config. Throws an Error that says what is missing.
 */
export function findCluster(
  { kubeconfig, context }: { kubeconfig?: string | undefined; context?: string | undefined },
  env: Readonly<Record<string, string | undefined>> = process.env,
): ClusterAddress {
  const file = kubeconfig ?? env['KUBECONFIG']?.split(':', 1)[0];
  if (file) return readCluster(file, context);
  const host = env['KUBERNETES_SERVICE_HOST'];
  if (host === undefined) return readCluster(join(homedir(), '.kube', 'config'), context);
  const authority = host.includes(':') ? `[${host}]` : host;
  return {
    server: `https://${authority}:${env['KUBERNETES_SERVICE_PORT'] ?? 443}`,
    ca: readFileSync(POD_CA, 'utf8'),
    serverName: undefined,
  };
}

function readCluster(file: string, context: string | undefined): ClusterAddress {
  const config = (load(readFileSync(file, 'utf8')) ?? {}) as Kubeconfig;
  const chosen = context ?? config['current-context'];
  const name = config.contexts?.find((each) => each.name === chosen)?.context.cluster;
  const cluster = config.clusters?.find((each) => each.name === name)?.cluster;
  const text = (key: string) => (typeof cluster?.[key] === 'string' ? cluster[key] : undefined);
  const server = text('server');
  if (server === undefined) throw new Error(`${file}: context ${chosen ?? '(none)'} names no cluster with a server`);
  if (!server.startsWith('https://')) throw new Error(`${file}: tokens are sent over https only, not to ${server}`);
  const data = text('certificate-authority-data');
  const path = text('certificate-authority');
  return {
    server: server.replace(/\/+$/, ''),
    ca: data !== undefined ? Buffer.from(data, 'base64').toString() : path && readFileSync(besides(file, path), 'utf8'),
    serverName: text('tls-server-name'),
  };
}

/** Paths in a kubeconfig are relative to it. */
const besides = (file: string, path: string): string => resolve(dirname(file), path);
