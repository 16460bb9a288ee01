// create and update, and the one way by which every change of an object reaches the store.
import { equal, type KubeObject } from '../json.ts';
import { present, presentsAsStored, toStorage } from '../resources/present.ts';
import { groupResource, keyOf } from '../resources/resource.ts';
import {
  ApiError,
  alreadyExists,
  badRequest,
  conflict,
  fieldError,
  invalid,
  MODIFIED,
  methodNotAllowed,
  notFound,
} from '../status.ts';
import type { Entry } from '../store/entry.ts';
import {
  checkDefinitionStays,
  checkNamespace,
  checkNamespaceAcceptsNew,
  prepareCreate,
  prepareUpdate,
  recordFields,
} from './admit.ts';
import type { Answer, Call } from './call.ts';
import { decodeObject } from './decode.ts';
import { checkEscalation } from './escalation.ts';
import { type WriteOptions, writeOptions } from './options.ts';
import { showObject, showUnstored } from './show.ts';
import { validateObject } from './validate.ts';

/** The newest state of the object that the path names, in the call's version. */
export function liveObject(call: Call): KubeObject | undefined {
  const { cluster, request, resource, version } = call;
  const entry = cluster.store.latest(resource.collection, keyOf(resource, request.namespace, request.name));
  return entry && present(entry, resource, version).object;
}

export async function create(call: Call): Promise<Answer> {
  if (call.request.name && !call.resource.custom) throw methodNotAllowed();
  const options = writeOptions(call.query, call.userAgent, 'CreateOptions');
  const object = decodeObject(call, options.fieldValidation);
  if (object.metadata.resourceVersion) {
    throw new ApiError(500, '', 'resourceVersion should not be set on objects to be created');
  }
  const named = object.metadata.name ?? '';
  if (call.request.name && named && named !== call.request.name) throw nameMismatch(named, call.request.name);
  return insert(call, object, options, (made) => recordFields(call, made, undefined, options.fieldManager));
}

/**
 * Creates an object.
 * @param record books its managed fields, once it is complete
 * @throws ApiError
 */
export async function insert(
  call: Call,
  object: KubeObject,
  options: WriteOptions,
  record: (object: KubeObject) => void,
): Promise<Answer> {
  const { cluster, resource } = call;
  if (call.request.name) object.metadata.name ||= call.request.name;
  checkNamespace(call, object);
  checkNamespaceAcceptsNew(call, object.metadata.name ?? '');
  checkDefinitionStays(call, object.metadata.name ?? '');
  const generated = !object.metadata.name && object.metadata.generateName !== undefined;
  resource.behaviour.defaults?.(object);
  record(object);
  prepareCreate(call, object);
  validateObject(call, object, undefined);
  checkEscalation(call, object, undefined);
  const name = object.metadata.name!;
  const key = keyOf(resource, call.request.namespace, name);
  if (cluster.store.latest(resource.collection, key)) {
    if (!generated) throw alreadyExists(groupResource(resource), name);
    delete object.metadata.name;
    delete object.metadata.managedFields;
    return insert(call, object, options, record);
  }
  cluster.quotas.check(resource, call.request.namespace, name);
  if (options.dryRun) return showUnstored(call, 201, object);
  const entry = await cluster.quotas.reserve(resource, call.request.namespace, key, () => put(call, key, object));
  return showObject(call, 201, present(entry, resource, call.version));
}

async function put(call: Call, key: string, object: KubeObject): Promise<Entry> {
  const { cluster, resource, version } = call;
  const entry = await cluster.store.put(resource.collection, key, toStorage(object, version));
  // A status that was not to be written shows its default all the same.
  const hidesStatus = object['status'] === undefined && version.schema.properties?.['status']?.default !== undefined;
  if (!hidesStatus) presentsAsStored(entry, version);
  return entry;
}

export function nameMismatch(given: string, expected: string): Error {
  return badRequest(`the name of the object (${given}) does not match the name on the URL (${expected})`);
}

export async function update(call: Call): Promise<Answer> {
  const options = writeOptions(call.query, call.userAgent, 'UpdateOptions');
  const object = decodeObject(call, options.fieldValidation);
  const { resource, request } = call;
  checkName(call, object);
  const live = liveObject(call);
  if (!live) {
    if (!resource.behaviour.createOnUpdate || request.subresource)
      throw notFound(groupResource(resource), request.name);
    return insert(call, object, options, (made) => recordFields(call, made, undefined, options.fieldManager));
  }
  return replace(call, object, live, options, (made) => recordFields(call, made, live, options.fieldManager));
}

/** The object's name is the path's. @throws ApiError 400 */
export function checkName(call: Call, object: KubeObject): void {
  const [given, expected] = [object.metadata.name, call.request.name];
  if (!given) {
    throw badRequest(`the name of the object (${expected} based on URL) was undeterminable: name must be provided`);
  }
  if (given !== expected) throw nameMismatch(given, expected);
}

/** What an update says of the version that it means to replace. @throws ApiError 409, 422, 500 */
function checkVersion(call: Call, object: KubeObject, live: KubeObject): void {
  const { resource, request } = call;
  const { resourceVersion } = object.metadata;
  if (!resourceVersion) {
    if (!resource.custom) return;
    const missing = fieldError.invalid('metadata.resourceVersion', 0, 'must be specified for an update');
    throw invalid({ group: resource.group, kind: resource.plural }, request.name, [missing]);
  }
  if (!/^\d+$/.test(resourceVersion)) {
    throw new ApiError(500, '', `strconv.ParseUint: parsing ${JSON.stringify(resourceVersion)}: invalid syntax`);
  }
  if (resourceVersion !== live.metadata.resourceVersion)
    throw conflict(groupResource(resource), request.name, MODIFIED);
}

/**
 * Puts an object in a live one's place, unless nothing changes.
 * @param record books managed fields, once the object is complete
 * @throws ApiError 409 when the object names another resourceVersion or uid than the live one's
 */
export async function replace(
  call: Call,
  object: KubeObject,
  live: KubeObject,
  options: WriteOptions,
  record: (object: KubeObject) => void,
): Promise<Answer> {
  const { cluster, request, resource } = call;
  const name = request.name;
  const { uid } = object.metadata;
  if (request.verb === 'update' && uid && uid !== live.metadata.uid) {
    const why = `Precondition failed: UID in precondition: ${uid}, UID in object meta: ${live.metadata.uid}`;
    throw conflict(groupResource(resource), name, why);
  }
  checkVersion(call, object, live);
  checkNamespace(call, object);
  resource.behaviour.defaults?.(object);
  record(object);
  prepareUpdate(call, object, live);
  object.metadata.resourceVersion = live.metadata.resourceVersion!;
  validateObject(call, object, live);
  checkEscalation(call, object, live);
  const key = keyOf(resource, request.namespace, name);
  const entry = cluster.store.latest(resource.collection, key)!;
  if (options.dryRun) return showUnstored(call, 200, object);
  if (equal(object, live)) {
    await settled(call, key);
    return showObject(call, 200, present(entry, resource, call.version));
  }
  if (object.metadata.deletionTimestamp && !object.metadata.finalizers?.length && mayGo(object)) {
    await cluster.store.delete(resource.collection, key);
    return showUnstored(call, 200, object);
  }
  const written = await put(call, key, object);
  return showObject(call, 200, present(written, resource, call.version));
}

/** A namespace goes only when its own finalizers are gone too. */
function mayGo(object: KubeObject): boolean {
  if (object.kind !== 'Namespace' || object.apiVersion !== 'v1') return true;
  const spec = object['spec'] as { finalizers?: string[] } | undefined;
  return !spec?.finalizers?.length;
}

/** Waits until what is being answered is on disk: an unchanged object may have been written a moment ago. */
async function settled(call: Call, key: string): Promise<void> {
  await call.cluster.store.settled(call.resource.collection, key);
}
