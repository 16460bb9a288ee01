// What manifests/ installs, as kubectl builds it: whole, confined, and fitting the command that it runs. On the cluster that
// E2E_KUBECONFIG names it is applied too, and applying it again changes nothing.
import { spawnSync } from 'node:child_process';
import { readdirSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { parseArgs } from 'node:util';
import { dump, loadAll } from 'js-yaml';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { dhcp } from '../../lib/cli/commands/dhcp.ts';
import { run } from '../../lib/cli/commands/run.ts';
import type { KubeObject } from '../../lib/kube/resource.ts';
import { peerTest } from '../../lib/testing/peers.ts';
import { tempDir } from '../../lib/testing/temp-dir.ts';

const ROOT = new URL('../../', import.meta.url).pathname;
const OVERLAYS = ['single', 'replicated'] as const;

interface Container {
  readonly args: readonly string[];
  readonly ports: readonly { readonly name: string; readonly containerPort: number }[];
  readonly livenessProbe: Probe;
  readonly readinessProbe: Probe;
  readonly resources: { readonly requests: Quantities; readonly limits: Quantities };
  readonly securityContext: {
    readonly allowPrivilegeEscalation: boolean;
    readonly readOnlyRootFilesystem: boolean;
    readonly capabilities: { readonly drop: readonly string[]; readonly add?: readonly string[] };
  };
}
interface Probe {
  readonly httpGet: { readonly path: string; readonly port: string };
}
interface Quantities {
  readonly cpu?: string;
  readonly memory?: string;
}
interface Deployment extends KubeObject {
  readonly spec: {
    readonly replicas: number;
    readonly template: {
      readonly metadata: { readonly labels: Readonly<Record<string, string>> };
      readonly spec: {
        readonly serviceAccountName: string;
        readonly securityContext: {
          readonly runAsNonRoot: boolean;
          readonly seccompProfile: { readonly type: string };
        };
        readonly hostNetwork?: boolean;
        readonly containers: readonly [Container, ...Container[]];
      };
    };
  };
}
type Labels = Readonly<Record<string, string>>;
interface Selecting extends KubeObject {
  readonly spec: {
    readonly selector?: Labels | { readonly matchLabels: Labels };
    readonly podSelector?: { readonly matchLabels: Labels };
  };
}
interface Service extends KubeObject {
  readonly spec: { readonly ports: readonly { readonly name: string }[] };
}
interface ServiceMonitor extends KubeObject {
  readonly spec: {
    readonly selector: { readonly matchLabels: Readonly<Record<string, string>> };
    readonly endpoints: readonly [{ readonly port: string; readonly tlsConfig: { readonly serverName: string } }];
  };
}

function kubectl(args: readonly string[], input?: string): string {
  const { stdout, stderr, status } = spawnSync('kubectl', args, { encoding: 'utf8', input, maxBuffer: 2 ** 26 });
  assert.is(status, 0, `kubectl ${args.join(' ')}: ${stderr}`);
  return stdout;
}

const built = (overlay: string): KubeObject[] =>
  loadAll(kubectl(['kustomize', `${ROOT}manifests/overlays/${overlay}`])) as KubeObject[];
const ofKind = <T extends KubeObject>(objects: readonly KubeObject[], kind: string): T[] =>
  objects.filter((object) => object.kind === kind) as T[];
const deploymentIn = (objects: readonly KubeObject[]) => ofKind<Deployment>(objects, 'Deployment')[0]!;

const withKubectl = peerTest('kubectl', 'kubernetes-client');

withKubectl('every CRD is part of the installation', () => {
  const installed = ofKind(built('single'), 'CustomResourceDefinition').map(({ metadata }) => metadata.name);
  const files = readdirSync(`${ROOT}crds`).filter((file) => file.endsWith('.yaml'));
  assert.equal(installed.sort(), files.map((file) => file.replace('.yaml', '.bmp.dev')).sort());
});

withKubectl('all of it is in the one namespace, which is part of it', () => {
  for (const overlay of OVERLAYS) {
    const namespaces = built(overlay).map(({ metadata }) => metadata.namespace);
    assert.equal([...new Set(namespaces.filter((namespace) => namespace !== undefined))], ['bmp-system'], overlay);
    assert.equal(
      ofKind(built(overlay), 'Namespace').map(({ metadata }) => metadata.name),
      ['bmp-system'],
      overlay,
    );
  }
});

withKubectl('the pod is confined as the restricted Pod Security Standard asks, and more', () => {
  const { spec } = deploymentIn(built('single')).spec.template;
  const [{ securityContext, resources, livenessProbe, readinessProbe }] = spec.containers;
  assert.ok(spec.securityContext.runAsNonRoot);
  assert.is(spec.securityContext.seccompProfile.type, 'RuntimeDefault');
  assert.equal(securityContext, {
    allowPrivilegeEscalation: false,
    readOnlyRootFilesystem: true,
    capabilities: { drop: ['ALL'] },
  });
  for (const quantities of [resources.requests, resources.limits]) assert.ok(quantities.cpu && quantities.memory);
  assert.is(livenessProbe.httpGet.path, '/healthz');
  assert.is(readinessProbe.httpGet.path, '/readyz');
});

withKubectl('the command understands its arguments, and listens on the ports that are told', () => {
  const [{ args, ports }] = deploymentIn(built('single')).spec.template.spec.containers;
  const [command, ...flags] = args;
  assert.is(command, run.name);
  const { values } = parseArgs({ args: flags, options: run.options, strict: true });
  const port = (name: string) => String(ports.find((one) => one.name === name)?.containerPort);
  assert.is(values['health-port'], port('health'));
  assert.is(values['metrics-port'], port('metrics'));
  assert.ok(run.help.includes(`(default ${port('provision')})`) && run.help.includes(`(default ${port('boot')})`));
});

withKubectl('whatever selects pods selects the operator', () => {
  const objects = built('replicated');
  const { labels } = deploymentIn(objects).spec.template.metadata;
  const kinds = ['Deployment', 'Service', 'NetworkPolicy', 'PodDisruptionBudget'];
  const selecting = kinds.flatMap((kind) => ofKind<Selecting>(objects, kind));
  const selectors = selecting.flatMap(({ spec }) => {
    const selector = spec.podSelector ?? spec.selector;
    if (!selector) return [];
    return [typeof selector.matchLabels === 'object' ? selector.matchLabels : (selector as Labels)];
  });
  assert.is(selectors.length, 4);
  for (const [label, value] of selectors.flatMap((selector) => Object.entries(selector)))
    assert.is(labels[label], value);
});

withKubectl('overlays differ in replicas', () => {
  assert.equal(
    OVERLAYS.map((overlay) => deploymentIn(built(overlay)).spec.replicas),
    [1, 2],
  );
});

withKubectl('the DHCP component gives rights over the network to a container that has nothing else', async () => {
  await using dir = await tempDir();
  const at = (path: string) => relative(dir.path, join(ROOT, 'manifests', path));
  const components = ['components/nodes', 'components/dhcp'].map(at);
  writeFileSync(join(dir.path, 'kustomization.yaml'), dump({ resources: [at('overlays/single')], components }));
  const objects = loadAll(kubectl(['kustomize', dir.path])) as KubeObject[];
  const { hostNetwork, containers } = deploymentIn(objects).spec.template.spec;
  assert.ok(hostNetwork);
  const [operator, beside, ...others] = containers;
  assert.is(others.length, 0);
  assert.equal(operator.securityContext.capabilities, { drop: ['ALL'] });
  assert.equal(beside!.securityContext.capabilities.drop, ['ALL']);
  assert.ok(beside!.securityContext.capabilities.add!.includes('NET_ADMIN'));
  const [asking, answering] = [run, dhcp].map(({ name, options }, index) => {
    const [command, ...flags] = containers[index]!.args;
    assert.is(command, name);
    return parseArgs({ args: flags, options, strict: true }).values;
  });
  assert.is(asking!['dhcp-socket'], answering!.socket);
  assert.is(asking!.nodes, 'core');
});

withKubectl('the Prometheus component asks the port of the metrics, under the name in the certificate', async () => {
  await using dir = await tempDir();
  const at = (path: string) => relative(dir.path, join(ROOT, 'manifests', path));
  const overlay = { resources: [at('overlays/single')], components: [at('components/prometheus')] };
  writeFileSync(join(dir.path, 'kustomization.yaml'), dump(overlay));
  const objects = loadAll(kubectl(['kustomize', dir.path])) as KubeObject[];
  const [monitor] = ofKind<ServiceMonitor>(objects, 'ServiceMonitor');
  const [endpoint] = monitor!.spec.endpoints;
  const [service] = ofKind<Service>(objects, 'Service').filter(({ metadata }) =>
    Object.entries(monitor!.spec.selector.matchLabels).every(([label, value]) => metadata.labels?.[label] === value),
  );
  assert.ok(service!.spec.ports.some(({ name }) => name === endpoint.port));
  assert.is(endpoint.tlsConfig.serverName, `${service!.metadata.name}.${service!.metadata.namespace}.svc`);
});

const cluster = process.env.E2E_KUBECONFIG;
if (cluster) {
  withKubectl('a cluster takes it, and applying it again changes nothing', () => {
    const at = ['--kubeconfig', cluster];
    const served = kubectl([...at, 'api-versions']).split('\n');
    // Clusters before 1.25 do not know the rules in the CRDs, and leave them out.
    const old = !served.includes('policy/v1');
    for (const overlay of OVERLAYS) {
      const yaml = kubectl(['kustomize', `${ROOT}manifests/overlays/${overlay}`]);
      const input = old ? yaml.replace('apiVersion: policy/v1\n', 'apiVersion: policy/v1beta1\n') : yaml;
      const apply = () => kubectl([...at, 'apply', ...(old ? ['--validate=false'] : []), '-f', '-'], input);
      apply();
      const again = apply().trim().split('\n');
      const changed = again.filter((line) => !line.endsWith(' unchanged'));
      assert.equal(old ? changed.filter((line) => !line.startsWith('customresourcedefinition')) : changed, [], overlay);
    }
  });
}

test.run();
