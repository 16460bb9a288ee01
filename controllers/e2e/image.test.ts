// test-deadline: 600
// test-slow
// The Dockerfile is built, and the operator in it runs as the Deployment says: in a cluster, by its ServiceAccount's token, without
// root and without a file that it can write. It takes a machine from its import to where it can be had, and lets go when told to.
// The cluster is the one that E2E_KUBECONFIG names, which has the CRDs, or the embedded API server.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { load } from 'js-yaml';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { OPERATOR_NAMESPACE } from '../../lib/api/names.ts';
import { DEVICES } from '../../lib/api/resources.ts';
import { startApiServer } from '../../lib/apiserver/server.ts';
import { createMissing, installDefinitions } from '../../lib/cli/manifests.ts';
import { createClient } from '../../lib/kube/client.ts';
import { leases } from '../../lib/kube/lease.ts';
import type { KubeObject } from '../../lib/kube/resource.ts';
import { startFleet } from '../../lib/sim/fleet.ts';
import { eventually } from '../../lib/testing/eventually.ts';
import { withPeers } from '../../lib/testing/peers.ts';
import { tempDir } from '../../lib/testing/temp-dir.ts';
import { freePorts, openImageStore, type RunningPod, startPod } from './image.ts';
import { accountKubeconfig, installAccess, tokenIn } from './service-account.ts';

const DEPLOYMENT = new URL('../../manifests/base/deployment.yaml', import.meta.url);
const SILENT = { debug() {}, info() {}, warn() {}, error() {} };
const MINUTES = { deadlineMs: 120_000, everyMs: 100 };

interface Kubeconfig {
  readonly clusters: readonly [{ readonly cluster: { readonly server: string; 'certificate-authority-data': string } }];
}
interface Deployment {
  readonly spec: {
    readonly template: {
      readonly spec: {
        readonly securityContext: { readonly runAsUser: number; readonly runAsGroup: number };
        readonly containers: readonly [{ readonly args: readonly string[] }];
      };
    };
  };
}
const pod = (load(readFileSync(DEPLOYMENT, 'utf8')) as Deployment).spec.template.spec;

/** The Deployment's arguments for this machine's loopback; its ports may be others' here. */
function argsAt(address: string, ports: Readonly<Record<string, number>>): string[] {
  const values: Record<string, string> = { POD_NAMESPACE: OPERATOR_NAMESPACE, POD_IP: address, ADDRESS: address };
  const filled = pod.containers[0].args
    .map((arg) => arg.replace(/\$\((\w+)\)/g, (_, name: string) => values[name]!))
    // Endpoints of Services must not be on loopback, and the embedded server has none.
    .filter((arg) => !arg.startsWith('--service=') && !/^--(health|metrics)-port=/.test(arg));
  return [...filled, ...Object.entries(ports).map(([name, port]) => `--${name}-port=${port}`), '--pace=simulated'];
}

/** What the kubelet mounts: the authority, the namespace and a token of the account. */
async function mountAccount(dir: string, kubeconfig: string): Promise<{ folder: string; server: URL }> {
  const client = createClient({ kubeconfig });
  try {
    await installAccess(client);
    const own = await accountKubeconfig(client, kubeconfig, join(dir, 'account.kubeconfig'));
    const folder = join(dir, 'serviceaccount');
    mkdirSync(folder);
    const { cluster } = (load(readFileSync(kubeconfig, 'utf8')) as Kubeconfig).clusters[0];
    writeFileSync(join(folder, 'ca.crt'), Buffer.from(cluster['certificate-authority-data'], 'base64'));
    writeFileSync(join(folder, 'namespace'), OPERATOR_NAMESPACE);
    writeFileSync(join(folder, 'token'), tokenIn(own!));
    return { folder, server: new URL(cluster.server) };
  } finally {
    await client.close();
  }
}

const PEERS = [
  ['buildah', 'buildah'],
  ['bwrap', 'bubblewrap'],
  ['busybox', 'busybox-static'],
] as const;

withPeers(PEERS)('the image runs as the Deployment says, with nothing but the token of its account', async () => {
  await using dir = await tempDir('bmp-image-');
  const store = openImageStore(dir.path);
  const cluster = process.env.E2E_KUBECONFIG;
  const api = cluster ? undefined : await startApiServer({ dir: join(dir.path, 'api') });
  const kubeconfig = cluster ?? api!.kubeconfigPath;
  const client = createClient({ kubeconfig });
  if (api) await installDefinitions(client, new AbortController().signal);
  const [provision, boot, health, metrics] = (await freePorts(4)) as [number, number, number, number];
  const fleet = await startFleet({ count: 1, basePort: 0, bootUrl: () => `http://127.0.0.1:${boot}`, log: SILENT });
  let operator: RunningPod | undefined;
  try {
    store.build();
    const config = store.config();
    assert.is(config.User, `${pod.securityContext.runAsUser}:${pod.securityContext.runAsGroup}`);
    const tree = store.mount();
    assert.not(existsSync(join(tree, 'app/controllers/e2e')), 'tests are in the image');

    const { folder, server } = await mountAccount(dir.path, kubeconfig);
    operator = await startPod({
      tree,
      config,
      args: argsAt('127.0.0.1', { provision, boot, health, metrics }),
      env: { KUBERNETES_SERVICE_HOST: server.hostname, KUBERNETES_SERVICE_PORT: server.port },
      serviceAccount: folder,
    });
    const ready = async () => (await fetch(`http://127.0.0.1:${health}/readyz`)).ok;
    await eventually(ready, { ...MINUTES, what: 'the pod to be ready' });

    await createMissing(client, fleet.manifests() as unknown as KubeObject[]);
    const devices = async () => (await client.list(DEVICES)).items;
    const available = async () => (await devices())[0]?.status?.phase === 'Available';
    await eventually(available, { ...MINUTES, what: 'the device to be Available' });
    for (const { metadata } of await devices()) await client.delete(DEVICES, metadata);
    await eventually(async () => (await devices()).length === 0, { ...MINUTES, what: 'the device to be gone' });

    operator.signal('SIGTERM');
    assert.is(await operator.ended, 0, operator.output());
    const lease = await client.get(leases, { name: 'bmp-operator', namespace: OPERATOR_NAMESPACE });
    assert.not.ok(lease.spec?.holderIdentity, 'the Lease was let go');
  } catch (error) {
    throw new Error(`${String(error)}\nthe pod printed:\n${operator?.output()}`, { cause: error });
  } finally {
    operator?.confiner.kill('SIGKILL');
    await fleet.close();
    await client.close();
    await api?.close();
    store.close();
  }
});

test.run();
