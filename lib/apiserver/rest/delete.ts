// delete and deletecollection: at once, or marked and finished when the last finalizer is gone.
import { decodeBody } from '../http/body.ts';
import { bodyEncoding } from '../http/media.ts';
import { isTrue } from '../http/request.ts';
import { asText, clone, isObject, type JsonObject, type KubeObject, timestamp } from '../json.ts';
import { type Presented, present, toStorage } from '../resources/present.ts';
import { groupResource, keyOf } from '../resources/resource.ts';
import { badRequest, conflict, fieldError, forbidden, invalid, methodNotAllowed, notFound } from '../status.ts';
import type { Entry } from '../store/entry.ts';
import type { Answer, Call } from './call.ts';
import { listOptions } from './options.ts';
import { selectionOf } from './read.ts';
import { showList, showObject, showUnstored } from './show.ts';

type Propagation = 'Orphan' | 'Background' | 'Foreground';

interface DeleteOptions {
  readonly dryRun: boolean;
  readonly propagation: Propagation;
  /** Whether the client asked, in the old way, that dependents go too. */
  readonly orphanDependents: boolean | undefined;
  readonly uid: string | undefined;
  readonly resourceVersion: string | undefined;
}

const text = (value: unknown) => (typeof value === 'string' && value !== '' ? value : undefined);

function deleteOptions(call: Call): DeleteOptions {
  const { query } = call;
  const decoded = call.body.length === 0 ? {} : decodeBody(call.body, bodyEncoding(call.contentType));
  if (!isObject(decoded)) throw badRequest('the body of a delete is a DeleteOptions object');
  const body: JsonObject = decoded;
  const kind = asText(body['kind']);
  if (kind !== '' && kind !== 'DeleteOptions') {
    throw badRequest(
      `no kind ${JSON.stringify(kind)} is registered for version ${JSON.stringify(asText(body['apiVersion']))}`,
    );
  }
  const preconditions = isObject(body['preconditions']) ? body['preconditions'] : {};
  const dryRun = Array.isArray(body['dryRun']) ? body['dryRun'] : query.getAll('dryRun');
  const policy = text(body['propagationPolicy']) ?? text(query.get('propagationPolicy'));
  const orphanText = query.get('orphanDependents');
  const orphan =
    typeof body['orphanDependents'] === 'boolean'
      ? body['orphanDependents']
      : orphanText === null
        ? undefined
        : isTrue(orphanText);
  const errors = [
    ...(dryRun.some((value) => value !== 'All') ? [fieldError.notSupported('dryRun', dryRun, ['All'])] : []),
    ...(policy && orphan !== undefined
      ? [fieldError.invalid('propagationPolicy', policy, 'orphanDependents and deletionPropagation cannot be both set')]
      : []),
    ...(policy && !['Orphan', 'Background', 'Foreground'].includes(policy)
      ? [fieldError.notSupported('propagationPolicy', policy, ['Foreground', 'Background', 'Orphan', 'nil'])]
      : []),
  ];
  if (errors.length > 0) throw invalid({ group: 'meta.k8s.io', kind: 'DeleteOptions' }, '', errors);
  return {
    dryRun: dryRun.length > 0,
    propagation: (policy as Propagation | undefined) ?? (orphan ? 'Orphan' : 'Background'),
    orphanDependents: orphan,
    uid: text(preconditions['uid']),
    resourceVersion: text(preconditions['resourceVersion']),
  };
}

const IMMORTAL = new Set(['default', 'kube-system', 'kube-public']);

export async function remove(call: Call): Promise<Answer> {
  const options = deleteOptions(call);
  const { cluster, request, resource, version } = call;
  const entry = cluster.store.latest(resource.collection, keyOf(resource, request.namespace, request.name));
  if (!entry) throw notFound(groupResource(resource), request.name);
  const { object, gone } = await removeOne(call, entry, options);
  if (!gone) {
    const code = options.orphanDependents === false ? 202 : 200;
    return showUnstored(call, code, object);
  }
  if (call.accepted.view !== 'object') return showObject(call, 200, present(entry, resource, version));
  return { code: 200, body: success(call, object) };
}

function success(call: Call, object: KubeObject): JsonObject {
  const { group, plural } = call.resource;
  return {
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Success',
    details: { name: object.metadata.name, ...(group ? { group } : {}), kind: plural, uid: object.metadata.uid },
  };
}

/** Deletes an object, or marks it when something must be done first. `gone` says which. */
async function removeOne(
  call: Call,
  entry: Entry,
  options: DeleteOptions,
): Promise<{ object: KubeObject; gone: boolean }> {
  const { cluster, resource, version } = call;
  const object = clone(present(entry, resource, version).object);
  const { metadata } = object;
  const name = metadata.name!;
  checkPreconditions(call, object, options);
  const isNamespace = resource.collection === 'namespaces';
  if (isNamespace && IMMORTAL.has(name)) {
    throw forbidden(groupResource(resource), name, 'this namespace may not be deleted');
  }
  const before = metadata.finalizers ?? [];
  resource.behaviour.onDelete?.(object, timestamp(cluster.now()));
  const finalizers = finalizersFor(metadata.finalizers ?? [], options.propagation);
  const waits = finalizers.length > 0 || (isNamespace && hasSpecFinalizers(object));
  if (!waits) {
    if (!options.dryRun) await cluster.store.delete(resource.collection, entry.key);
    return { object, gone: true };
  }
  const changed = !metadata.deletionTimestamp || finalizers.join() !== before.join();
  if (changed) {
    if (finalizers.length > 0) metadata.finalizers = finalizers;
    if (!metadata.deletionTimestamp) {
      metadata.deletionTimestamp = timestamp(cluster.now());
      if (!isNamespace) metadata.deletionGracePeriodSeconds = 0;
      if (metadata.generation) metadata.generation++;
      if (isNamespace) object['status'] = { ...(object['status'] as JsonObject), phase: 'Terminating' };
    }
    if (!options.dryRun) await cluster.store.put(resource.collection, entry.key, toStorage(object, version));
  }
  return { object, gone: false };
}

function hasSpecFinalizers(namespace: KubeObject): boolean {
  const spec = namespace['spec'];
  return isObject(spec) && Array.isArray(spec['finalizers']) && spec['finalizers'].length > 0;
}

function checkPreconditions(call: Call, object: KubeObject, options: DeleteOptions): void {
  const { uid, resourceVersion, name } = object.metadata;
  // Here the API names the kind where it otherwise names the resource.
  const of = { group: call.resource.group, resource: call.resource.kind };
  const refuse = (field: string, asked: string, found: string | undefined, hint: string) =>
    conflict(
      of,
      name!,
      `the ${field} in the precondition (${asked}) does not match the ${field} in record (${found}). ${hint}`,
    );
  if (options.uid && options.uid !== uid) {
    throw refuse('UID', options.uid, uid, 'The object might have been deleted and then recreated');
  }
  if (options.resourceVersion && options.resourceVersion !== resourceVersion) {
    throw refuse('ResourceVersion', options.resourceVersion, resourceVersion, 'The object might have been modified');
  }
}

/** The garbage collector's finalizers, as the client's policy wants them. */
function finalizersFor(current: readonly string[], propagation: Propagation): string[] {
  const others = current.filter((name) => name !== 'orphan' && name !== 'foregroundDeletion');
  if (propagation === 'Orphan') return [...others, 'orphan'];
  if (propagation === 'Foreground') return [...others, 'foregroundDeletion'];
  return others;
}

export async function removeCollection(call: Call): Promise<Answer> {
  if (call.resource.collection === 'namespaces') throw methodNotAllowed();
  const options = deleteOptions(call);
  const { cluster, resource, version } = call;
  const lists = listOptions(call.query, false);
  const selection = selectionOf(call, lists);
  const entries = [...cluster.store.list(resource.collection, { prefix: selection.prefix })].filter((entry) =>
    selection.matches(entry),
  );
  const chosen = lists.limit > 0 ? entries.slice(0, lists.limit) : entries;
  const removed: Presented[] = chosen.map((entry) => present(entry, resource, version));
  const results = await Promise.allSettled(
    chosen.map(async (entry) => {
      const newest = cluster.store.latest(resource.collection, entry.key);
      if (newest) await removeOne(call, newest, options);
    }),
  );
  const failure = results.find((result) => result.status === 'rejected');
  if (failure) throw failure.reason;
  return showList(call, removed, { resourceVersion: String(cluster.store.revision) });
}
