// `bmp rest`: the small HTTP API for callers that are not Kubernetes clients.
import { readFileSync } from 'node:fs';
import { createClient } from '../../kube/client.ts';
import { contextNamespace } from '../../kube/credentials.ts';
import { createLogger, LOG_LEVELS, type LogLevel } from '../../observe/logger.ts';
import { findCluster } from '../../rest/cluster.ts';
import { bearerPlacements, ownPlacements } from '../../rest/placements.ts';
import { startRestServer } from '../../rest/server.ts';
import { CLUSTER_HELP, CLUSTER_OPTIONS } from '../cluster.ts';
import { aborted, type Command, text, UsageError, untilInterrupted, type Values, whole } from '../command.ts';

const PORT = 8080;
const PER_SECOND = 50;
const IN_FLIGHT = 256;

const help = `Usage: bmp rest [options]

Serves POST /schedule and GET /result/TASK over HTTP, until it is told to stop, with a page to try them at /docs. Every task
is a Placement. Callers send a bearer token of the cluster, and may do what the cluster lets its owner do.

${CLUSTER_HELP}
  --host ADDRESS         address to listen on (default 127.0.0.1)
  --port N               port to listen on (default ${PORT}; 0: any free one)
  --tls-cert FILE        certificate, and
  --tls-key FILE         its key (PEM): needed on other addresses than loopback
  --anonymous            ask nobody for a token, and act as the kubeconfig's user; on loopback only
  --rate N               requests a second of each caller (default ${PER_SECOND})
  --max-in-flight N      requests at a time (default ${IN_FLIGHT})
  --log-level LEVEL      ${LOG_LEVELS.join(', ')} (default info)

Example:
  bmp rest --anonymous -n default &
  curl -d '{"requested_cpu": 4, "requested_memory": 8192, "requested_pool": "default", "dedicated": false}' \\
    -H 'content-type: application/json' http://127.0.0.1:${PORT}/schedule`;

function tlsOf(values: Values): { key: string; cert: string } | undefined {
  const [cert, key] = [text(values, 'tls-cert'), text(values, 'tls-key')];
  if (cert === undefined && key === undefined) return undefined;
  if (cert === undefined || key === undefined) throw new UsageError('--tls-cert and --tls-key go together');
  return { cert: readFileSync(cert, 'utf8'), key: readFileSync(key, 'utf8') };
}

export const rest: Command = {
  name: 'rest',
  summary: 'serve a small HTTP API for placements, with its documentation',
  help,
  options: {
    ...CLUSTER_OPTIONS,
    host: { type: 'string' },
    port: { type: 'string' },
    'tls-cert': { type: 'string' },
    'tls-key': { type: 'string' },
    anonymous: { type: 'boolean' },
    rate: { type: 'string' },
    'max-in-flight': { type: 'string' },
    'log-level': { type: 'string' },
  },
  async run(values) {
    const level = (text(values, 'log-level') ?? 'info') as LogLevel;
    if (!LOG_LEVELS.includes(level)) throw new UsageError(`--log-level takes ${LOG_LEVELS.join(', ')}, not "${level}"`);
    const at = { kubeconfig: text(values, 'kubeconfig'), context: text(values, 'context') };
    const namespace = text(values, 'namespace') ?? (await contextNamespace(at)) ?? 'default';
    const anonymous = values['anonymous'] === true;
    const perSecond = whole(values, 'rate', 1, 1_000_000, PER_SECOND);
    const interrupted = untilInterrupted();
    const log = createLogger({ level });
    const placements = anonymous
      ? ownPlacements(createClient({ ...at, userAgent: 'bmp-rest' }), namespace)
      : bearerPlacements({ cluster: findCluster(at), namespace });
    try {
      const server = await startRestServer({
        host: text(values, 'host'),
        port: whole(values, 'port', 0, 65_535, PORT),
        tls: tlsOf(values),
        placements,
        namespace,
        anonymous,
        limit: { perSecond, burst: 2 * perSecond },
        maxInFlight: whole(values, 'max-in-flight', 1, 100_000, IN_FLIGHT),
        log,
      });
      log.info({ url: server.url, docs: `${server.url}/docs`, namespace, anonymous }, 'listens');
      await aborted(interrupted.signal);
      await server.close();
      return 0;
    } finally {
      await placements.close();
    }
  },
};
