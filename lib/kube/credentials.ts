// Who we are to the API server: what client-node reads from kubeconfigs, token files and exec plugins, remembered so that
// connections are reused, and read again when it may have rotated.
import { createHash } from 'node:crypto';
import { homedir } from 'node:os';
import { join } from 'node:path';
import type { KubeConfig, RequestContext } from '@kubernetes/client-node';

export type Dispatcher = NonNullable<ReturnType<RequestContext['getDispatcher']>>;

export interface Endpoint {
  /** `https://host:port` */
  readonly origin: string;
  /** What stands before every path; empty for most servers. */
  readonly basePath: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly dispatcher: Dispatcher;
}

export interface Credentials {
  /** Rejects when there is no kubeconfig, it cannot be read, or an exec plugin fails. */
  current(): Promise<Endpoint>;
  /** Reads everything again for the next call: after a 401, or when the server cannot be reached. */
  forget(): void;
  /** Closes the connections once their calls have ended. */
  close(): Promise<void>;
}

export interface CredentialsOptions {
  kubeconfig?: string | undefined;
  context?: string | undefined;
}

/** How long headers and keys are used before files are looked at again: well below the minutes a rotation overlaps. */
const FRESH_MS = 10_000;

export function createCredentials(options: CredentialsOptions): Credentials {
  let config: Promise<LoadedConfig> | undefined;
  let endpoint: Promise<Endpoint> | undefined;
  let freshUntil = 0;
  let open: { fingerprint: string; dispatcher: Dispatcher } | undefined;
  const closing = new Set<Promise<void>>();

  function retire(dispatcher: Dispatcher): void {
    const closed = dispatcher.close().finally(() => closing.delete(closed));
    closing.add(closed);
  }

  async function read(): Promise<Endpoint> {
    config ??= loadConfig(options);
    const loaded = await config;
    const { fingerprint, dispatcher, headers } = await loaded.authenticate();
    if (open?.fingerprint !== fingerprint) {
      if (open) retire(open.dispatcher);
      open = { fingerprint, dispatcher };
    }
    const server = new URL(loaded.server);
    return {
      origin: server.origin,
      basePath: server.pathname.replace(/\/$/, ''),
      headers,
      dispatcher: open.dispatcher,
    };
  }

  function forget(): void {
    config = undefined;
    endpoint = undefined;
  }

  return {
    current() {
      const now = performance.now();
      if (!endpoint || now >= freshUntil) {
        freshUntil = now + FRESH_MS;
        const reading = read();
        endpoint = reading;
        reading.catch(() => {
          // The caller sees the error; the next call reads again.
          if (endpoint === reading) forget();
        });
      }
      return endpoint;
    },
    forget,
    async close() {
      if (open) retire(open.dispatcher);
      open = undefined;
      forget();
      await Promise.all(closing);
    },
  };
}

/** The namespace that the kubeconfig's context stands in; undefined where it names none. */
export async function contextNamespace({ kubeconfig, context }: CredentialsOptions): Promise<string | undefined> {
  const { KubeConfig } = await import('@kubernetes/client-node');
  const config = new KubeConfig();
  loadInto(config, kubeconfig);
  return config.getContextObject(context ?? config.getCurrentContext())?.namespace;
}

interface LoadedConfig {
  readonly server: string;
  authenticate(): Promise<{ fingerprint: string; dispatcher: Dispatcher; headers: Record<string, string> }>;
}

async function loadConfig(options: CredentialsOptions): Promise<LoadedConfig> {
  // Loaded on the first call: the library costs 0.7 s and 90 MB, which commands that make no call need not pay.
  const { KubeConfig, RequestContext, HttpMethod } = await import('@kubernetes/client-node');

  class ObservedConfig extends KubeConfig {
    fingerprint = '';
    override createDispatcherOptions(...args: Parameters<KubeConfig['createDispatcherOptions']>) {
      const dispatcherOptions = super.createDispatcherOptions(...args);
      this.fingerprint = createHash('sha256').update(JSON.stringify(dispatcherOptions)).digest('base64');
      // Without any TLS setting client-node would leave the choice to the global dispatcher, whose settings are not ours.
      return dispatcherOptions.type === 'none'
        ? { type: 'agent' as const, connect: { keepAlive: true } }
        : dispatcherOptions;
    }
  }

  const config = new ObservedConfig();
  loadInto(config, options.kubeconfig);
  if (options.context !== undefined) config.setCurrentContext(options.context);
  const server = config.getCurrentCluster()?.server;
  if (!server)
    throw new Error(`kubeconfig: context ${config.getCurrentContext() || '(none)'} names no cluster with a server`);
  return {
    server,
    async authenticate() {
      const context = new RequestContext(server, HttpMethod.GET);
      await config.applySecurityAuthentication(context);
      const dispatcher = context.getDispatcher();
      if (!dispatcher) throw new Error(`kubeconfig: no connection settings for ${server}`);
      return { fingerprint: config.fingerprint, dispatcher, headers: context.getHeaders() };
    },
  };
}

/** As kubectl looks for it: the file named, then $KUBECONFIG, then the pod's service account, then ~/.kube/config. */
function loadInto(config: KubeConfig, kubeconfig: string | undefined): void {
  if (kubeconfig !== undefined) config.loadFromFile(kubeconfig);
  else if (process.env.KUBECONFIG) config.loadFromDefault();
  else if (process.env.KUBERNETES_SERVICE_HOST) config.loadFromCluster();
  else config.loadFromFile(join(homedir(), '.kube', 'config'));
}
