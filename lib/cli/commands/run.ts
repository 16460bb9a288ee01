// `bmp run`: the operator against a cluster that is there already.
import { isIP } from 'node:net';
import { OPERATOR_NAMESPACE } from '../../api/names.ts';
import { dhcpAt } from '../../boot/dhcp/socket.ts';
import { createClient } from '../../kube/client.ts';
import { createLogger, LOG_LEVELS, type LogLevel } from '../../observe/logger.ts';
import { createMetrics, type Metrics } from '../../observe/metrics.ts';
import { openAuditLog } from '../audit-log.ts';
import { type Command, text, UsageError, untilInterrupted, type Values, whole } from '../command.ts';
import { ensureNamespace, installDefinitions } from '../manifests.ts';
import type { OperatorOptions } from '../operator.ts';
import { DHCP_HELP, DHCP_OPTIONS, dhcpOf } from './dhcp.ts';

/** Where machines reach the operator, unless told otherwise; `bmp fleet` expects it there. */
export const PROVISION_PORT = 6280;
export const BOOT_PORT = 6281;

const CACHE_GIB = 50;

const help = `Usage: bmp run [options]

Runs the operator against a cluster, until it is told to stop. Several of them elect a leader.

  --kubeconfig FILE      the cluster (default: $KUBECONFIG, the pod's service account, ~/.kube/config)
  --namespace NAME       the operator's own: BMC Secrets, its keys, its Lease (default ${OPERATOR_NAMESPACE})
  --host ADDRESS         address that machines reach (default 127.0.0.1)
  --listen ADDRESS       address to listen on (default: the same)
  --provision-port N     HTTPS port for agents and installed systems (default ${PROVISION_PORT})
  --boot-port N          HTTP port for machines that boot from the network (default ${BOOT_PORT})
  --live-os DIR          folder of the live OS, as "npm run liveos -- --out DIR" makes it, for machines that boot it
${DHCP_HELP}
                         for Sites whose networks say "boot"; without this and the next one, sites have a DHCP of their own
  --dhcp-socket PATH     instead: ask the process that "bmp dhcp" is
  --image-cache DIR      keep images there, each fetched once, for machines that install them (default: they fetch them
                         from where the Images say)
  --image-cache-size GIB of all that is kept there; what was used longest ago makes room (default ${CACHE_GIB})
  --service NAME         Service that leads machines to the one operator that leads: --listen is written down as its
                         endpoint, so that is an IP address then (default: none)
  --health-port N        HTTP port for /healthz and /readyz (default: none)
  --metrics-port N       HTTPS port for /metrics, for those whom the cluster lets read them (default: none)
  --scheduler-config FILE  how hosts are chosen, a SchedulerConfiguration; read again when it changes (default: what comes
                         with it, also while there is no such file)
  --nodes SOURCE         machines that somebody else runs, as Hosts for Placements: core (the cluster's own nodes), or the
                         http(s) URL of a node API (default: none)
  --nodes-namespace NAME where their Hosts are (default default)
  --audit-log FILE       append a line of JSON for each operation that has ended: what, for whom, who asked, how it ended
  --install-crds         bring the CRDs to this version first, and make the namespace
  --pace PACE            hardware, or simulated for machines without inertia (default hardware)
  --log-level LEVEL      ${LOG_LEVELS.join(', ')} (default info)

Example, with eight simulated machines in another terminal ("bmp fleet --write-manifests fleet"):
  bmp run --kubeconfig ~/.kube/config --install-crds --pace simulated`;

/** Where it listens, and where it says that it is. */
function placesOf(values: Values, metrics: Metrics): Pick<OperatorOptions, 'provision' | 'service' | 'observe'> {
  const host = text(values, 'host') ?? '127.0.0.1';
  const listen = text(values, 'listen') ?? host;
  // "Any free port" can be told to machines only by whoever listens on the address that they reach.
  const least = listen === host ? 0 : 1;
  const port = whole(values, 'provision-port', least, 65_535, PROVISION_PORT);
  const bootPort = whole(values, 'boot-port', least, 65_535, BOOT_PORT);
  const authority = (at: number) => `${isIP(host) === 6 ? `[${host}]` : host}:${at}`;
  const advertise = { url: `https://${authority(port)}`, bootUrl: `http://${authority(bootPort)}` };
  const service = text(values, 'service');
  if (service !== undefined && isIP(listen) === 0)
    throw new UsageError(`--service needs an IP address in --listen, not "${listen}"`);
  const [healthPort, metricsPort] = (['health-port', 'metrics-port'] as const).map((name) =>
    values[name] === undefined ? undefined : whole(values, name, 0, 65_535, 0),
  );
  const bootFiles = text(values, 'live-os');
  return {
    provision: {
      host: listen,
      port,
      bootPort,
      ...(listen !== host && { advertise }),
      ...(bootFiles !== undefined && { bootFiles }),
    },
    ...(service !== undefined && { service: { name: service, address: listen } }),
    observe: { host: listen, healthPort, metricsPort, metrics },
  };
}

function nodesOf(values: Values): OperatorOptions['nodes'] {
  const source = text(values, 'nodes');
  if (source === undefined) return undefined;
  if (source !== 'core' && !/^https?:$/.test(URL.parse(source)?.protocol ?? ''))
    throw new UsageError(`--nodes takes core or an http(s) URL, not "${source}"`);
  return { source, namespace: text(values, 'nodes-namespace') ?? 'default' };
}

function imageCacheOf(values: Values): OperatorOptions['imageCache'] {
  const dir = text(values, 'image-cache');
  const maxBytes = whole(values, 'image-cache-size', 1, 1_000_000, CACHE_GIB) * 1024 ** 3;
  return dir === undefined ? undefined : { dir, maxBytes };
}

export const run: Command = {
  name: 'run',
  summary: 'run the operator against a cluster',
  help,
  options: {
    kubeconfig: { type: 'string' },
    namespace: { type: 'string' },
    host: { type: 'string' },
    'provision-port': { type: 'string' },
    'boot-port': { type: 'string' },
    listen: { type: 'string' },
    'live-os': { type: 'string' },
    ...DHCP_OPTIONS,
    'dhcp-socket': { type: 'string' },
    'image-cache': { type: 'string' },
    'image-cache-size': { type: 'string' },
    service: { type: 'string' },
    'health-port': { type: 'string' },
    'metrics-port': { type: 'string' },
    'scheduler-config': { type: 'string' },
    nodes: { type: 'string' },
    'nodes-namespace': { type: 'string' },
    'audit-log': { type: 'string' },
    'install-crds': { type: 'boolean' },
    pace: { type: 'string' },
    'log-level': { type: 'string' },
  },
  async run(values, startOperator) {
    const pace = text(values, 'pace') ?? 'hardware';
    if (pace !== 'hardware' && pace !== 'simulated')
      throw new UsageError(`--pace takes hardware or simulated, not "${pace}"`);
    const level = (text(values, 'log-level') ?? 'info') as LogLevel;
    if (!LOG_LEVELS.includes(level)) throw new UsageError(`--log-level takes ${LOG_LEVELS.join(', ')}, not "${level}"`);
    const nodes = nodesOf(values);
    const interrupted = untilInterrupted();
    const metrics = createMetrics();
    const client = createClient({ kubeconfig: text(values, 'kubeconfig'), observer: metrics.runtime.calls });
    const namespace = text(values, 'namespace') ?? OPERATOR_NAMESPACE;
    const log = createLogger({ level });
    const places = placesOf(values, metrics);
    const dhcpSocket = text(values, 'dhcp-socket');
    const dhcp = dhcpSocket === undefined ? await dhcpOf(values, log) : dhcpAt(dhcpSocket);
    const auditFile = text(values, 'audit-log');
    const audit = auditFile === undefined ? undefined : openAuditLog(auditFile, log);
    try {
      if (values['install-crds']) {
        await installDefinitions(client, interrupted.signal);
        await ensureNamespace(client, namespace, interrupted.signal);
      }
      const operator = await startOperator(
        {
          client,
          log,
          namespace,
          election: true,
          pace,
          schedulerConfig: text(values, 'scheduler-config'),
          nodes,
          dhcp,
          imageCache: imageCacheOf(values),
          ...(audit && { audit: audit.write }),
          ...places,
        },
        interrupted.signal,
      );
      await operator.stopped;
      return 0;
    } finally {
      await audit?.flushed();
      await client.close();
    }
  },
};
