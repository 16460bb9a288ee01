// `bmp console`: a machine's serial console, by way of its BMC (IPMI serial over LAN), as a terminal shows it.
import type { Duplex } from 'node:stream';
import type { Device, Instance } from '../../api/generated.ts';
import { OPERATOR_NAMESPACE } from '../../api/names.ts';
import { DEVICES, INSTANCES, SECRETS, SITES } from '../../api/resources.ts';
import type { Credentials } from '../../bmc/driver.ts';
import { openDriver } from '../../bmc/open.ts';
import { CLUSTER_HELP, CLUSTER_OPTIONS, type Cluster, onCluster, type Target, targetOf } from '../cluster.ts';
import { aborted, type Command, text, UsageError, untilInterrupted } from '../command.ts';

/** Ctrl-], as telnet has it: a character that nobody types into a console. */
const LEAVE = 0x1d;

export const consoleOf: Command = {
  name: 'console',
  summary: "show a machine's serial console, and type into it",
  help: `Usage: bmp console device/NAME|instance/NAME [options]

Opens the serial console over the machine's BMC: what the machine says is shown, what is typed goes to it. Ctrl-] ends it.
A BMC has one console for one reader. Needs the right to read the Secret with the BMC's credentials, and a way to the BMC.

  --operator-namespace NAME  where the Secret is (default ${OPERATOR_NAMESPACE})
${CLUSTER_HELP}

Example: bmp console device/r1-07`,
  options: { ...CLUSTER_OPTIONS, 'operator-namespace': { type: 'string' } },
  operands: { least: 1, most: 1 },
  async run(values, _startOperator, [word]) {
    const target = targetOf(word!, [DEVICES, INSTANCES]);
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
      await attach(line, interrupted.signal);
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

/** Until Ctrl-], or the signal. @throws what breaks the line */
async function attach(line: Duplex, signal: AbortSignal): Promise<void> {
  const { stdin, stdout } = process;
  const left = Promise.withResolvers<void>();
  if (stdin.isTTY) stdin.setRawMode(true);
  stdin.on('data', (bytes: Buffer) => {
    const end = bytes.indexOf(LEAVE);
    line.write(end < 0 ? bytes : bytes.subarray(0, end));
    if (end >= 0) left.resolve();
  });
  line.on('data', (bytes: Buffer) => stdout.write(bytes));
  line.on('error', left.reject);
  line.on('close', left.resolve);
  try {
    await Promise.race([left.promise, aborted(signal)]);
  } finally {
    if (stdin.isTTY) stdin.setRawMode(false);
    stdin.pause();
    const closed = new Promise((resolve) => line.once('close', resolve));
    line.destroy();
    await closed;
  }
}
