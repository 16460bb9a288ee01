// The cluster that a command works on: options that all such commands share, and the objects that people name.
import { DEVICES, IMAGES, INSTANCES, PLACEMENTS } from '../api/resources.ts';
import { createClient, type KubeClient } from '../kube/client.ts';
import { contextNamespace } from '../kube/credentials.ts';
import { isForbidden, isNotFound } from '../kube/errors.ts';
import type { KubeObject, ObjectName, Resource } from '../kube/resource.ts';
import { text, UsageError, type Values } from './command.ts';

export const CLUSTER_OPTIONS = {
  kubeconfig: { type: 'string' },
  context: { type: 'string' },
  namespace: { type: 'string', short: 'n' },
} as const;

export const CLUSTER_HELP = `  --kubeconfig FILE      the cluster (default: $KUBECONFIG, ~/.kube/config)
  --context NAME         context in it (default: its current one)
  -n, --namespace NAME   of what has one and names none (default: the context's)`;

/** Who writes, in managedFields. */
export const FIELD_MANAGER = 'bmp-cli';

export interface Cluster {
  readonly client: KubeClient;
  readonly namespace: string;
}

/** Does `work` on the cluster that the options name, and closes the connection. */
export async function onCluster<T>(values: Values, work: (cluster: Cluster) => Promise<T>): Promise<T> {
  const at = { kubeconfig: text(values, 'kubeconfig'), context: text(values, 'context') };
  const namespace = text(values, 'namespace') ?? (await contextNamespace(at)) ?? 'default';
  const client = createClient({ ...at, userAgent: 'bmp' });
  try {
    return await work({ client, namespace });
  } finally {
    await client.close();
  }
}

interface SelfSubjectReview extends KubeObject {
  status?: { userInfo?: { username?: string } };
}
const SELF_SUBJECT_REVIEWS: Resource<SelfSubjectReview> = {
  group: 'authentication.k8s.io',
  version: 'v1',
  plural: 'selfsubjectreviews',
  kind: 'SelfSubjectReview',
  namespaced: false,
};

/** Who the server says that we are; undefined where it does not know such questions (before Kubernetes 1.28). */
export async function userName(client: KubeClient): Promise<string | undefined> {
  const review: SelfSubjectReview = {
    apiVersion: 'authentication.k8s.io/v1',
    kind: SELF_SUBJECT_REVIEWS.kind,
    metadata: { name: '' },
  };
  try {
    return (await client.create(SELF_SUBJECT_REVIEWS, review)).status?.userInfo?.username;
  } catch (error) {
    if (isNotFound(error) || isForbidden(error)) return undefined;
    throw error;
  }
}

/** What people may call a kind, the names in its definition. */
const KINDS: readonly (readonly [resource: Resource, ...words: readonly string[]])[] = [
  [DEVICES, 'device', 'devices', 'dev'],
  [INSTANCES, 'instance', 'instances', 'inst'],
  [PLACEMENTS, 'placement', 'placements', 'pl'],
  [IMAGES, 'image', 'images', 'img'],
];

/** The kind that a person means by a word, however it is written. */
export const kindNamed = (word: string): Resource | undefined =>
  KINDS.find(([, ...words]) => words.includes(word.toLowerCase()))?.[0];

/** An object that a person named. */
export interface Target extends ObjectName {
  readonly resource: Resource;
}

/**
 * Reads `web-1`, `instance/web-1` or `dev/r1-01`; a name alone is of the first kind allowed. The namespace comes with the cluster.
 * @throws UsageError for a kind that is not allowed
 */
export function targetOf(word: string, allowed: readonly Resource[]): (cluster: Cluster) => Target {
  const [kind, name] = word.includes('/') ? (word.split(/\/(.*)/s, 2) as [string, string]) : [undefined, word];
  const named = kind === undefined ? allowed[0] : kindNamed(kind);
  const resource = allowed.find((one) => one === named);
  if (!resource || !name) {
    const forms = allowed.map((one) => `${one.kind.toLowerCase()}/NAME`).join(' or ');
    throw new UsageError(`takes ${forms}, not "${word}"`);
  }
  return ({ namespace }) => ({ resource, name, ...(resource.namespaced && { namespace }) });
}

/** The same of several words. As kubectl has it, a kind may stand before the names: `device r1-01 r1-02`. */
export function targetsOf(words: readonly string[], allowed: readonly Resource[]): ((cluster: Cluster) => Target)[] {
  const [first, ...names] = words;
  const isKind = names.length > 0 && first !== undefined && kindNamed(first) !== undefined;
  return (isKind ? names.map((name) => `${first}/${name}`) : words).map((word) => targetOf(word, allowed));
}

/** The same where one object is meant. @throws UsageError where several are named */
export function oneTargetOf(words: readonly string[], allowed: readonly Resource[]): (cluster: Cluster) => Target {
  const [target, ...others] = targetsOf(words, allowed);
  if (!target || others.length > 0) throw new UsageError(`takes one NAME, not "${words.join(' ')}"`);
  return target;
}

/** `instance/web-1`, as kubectl prints it. */
export const nameOf = ({ kind, metadata }: Pick<KubeObject, 'kind' | 'metadata'>): string =>
  `${kind.toLowerCase()}/${metadata.name}`;
