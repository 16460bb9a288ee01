// `bmp adopt`: a Device, and the Secret with its BMC's login, of a machine that was discovered, or that runs already.
import type { Device, Discovery } from '../../api/generated.ts';
import { OPERATOR_NAMESPACE } from '../../api/names.ts';
import { API_VERSION, DEVICES, DISCOVERIES, SECRETS, type Secret, SITES } from '../../api/resources.ts';
import { found } from '../../kube/errors.ts';
import { CLUSTER_HELP, CLUSTER_OPTIONS, type Cluster, FIELD_MANAGER, onCluster } from '../cluster.ts';
import { type Command, text, UsageError, type Values } from '../command.ts';
import { readSecret } from '../secret-input.ts';

const help = `Usage: bmp adopt DISCOVERY --name NAME --bmc ADDRESS [options]
       bmp adopt --mac MAC --name NAME --bmc ADDRESS --running [options]

Makes a Device of a machine that booted from the network and was nobody's ("kubectl get discoveries" lists them), with what is
known of it, and the Secret of its BMC. With --running the machine is left as it is, whatever runs on it: its BMC is read, and it
is not turned on or off, booted or wiped.

  --name NAME            of the Device
  --bmc ADDRESS          ipmi://192.0.2.10 or redfish://192.0.2.10
  --username NAME        of its login, whose password is read from standard input (default: the Site's login)
  --site NAME            where it stands (default: the one Site that there is)
  --pool NAME            whose it is (default default)
  --type NAME            its DeviceType; it is put away as that, unless it is running
  --mac MAC              of the interface that boots, where it was not discovered
  --serial NUMBER        of the machine, where it was not discovered
  --running              leave it as it is
  --bmc-namespace NAME   the operator's own, where the Secret goes (default ${OPERATOR_NAMESPACE})
${CLUSTER_HELP}

Example: bmp adopt mac-52-54-00-12-34-56 --name r1-07 --bmc ipmi://192.0.2.10 --username admin --type gp.large < password`;

function required(values: Values, name: string): string {
  const value = text(values, name);
  if (value === undefined) throw new UsageError(`needs --${name}`);
  return value;
}

/** The one that there is, unless one is named. */
async function siteOf({ client }: Cluster, values: Values): Promise<string> {
  const named = text(values, 'site');
  if (named !== undefined) return named;
  const [site, ...others] = (await client.list(SITES, { limit: 2 })).items;
  if (!site || others.length > 0) throw new UsageError(`needs --site: there is ${site ? 'more than one' : 'none'}`);
  return site.metadata.name;
}

async function machineOf(
  { client }: Cluster,
  values: Values,
  name: string | undefined,
): Promise<Pick<Discovery['spec'], 'bootMACAddress' | 'serialNumber'>> {
  if (name === undefined) {
    const serialNumber = text(values, 'serial');
    return {
      bootMACAddress: required(values, 'mac').toLowerCase(),
      ...(serialNumber !== undefined && { serialNumber }),
    };
  }
  const discovery = await found(client.get(DISCOVERIES, { name }));
  if (!discovery) throw new Error(`there is no discovery "${name}": see kubectl get discoveries`);
  return discovery.spec;
}

/** Its one line. @throws UsageError where there is none */

export const adopt: Command = {
  name: 'adopt',
  summary: 'make a Device of a machine that was discovered, or runs already',
  help,
  operands: { least: 0, most: 1 },
  options: {
    ...CLUSTER_OPTIONS,
    name: { type: 'string' },
    bmc: { type: 'string' },
    username: { type: 'string' },
    site: { type: 'string' },
    pool: { type: 'string' },
    type: { type: 'string' },
    mac: { type: 'string' },
    serial: { type: 'string' },
    running: { type: 'boolean' },
    'bmc-namespace': { type: 'string' },
  },
  async run(values, _, [discovery]) {
    const name = required(values, 'name');
    const address = required(values, 'bmc');
    const username = text(values, 'username');
    const password =
      username === undefined ? undefined : await readSecret('password of the BMC: ', process.stdin, process.stderr);
    const [pool, deviceType, running] = [text(values, 'pool'), text(values, 'type'), values.running === true];
    const namespace = text(values, 'bmc-namespace') ?? OPERATOR_NAMESPACE;
    return onCluster(values, async (cluster) => {
      const { client } = cluster;
      const { bootMACAddress, serialNumber } = await machineOf(cluster, values, discovery);
      const secretName = `${name}-bmc`;
      const device: Device = {
        apiVersion: API_VERSION,
        kind: DEVICES.kind,
        metadata: { name },
        spec: {
          bmc: { address, ...(username !== undefined && { credentialsRef: { name: secretName } }) },
          bootMACAddress,
          site: await siteOf(cluster, values),
          ...(serialNumber !== undefined && { serialNumber }),
          ...(pool !== undefined && { pool }),
          ...(deviceType !== undefined && { deviceType }),
          ...(running ? { adopted: true } : deviceType !== undefined && { putAway: true }),
        },
      };
      // The server finds what is wrong with it before a Secret is left behind.
      const options = { fieldManager: FIELD_MANAGER, fieldValidation: 'Strict' } as const;
      await client.create(DEVICES, device, { ...options, dryRun: true });
      if (username !== undefined && password !== undefined) {
        const base64 = (value: string) => Buffer.from(value).toString('base64');
        const secret: Secret = {
          apiVersion: 'v1',
          kind: 'Secret',
          metadata: { name: secretName, namespace },
          type: 'Opaque',
          data: { username: base64(username), password: base64(password) },
        };
        await client.create(SECRETS, secret, options);
      }
      await client.create(DEVICES, device, options);
      console.log(`device/${name}: ${running ? 'adopted as it runs' : 'adopted'}`);
      return 0;
    });
  },
};
