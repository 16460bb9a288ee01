// The embedded API server: everything put together, on one directory.
//
//   DIR/state.db          the revision log (SQLite); Secrets in it are encrypted
//   DIR/state.db.key      with this key, which no backup holds: keep a copy elsewhere
//   DIR/snapshots/        backups on their way in or out
//   DIR/pki/              certificate authority and serving certificate
//   DIR/admin.token       the administrator's bearer token
//   DIR/port              the port, kept over restarts
//   DIR/kubeconfig        for kubectl
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Authenticator } from './auth/authenticator.ts';
import { Authorizer } from './auth/authorizer.ts';
import { generateSigningKey, ServiceAccountTokens } from './auth/service-accounts.ts';
import { randomToken, Tokens } from './auth/tokens.ts';
import { AUTHENTICATED, MASTERS } from './auth/user.ts';
import { bootstrap } from './bootstrap.ts';
import { BUILTIN } from './builtin/builtin.ts';
import { Authority, type ServingCertificate } from './certs/authority.ts';
import { kubeconfig } from './certs/kubeconfig.ts';
import { keepPrivate, writePrivate } from './certs/private-file.ts';
import type { Limits } from './http/in-flight.ts';
import { Listener } from './http/listener.ts';
import { Snapshots } from './http/snapshot.ts';
import { AggregationController } from './reconcilers/aggregation.ts';
import { DefinitionController } from './reconcilers/established.ts';
import { EventExpiryController } from './reconcilers/event-expiry.ts';
import { GarbageCollector } from './reconcilers/garbage.ts';
import { NamespaceContentsController } from './reconcilers/namespace-contents.ts';
import { NamespaceController } from './reconcilers/namespaces.ts';
import { QuotaController } from './reconcilers/quotas.ts';
import { Registry } from './resources/registry.ts';
import type { Cluster } from './rest/call.ts';
import { Quotas } from './rest/quota.ts';
import { Store } from './store/store.ts';

export interface ApiServerOptions {
  /** Made when missing; one server at a time. */
  readonly dir: string;
  /** 0 or none: the one used before in this directory, or any free one. */
  readonly port?: number;
  readonly log?: (line: string) => void;
  /** Milliseconds since the epoch. */
  readonly now?: () => number;
  /** How long serving certificates are good for, in milliseconds (default a year); they are renewed when a sixth is left. */
  readonly certificateLifetime?: number;
  /** How many requests are answered at a time. */
  readonly limits?: Limits;
}

export interface ApiServer {
  readonly url: string;
  readonly port: number;
  readonly kubeconfigPath: string;
  /** PEM */
  readonly caCertificate: string;
  /** Ends watches and answers what is under way. All that was answered is on disk at any moment anyway. */
  close(): Promise<void>;
}

const HOST = '127.0.0.1';
const SEALED = ['secrets'];
/** Clocks are set, machines sleep: it is looked at this often at least. */
const RENEWAL_CHECK = 12 * 3_600_000;
const RENEWAL_PAUSE = 1000;

/**
 * Starts a server on a directory; state, port and credentials carry on from the last time.
 * @throws StorageError when another server uses the directory, or the database is damaged or cannot be written
 */
export async function startApiServer(options: ApiServerOptions): Promise<ApiServer> {
  const { dir } = options;
  const now = options.now ?? Date.now;
  const log = options.log ?? (() => undefined);
  mkdirSync(join(dir, 'pki'), { recursive: true, mode: 0o700 });
  const path = join(dir, 'state.db');
  const storeOptions = { path, now, sealed: SEALED, keyFile: `${path}.key` };
  const store = await Store.open(storeOptions);
  const closers: (() => Promise<void>)[] = [() => store.close()];
  const close = async () => {
    for (const closer of closers.toReversed()) await closer();
  };
  try {
    const tokens = new Tokens();
    const authorizer = new Authorizer(store);
    const accountTokens = new ServiceAccountTokens(
      store,
      keepPrivate(join(dir, 'pki', 'sa.key'), generateSigningKey),
      now,
    );
    const authenticator = new Authenticator(tokens, accountTokens, authorizer);
    const cluster: Cluster = {
      store,
      registry: new Registry(BUILTIN),
      now,
      authorizer,
      accountTokens,
      quotas: new Quotas(store),
      userOf: (token) => authenticator.userOf(token),
    };
    await bootstrap(cluster);
    const hosts = [HOST, 'localhost', '::1'];
    const authority = await Authority.open(join(dir, 'pki'), hosts, now(), options.certificateLifetime);
    for (const controller of [
      new DefinitionController(cluster, log),
      new NamespaceController(cluster, log),
      new NamespaceContentsController(cluster, log, authority.certificate),
      new AggregationController(cluster, log),
      new GarbageCollector(cluster, log),
      new QuotaController(cluster, log),
      new EventExpiryController(cluster, log),
    ]) {
      closers.push(() => controller.close());
    }
    const token = keepPrivate(join(dir, 'admin.token'), randomToken);
    tokens.add(token, { name: 'admin', uid: 'admin', groups: [MASTERS, AUTHENTICATED] });
    const certificate = await authority.serving(now());
    const snapshots = await Snapshots.open(store, storeOptions, join(dir, 'snapshots'));
    const listener = await listen(
      {
        cluster,
        authenticator,
        snapshots,
        host: HOST,
        certificate,
        ready: () => true,
        log,
        ...(options.limits && { limits: options.limits }),
      },
      options,
    );
    closers.push(() => listener.close());
    const url = `https://${HOST}:${listener.port}`;
    const caCertificate = authority.certificate;
    const kubeconfigPath = join(dir, 'kubeconfig');
    const writeKubeconfig = () => {
      const access = { server: url, certificateAuthority: authority.certificate, user: 'admin', token };
      writePrivate(kubeconfigPath, kubeconfig(access));
    };
    writePrivate(join(dir, 'port'), `${listener.port}\n`);
    writeKubeconfig();
    const onRenewed = (fresh: ServingCertificate) => {
      listener.renew(fresh);
      writeKubeconfig();
    };
    closers.push(keepRenewed(authority, certificate, onRenewed, now, log));
    return { url, port: listener.port, kubeconfigPath, caCertificate, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Listens on the port asked for; else on the one used before; else, when somebody else has that now, on any. */
async function listen(
  listener: Omit<Parameters<typeof Listener.open>[0], 'port'>,
  { dir, port = 0 }: ApiServerOptions,
): Promise<Listener> {
  const path = join(dir, 'port');
  const before = port === 0 && existsSync(path) ? Number(readFileSync(path, 'utf8')) : 0;
  if (!before) return Listener.open({ ...listener, port });
  try {
    return await Listener.open({ ...listener, port: before });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error;
    return Listener.open({ ...listener, port: 0 });
  }
}

/** Serves with a new certificate whenever the present one is due. @returns ends it */
function keepRenewed(
  authority: Authority,
  first: ServingCertificate,
  onRenewed: (fresh: ServingCertificate) => void,
  now: () => number,
  log: (line: string) => void,
): () => Promise<void> {
  let timer: NodeJS.Timeout;
  const wait = (renewAt: number) => {
    const due = Math.max(renewAt - now(), RENEWAL_PAUSE);
    timer = setTimeout(() => void renew(renewAt), Math.min(due, RENEWAL_CHECK)).unref();
  };
  const renew = async (renewAt: number) => {
    try {
      const fresh = await authority.serving(now());
      if (fresh.renewAt !== renewAt) onRenewed(fresh);
      wait(fresh.renewAt);
    } catch (error) {
      // The present one is good for long yet.
      log(`certificate: ${(error as Error).message}`);
      wait(now() + RENEWAL_CHECK);
    }
  };
  wait(first.renewAt);
  return () => {
    clearTimeout(timer);
    return Promise.resolve();
  };
}
