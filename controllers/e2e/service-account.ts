// The operator's own way into a cluster: the ServiceAccount and the roles of manifests/base, and a token of that account.
import { readFileSync, writeFileSync } from 'node:fs';
import { dump, load, loadAll } from 'js-yaml';
import { OPERATOR_NAMESPACE } from '../../lib/api/names.ts';
import { GROUP } from '../../lib/api/resources.ts';
import type { KubeClient } from '../../lib/kube/client.ts';
import { ApiError } from '../../lib/kube/errors.ts';
import type { KubeObject } from '../../lib/kube/resource.ts';

const BASE = new URL('../../manifests/base/', import.meta.url);
const FILES = ['namespace.yaml', 'serviceaccount.yaml', 'rbac.yaml'];
const TOKEN_SECONDS = 3600;

const RBAC = '/apis/rbac.authorization.k8s.io/v1';
const CORE = '/api/v1';
const IN_NAMESPACE = `/namespaces/${OPERATOR_NAMESPACE}`;
const COLLECTIONS: Readonly<Record<string, string>> = {
  Namespace: `${CORE}/namespaces`,
  ServiceAccount: `${CORE}${IN_NAMESPACE}/serviceaccounts`,
  ClusterRole: `${RBAC}/clusterroles`,
  ClusterRoleBinding: `${RBAC}/clusterrolebindings`,
  Role: `${RBAC}${IN_NAMESPACE}/roles`,
  RoleBinding: `${RBAC}${IN_NAMESPACE}/rolebindings`,
};

/** Makes the account and gives it its rights, as an administrator. */
export async function installAccess(admin: KubeClient): Promise<void> {
  const objects = FILES.flatMap((file) => loadAll(readFileSync(new URL(file, BASE), 'utf8')) as KubeObject[]);
  for (const object of objects) {
    const path = `${COLLECTIONS[object.kind]}/${object.metadata.name}?fieldManager=e2e&force=true`;
    await admin.raw({ method: 'PATCH', path, contentType: 'application/apply-patch+yaml', body: object });
  }
}

/** A kubeconfig with a token of the account, for a server that gives any; undefined for one that does not. */
export async function accountKubeconfig(
  admin: KubeClient,
  adminKubeconfig: string,
  path: string,
): Promise<string | undefined> {
  let token: string;
  try {
    const request = await admin.raw({
      method: 'POST',
      path: `${COLLECTIONS.ServiceAccount}/bmp-operator/token`,
      body: {
        apiVersion: 'authentication.k8s.io/v1',
        kind: 'TokenRequest',
        spec: { expirationSeconds: TOKEN_SECONDS },
      },
    });
    token = (request as { status: { token: string } }).status.token;
  } catch (error) {
    if (error instanceof ApiError && error.status === 404) return undefined;
    throw error;
  }
  const config = readKubeconfig(adminKubeconfig);
  for (const one of config.users) one.user = { token };
  writeFileSync(path, dump(config), { mode: 0o600 });
  return path;
}

interface Kubeconfig {
  readonly users: { name: string; user: { token: string } }[];
}
const readKubeconfig = (path: string) => load(readFileSync(path, 'utf8')) as Kubeconfig;

/** The token of a kubeconfig with one user. */
export const tokenIn = (path: string): string => readKubeconfig(path).users[0]!.user.token;

/** API groups that the server has in version v1, or that are ours; the core group is the empty string. */
export async function servedGroups(client: KubeClient): Promise<ReadonlySet<string>> {
  const { groups } = (await client.raw({ method: 'GET', path: '/apis' })) as { groups: ApiGroup[] };
  const usable = groups.filter(
    ({ name, versions }) => name === GROUP || versions.some(({ version }) => version === 'v1'),
  );
  return new Set(['', ...usable.map(({ name }) => name)]);
}
interface ApiGroup {
  readonly name: string;
  readonly versions: readonly { readonly version: string }[];
}

/** The embedded API server has no pods and so no EndpointSlices; as custom resources they do for what is done to them here. */
export const ENDPOINT_SLICE_DEFINITION = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: {
    name: 'endpointslices.discovery.k8s.io',
    annotations: { 'api-approved.kubernetes.io': 'unapproved: stands in for the built-in kind' },
  },
  spec: {
    group: 'discovery.k8s.io',
    scope: 'Namespaced',
    names: { kind: 'EndpointSlice', plural: 'endpointslices' },
    versions: [
      {
        name: 'v1',
        served: true,
        storage: true,
        schema: { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } },
      },
    ],
  },
};
