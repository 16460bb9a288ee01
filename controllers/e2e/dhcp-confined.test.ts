// test-deadline: 300
// `bmp dhcp` runs with what manifests/components/dhcp gives its container, and with no more: its user, its capabilities, a root that
// cannot be written, two folders of the pod's. The operator beside it, another user without any rights, has a host served.
// Needs root, for the network that it answers on.
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, chownSync, existsSync, mkdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { load } from 'js-yaml';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { labTest } from '../../lib/lab/lab-test.ts';
import { makeNetwork, type Network } from '../../lib/lab/namespace.ts';
import { eventually } from '../../lib/testing/eventually.ts';
import { tempDir } from '../../lib/testing/temp-dir.ts';

const ROOT = new URL('../../', import.meta.url).pathname;
const MAC = '52:54:00:77:00:01';
const BOOT_URL = 'http://10.78.0.1:6281';
const ADDRESS = '10.78.0.10';

interface Container {
  readonly name: string;
  readonly args: readonly string[];
  readonly securityContext: {
    readonly runAsUser: number;
    readonly runAsGroup: number;
    readonly capabilities: { readonly add: readonly string[] };
  };
  readonly volumeMounts: readonly { readonly name: string; readonly mountPath: string }[];
}
interface Patch {
  readonly spec: {
    readonly template: {
      readonly spec: {
        readonly securityContext: { readonly fsGroup: number };
        readonly containers: readonly Container[];
        readonly volumes: readonly { readonly name: string; readonly emptyDir?: object }[];
      };
    };
  };
}

const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8');
const pod = (load(read('manifests/components/dhcp/deployment.yaml')) as Patch).spec.template.spec;
const container = pod.containers.find(({ name }) => name === 'dhcp')!;

/** The pod's folders, as the kubelet makes them: of its group, who may write there. */
function makeVolumes(dir: string): Map<string, string> {
  return new Map(
    pod.volumes
      .filter(({ emptyDir }) => emptyDir)
      .map(({ name }) => {
        const folder = join(dir, name);
        mkdirSync(folder);
        chownSync(folder, 0, pod.securityContext.fsGroup);
        chmodSync(folder, 0o2777);
        return [name, folder];
      }),
  );
}

/** `bmp dhcp` as the container runtime starts it. */
function startConfined(network: Network, volumes: ReadonlyMap<string, string>): ChildProcess {
  const { runAsUser, runAsGroup, capabilities } = container.securityContext;
  const args = container.args.map((arg) => arg.replace('$(INTERFACE)', network.bridge));
  const confinement = [
    ['--ro-bind', '/', '/', '--dev', '/dev', '--proc', '/proc', '--unshare-pid', '--unshare-ipc', '--die-with-parent'],
    // Only so that there is a place for the pod's folders; what is beside them cannot be written.
    ['--tmpfs', '/run', '--tmpfs', '/var/lib'],
    ...container.volumeMounts.flatMap(({ name, mountPath }) => [
      ['--perms', '0755', '--dir', dirname(mountPath)],
      ['--bind', volumes.get(name)!, mountPath],
    ]),
    ['--remount-ro', '/run', '--remount-ro', '/var/lib', '--chdir', ROOT],
    ['--cap-drop', 'ALL', ...capabilities.add.flatMap((name) => ['--cap-add', `CAP_${name}`])],
  ].flat();
  const command = [process.execPath, 'controllers/main.ts', ...args];
  const user = ['--reuid', `${runAsUser}`, '--regid', `${runAsGroup}`, '--clear-groups'];
  return spawn(...network.inside('setpriv', [...user, 'bwrap', ...confinement, '--', ...command]), {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

/** What the operator does, as the user that it has in its own container. */
function askAsOperator(socket: string, subnets: readonly string[]): string {
  const script = `
    import { dhcpAt } from '${ROOT}lib/boot/dhcp/socket.ts';
    const dhcp = dhcpAt('${socket}');
    const within = () => AbortSignal.timeout(30_000);
    for (const subnet of ${JSON.stringify(subnets)})
      await dhcp.serve({ networks: [{ subnet }], bootUrl: '${BOOT_URL}' }, within());
    await dhcp.addHost({ macAddress: '${MAC}', address: '${ADDRESS}' }, within());
    const before = await dhcp.hosts(within());
    await dhcp.removeHost('${MAC}', within());
    console.log(JSON.stringify([before, await dhcp.hosts(within())]));
    await dhcp.close();`;
  const user = ['--reuid', '65532', '--regid', '65532', '--clear-groups', '--inh-caps=-all', '--bounding-set=-all'];
  const args = [...user, process.execPath, '--input-type=module', '--eval', script];
  return execFileSync('setpriv', args, { encoding: 'utf8' }).trim();
}

labTest([['bwrap', 'bubblewrap']])('DHCP is answered with the rights of its container alone', async () => {
  await using dir = await tempDir('bmp-dhcp-confined-');
  chmodSync(dir.path, 0o755);
  const volumes = makeVolumes(dir.path);
  const network = await makeNetwork({
    name: `bmp-dhcp-${process.pid}`,
    addresses: ['10.78.0.1/24'],
    taps: 0,
  });
  const confined = startConfined(network, volumes);
  let said = '';
  for (const stream of [confined.stdout!, confined.stderr!]) stream.on('data', (chunk) => (said += chunk));
  const ended = once(confined, 'exit');
  try {
    const socket = join(volumes.get('dhcp-socket')!, 'dhcp.sock');
    await eventually(async () => existsSync(socket) || confined.exitCode !== null, { what: 'the socket' });
    // For other networks dnsmasq is exchanged: the one before has to end.
    const subnets = ['10.78.1.0/24', '10.78.0.0/24'];
    assert.is(askAsOperator(socket, subnets), JSON.stringify([[MAC], []]));
    await eventually(async () => said.includes('nobody wants DHCP'), { what: 'the operator to be missed' });
    assert.is(
      askAsOperator(socket, subnets),
      JSON.stringify([[MAC], []]),
      'the next operator finds it as the first did',
    );
    assert.not.match(said, /"level":"(warn|error)"/);
  } catch (error) {
    throw new Error(`${String(error)}\nit printed:\n${said}`, { cause: error });
  } finally {
    confined.kill('SIGTERM');
    await ended;
    await network.remove();
  }
});

test.run();
