// `bmp console`: a machine's serial console, by way of its BMC (IPMI serial over LAN), as a terminal shows it.
import type { Device, Instance } from '../../api/generated.ts';
import { OPERATOR_NAMESPACE } from '../../api/names.ts';
import { DEVICES, INSTANCES, SECRETS, SITES } from '../../api/resources.ts';
import type { Credentials } from '../../bmc/driver.ts';
import { openDriver } from '../../bmc/open.ts';
import { CLUSTER_HELP, CLUSTER_OPTIONS, type Cluster, onCluster, oneTargetOf, type Target } from '../cluster.ts';
import { type Command, text, UsageError, untilInterrupted } from '../command.ts';
import { attach } from '../terminal.ts';

export const consoleOf: Command = {
  name: 'console',
  summary: "show a machine's serial console, and type into it",
  help: `Usage: bmp console device/NAME|instance/NAME [options]

Opens the serial console over the machine's BMC: what the machine says is shown, what is typed goes to it. Ctrl-] ends it.
With input from a file or none at all it goes on showing until it is interrupted.
A BMC has one console for one reader. Needs the right to read the Secret with the BMC's credentials, and a way to the BMC.

  --operator-namespace NAME  where the Secret is (default ${OPERATOR_NAMESPACE})
${CLUSTER_HELP}

Example: bmp console device/r1-07`,
  options: { ...CLUSTER_OPTIONS, 'operator-namespace': { type: 'string' } },
  names: 'devices',
  operands: { least: 1, most: 2 },
  async run(values, _startOperator, words) {
    const target = oneTargetOf(words, [DEVICES, INSTANCES]);
    const secrets = text(values, 'operator-namespace') ?? OPERATOR_NAMESPACE;
    const { device, credentials } = await onCluster(values, async (cluster) => {
      const found = await deviceOf(cluster, target(cluster));
      return { device: found, credentials: await credentialsOf(cluster, found, secrets) };
    });
    const { address, tls } = device.spec.bmc;
    const driver = openDriver({ address, credentials, ...(tls && { tls }) });
    const interrupted = untilInterrupted();
    try {
      const line = await driver.console(interrupted.signal);
      console.error(`console of ${device.metadata.name}; Ctrl-] ends it`);
      await attach(line, process, interrupted.signal);
      return 0;
    } finally {
      await driver.close();
    }
  },
};

async function deviceOf({ client }: Cluster, { resource, ...name }: Target): Promise<Device> {
  if (resource === DEVICES) return client.get(DEVICES, name);
  const deviceName = ((await client.get(INSTANCES, name)) as Instance).status?.deviceName;
  if (deviceName === undefined) throw new UsageError(`the instance ${name.name} has no device yet`);
  return client.get(DEVICES, { name: deviceName });
}

/** The Device's own Secret, else its Site's, as the operator has it. */
async function credentialsOf({ client }: Cluster, device: Device, namespace: string): Promise<Credentials> {
  const site = await client.get(SITES, { name: device.spec.site });
  const name = (device.spec.bmc.credentialsRef ?? site.spec.bmcCredentialsRef)?.name;
  if (name === undefined) throw new Error('neither the Device nor its Site names a Secret with BMC credentials');
  const { data = {} } = await client.get(SECRETS, { name, namespace });
  const part = (key: string) => Buffer.from(data[key] ?? '', 'base64').toString();
  const bmcKey = part('bmcKey');
  return { username: part('username'), password: part('password'), ...(bmcKey !== '' && { bmcKey }) };
}
