// What an operator tells of itself, on two ports: health over plain HTTP, as the kubelet asks for it, and metrics over HTTPS
// for those whom the cluster lets read them.
import type { Registry } from '@prometheus-io/client';
import { createTokenAuthorizer } from '../kube/authorize.ts';
import type { KubeClient } from '../kube/client.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Manager } from '../runtime/manager.ts';
import type { Log } from './log.ts';
import { type ObserveServerOptions, startObserveServer } from './server.ts';

export interface ObservingOptions {
  readonly host: string;
  /** 0: any free port; undefined: not served, as for metricsPort. */
  readonly healthPort?: number | undefined;
  readonly metricsPort?: number | undefined;
  readonly registry: Pick<Registry, 'metrics' | 'contentType'>;
  readonly manager: Pick<Manager, 'healthy' | 'ready'>;
  /** Asks who the bearer of a token is and what they may do. It must not be fenced: followers are asked too. */
  readonly client: KubeClient;
  /** PEM, of the metrics. */
  readonly tls: { readonly key: string; readonly cert: string };
  readonly clock: Clock;
  readonly log: Log;
}

export interface Observing {
  readonly healthPort: number | undefined;
  readonly metricsPort: number | undefined;
  close(): Promise<void>;
}

/** Rejects when a port is taken; then neither listens. */
export async function startObserving(options: ObservingOptions): Promise<Observing> {
  const { host, manager, client, tls, clock, log, registry } = options;
  const probes = { host, log, healthy: () => manager.healthy(), ready: () => manager.ready() };
  await using servers = new AsyncDisposableStack();
  const serve = async (port: number | undefined, what: Partial<ObserveServerOptions>) =>
    port === undefined
      ? undefined
      : servers.adopt(await startObserveServer({ ...probes, ...what, port }), (server) => server.close()).port;
  const healthPort = await serve(options.healthPort, {});
  const authorize = createTokenAuthorizer(client, '/metrics', clock);
  const metricsPort = await serve(options.metricsPort, { tls, metrics: registry, authorize });
  const serving = servers.move();
  return { healthPort, metricsPort, close: () => serving.disposeAsync() };
}
