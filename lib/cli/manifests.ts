// Manifests from files, and their objects in a cluster: created where they are missing, as `kubectl apply` would.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { dump } from 'js-yaml';
import { FIELD_MANAGER } from '../api/names.ts';
import * as resources from '../api/resources.ts';
import type { KubeClient } from '../kube/client.ts';
import { isAlreadyExists } from '../kube/errors.ts';
import { apiVersionOf, type KubeObject, type Resource } from '../kube/resource.ts';
import { describeProblem, parseManifests } from '../sync/manifest.ts';

const KINDS = new Map(
  Object.values(resources)
    .filter((value): value is Resource => typeof value === 'object')
    .map((resource) => [`${apiVersionOf(resource)}/${resource.kind}`, resource]),
);

const FOLDER = new URL('../../', import.meta.url);
/** The repository's own CRDs and examples. */
export const CRDS = new URL('crds/', FOLDER).pathname;
export const EXAMPLES = new URL('examples/', FOLDER).pathname;

/** The objects of a folder's YAML files, in the order of their names. @throws Error naming file and line, but no content. */
export function readManifests(folder: string): KubeObject[] {
  const files = readdirSync(folder)
    .filter((file) => /\.ya?ml$/.test(file))
    .sort();
  return files.flatMap((file) => {
    const path = join(folder, file);
    const { manifests, problems } = parseManifests(readFileSync(path, 'utf8'), path);
    if (problems.length > 0) throw new Error(problems.map(describeProblem).join('\n'));
    return manifests.map(({ object }) => object);
  });
}

export function writeManifests(path: string, objects: readonly object[]): void {
  writeFileSync(path, objects.map((object) => dump(object, { lineWidth: 120, noRefs: true })).join('---\n'));
}

/** @throws Error for a kind that is none of ours. */
function resourceOf({ apiVersion, kind }: KubeObject): Resource {
  const resource = KINDS.get(`${apiVersion}/${kind}`);
  if (!resource) throw new Error(`${apiVersion} ${kind} is not a kind that is known here`);
  return resource;
}

/**
 * As `kubectl apply` leaves them, so that it can be used on the same file later without a warning. Not so Secrets: the
 * annotation would show what is in them, and whoever applies a password keeps the operator from changing it.
 */
function asApplied(object: KubeObject, resource: Resource): KubeObject {
  const named = resource.namespaced ? { ...object, metadata: { namespace: 'default', ...object.metadata } } : object;
  const lastApplied = `${JSON.stringify({ ...named, metadata: { annotations: {}, ...named.metadata } })}\n`;
  const annotations = {
    ...named.metadata.annotations,
    'kubectl.kubernetes.io/last-applied-configuration': lastApplied,
  };
  return { ...named, metadata: { ...named.metadata, annotations } };
}

/** Creates what is not there yet; what is there stays as it is. Returns how many were created. */
export async function createMissing(client: KubeClient, objects: readonly KubeObject[]): Promise<number> {
  let count = 0;
  for (const object of objects) {
    const resource = resourceOf(object);
    try {
      const [created, fieldManager] =
        resource === resources.SECRETS
          ? [object, FIELD_MANAGER]
          : [asApplied(object, resource), 'kubectl-client-side-apply'];
      await client.create(resource, created, { fieldManager });
      count++;
    } catch (error) {
      if (!isAlreadyExists(error)) throw error;
    }
  }
  return count;
}

/** By a merge patch and not by server-side apply: an old cluster drops the rules that it does not know, instead of refusing them. */
async function installDefinition(client: KubeClient, definition: KubeObject, signal: AbortSignal): Promise<void> {
  const resource = resources.CUSTOM_RESOURCE_DEFINITIONS;
  try {
    await client.create(resource, definition, { signal });
  } catch (error) {
    if (!isAlreadyExists(error)) throw error;
    const { spec } = definition as KubeObject & { spec: object };
    await client.patch(resource, definition.metadata, { type: 'merge', body: { spec } }, { signal });
  }
}

/** Brings the CRDs to what the files say and waits until the API serves them. */
export async function installDefinitions(
  client: KubeClient,
  signal: AbortSignal,
  definitions: readonly KubeObject[] = readManifests(CRDS),
): Promise<void> {
  for (const object of definitions) await installDefinition(client, object, signal);
  for (const { metadata } of definitions) {
    const definition = resources.CUSTOM_RESOURCE_DEFINITIONS;
    const isEstablished = (object: KubeObject) =>
      (
        object as KubeObject & { status?: { conditions?: { type: string; status: string }[] } }
      ).status?.conditions?.some(({ type, status }) => type === 'Established' && status === 'True');
    if (isEstablished(await client.get(definition, metadata, { signal }))) continue;
    const events = client.watch(definition, { fieldSelector: `metadata.name=${metadata.name}`, signal });
    for await (const event of events) if (event.type !== 'BOOKMARK' && isEstablished(event.object)) break;
  }
}

/** Creates the namespace where it is missing. */
export async function ensureNamespace(client: KubeClient, name: string, signal?: AbortSignal): Promise<void> {
  const namespace = { apiVersion: 'v1', kind: 'Namespace', metadata: { name } };
  try {
    await client.create(resources.NAMESPACES, namespace, { signal });
  } catch (error) {
    if (!isAlreadyExists(error)) throw error;
  }
}
