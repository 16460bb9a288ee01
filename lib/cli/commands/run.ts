// `bmp run`: the operator against a cluster that is there already.
import { OPERATOR_NAMESPACE } from '../../api/names.ts';
import { createClient } from '../../kube/client.ts';
import { createLogger, LOG_LEVELS, type LogLevel } from '../../observe/logger.ts';
import { type Command, text, UsageError, untilInterrupted, whole } from '../command.ts';
import { installDefinitions } from '../manifests.ts';

/** Where machines reach the operator, unless told otherwise; `bmp fleet` expects it there. */
export const PROVISION_PORT = 6280;
export const BOOT_PORT = 6281;

const help = `Usage: bmp run [options]

Runs the operator against a cluster, until it is told to stop. Several of them elect a leader.

  --kubeconfig FILE      the cluster (default: $KUBECONFIG, the pod's service account, ~/.kube/config)
  --namespace NAME       the operator's own: BMC Secrets, its keys, its Lease (default ${OPERATOR_NAMESPACE})
  --host ADDRESS         address that machines reach (default 127.0.0.1)
  --provision-port N     HTTPS port for agents and installed systems (default ${PROVISION_PORT})
  --boot-port N          HTTP port for machines that boot from the network (default ${BOOT_PORT})
  --install-crds         bring the CRDs to this version first
  --pace PACE            hardware, or simulated for machines without inertia (default hardware)
  --log-level LEVEL      ${LOG_LEVELS.join(', ')} (default info)

Example, with eight simulated machines in another terminal ("bmp fleet --write-manifests fleet"):
  bmp run --kubeconfig ~/.kube/config --install-crds --pace simulated`;

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
    const provision = {
      host: text(values, 'host') ?? '127.0.0.1',
      port: whole(values, 'provision-port', 0, 65_535, PROVISION_PORT),
      bootPort: whole(values, 'boot-port', 0, 65_535, BOOT_PORT),
    };
    const interrupted = untilInterrupted();
    const client = createClient({ kubeconfig: text(values, 'kubeconfig') });
    try {
      if (values['install-crds']) await installDefinitions(client, interrupted.signal);
      const namespace = text(values, 'namespace') ?? OPERATOR_NAMESPACE;
      const log = createLogger({ level });
      const operator = await startOperator(
        { client, log, namespace, election: true, provision, pace },
        interrupted.signal,
      );
      await operator.stopped;
      return 0;
    } finally {
      await client.close();
    }
  },
};
