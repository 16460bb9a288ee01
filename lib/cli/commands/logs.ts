// `bmp logs`: what the agent in the live OS said before the last task that failed on a machine.
import type { Instance } from '../../api/generated.ts';
import { agentLogName, OPERATOR_NAMESPACE } from '../../api/names.ts';
import { CONFIG_MAPS, DEVICES, INSTANCES } from '../../api/resources.ts';
import { found } from '../../kube/errors.ts';
import { CLUSTER_HELP, CLUSTER_OPTIONS, type Cluster, onCluster, oneTargetOf, type Target } from '../cluster.ts';
import { type Command, text } from '../command.ts';
import { read } from '../progress.ts';

async function deviceName(cluster: Cluster, target: Target): Promise<string> {
  const object = await read(cluster, target);
  if (target.resource === DEVICES) return target.name;
  const name = (object as Instance).status?.deviceName;
  if (name === undefined) throw new Error(`instance "${target.name}" has no device yet: bmp describe tells why`);
  return name;
}

/** What a machine says is shown, and not obeyed: no escape sequence reaches the terminal. */
export const printable = (log: string): string => log.replace(/(?![\n\t])\p{C}/gu, '\ufffd');

export const logs: Command = {
  name: 'logs',
  summary: 'show what the agent said before the last task that failed on a machine',
  help: `Usage: bmp logs DEVICE|instance/NAME [options]

Shows the end of the log of the agent in the live OS, as it was when a task of it failed last on the machine.

  --operator-namespace NAME  where it is kept (default ${OPERATOR_NAMESPACE})
${CLUSTER_HELP}

Example: bmp logs r1-07`,
  names: 'devices',
  operands: { least: 1, most: 2 },
  options: { ...CLUSTER_OPTIONS, 'operator-namespace': { type: 'string' } },
  async run(values, _, words) {
    const target = oneTargetOf(words, [DEVICES, INSTANCES]);
    const namespace = text(values, 'operator-namespace') ?? OPERATOR_NAMESPACE;
    return onCluster(values, async (cluster) => {
      const device = await deviceName(cluster, target(cluster));
      const kept = await found(cluster.client.get(CONFIG_MAPS, { namespace, name: agentLogName(device) }));
      if (!kept) {
        console.log(`no task of the agent has failed on device ${device}`);
        return 0;
      }
      const { operation = '', at = '', log = '' } = kept.data ?? {};
      console.log(printable(`device/${device}, operation ${operation}, ${at}\n${log.trimEnd()}`));
      return 0;
    });
  },
};
