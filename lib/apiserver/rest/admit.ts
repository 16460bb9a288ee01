// What the server itself does to objects on their way in: identity, generation, the split between spec and status, managed
// fields, the namespace's state. Pure but for looking the namespace up.
import { randomUUID } from 'node:crypto';
import { capUpdaters } from '../apply/cap.ts';
import { FieldSet } from '../apply/field-set.ts';
import {
  areReadable,
  type Change as FieldChange,
  readManagers,
  recordUpdate,
  wholeFields,
  writeManagers,
} from '../apply/managers.ts';
import { at, clone, equal, type Json, type KubeObject, timestamp } from '../json.ts';
import { apiVersionOf, groupResource, type ResourceVersion } from '../resources/resource.ts';
import { badRequest, forbidden, notFound } from '../status.ts';
import type { Call } from './call.ts';

const NAME_CHARACTERS = 'bcdfghjklmnpqrstvwxz2456789';
const GENERATED_LENGTH = 5;

/** generateName plus five random characters without vowels, so that no words come out. */
export function generateName(prefix: string): string {
  const limit = 63 - GENERATED_LENGTH;
  const random = crypto.getRandomValues(new Uint8Array(GENERATED_LENGTH));
  const ending = [...random].map((byte) => NAME_CHARACTERS[byte % NAME_CHARACTERS.length]).join('');
  return prefix.slice(0, limit) + ending;
}

/** The namespace of a new object: the path's. @throws ApiError 400 when the object says another */
export function checkNamespace(call: Call, object: KubeObject): void {
  const { request, resource } = call;
  if (!resource.namespaced) {
    if (object.metadata.namespace === '') delete object.metadata.namespace;
    return;
  }
  object.metadata.namespace ||= request.namespace;
  if (object.metadata.namespace !== request.namespace) {
    throw badRequest('the namespace of the provided object does not match the namespace sent on the request');
  }
}

/** Refuses what cannot be created because of its namespace. @throws ApiError 403, 404 */
export function checkNamespaceAcceptsNew(call: Call, name: string): void {
  const { cluster, resource, request } = call;
  if (!resource.namespaced) return;
  const namespace = cluster.store.latest('namespaces', request.namespace)?.object;
  if (!namespace) throw notFound({ group: '', resource: 'namespaces' }, request.namespace);
  if (at(namespace, ['status', 'phase']) === 'Terminating' || namespace.metadata.deletionTimestamp) {
    const why = `unable to create new content in namespace ${request.namespace} because it is being terminated`;
    throw forbidden(groupResource(resource), name, why, [
      {
        reason: 'NamespaceTerminating',
        message: `namespace ${request.namespace} is being terminated`,
        field: 'metadata.namespace',
      },
    ]);
  }
}

/** Refuses custom resources whose definition is on its way out. @throws ApiError 403 */
export function checkDefinitionStays({ cluster, resource }: Call, name: string): void {
  if (!resource.custom) return;
  const definition = cluster.store.latest(
    'customresourcedefinitions.apiextensions.k8s.io',
    resource.collection,
  )?.object;
  if (!definition?.metadata.deletionTimestamp) return;
  const of = { group: resource.group, resource: resource.plural };
  throw forbidden(of, name, 'create not allowed while custom resource definition is terminating');
}

/** Completes an object that is to be created, in place. */
export function prepareCreate(call: Call, object: KubeObject): void {
  const { metadata } = object;
  const { resource, version } = call;
  const now = timestamp(call.cluster.now());
  if (!metadata.name && metadata.generateName) metadata.name = generateName(metadata.generateName);
  metadata.uid = randomUUID();
  metadata.creationTimestamp = now;
  delete metadata.deletionTimestamp;
  delete metadata.deletionGracePeriodSeconds;
  delete metadata.resourceVersion;
  if (resource.generations) metadata.generation = 1;
  else delete metadata.generation;
  if (version.status) delete object['status'];
  resource.behaviour.prepare?.(object, undefined, now);
}

/** Completes an object that is to replace another, in place: what clients cannot change, or leave out, stays as it is. */
export function prepareUpdate(call: Call, object: KubeObject, live: KubeObject): void {
  const { resource, version, request } = call;
  const { metadata } = object;
  const keep = <K extends keyof KubeObject['metadata']>(key: K) => {
    if (live.metadata[key] === undefined) delete metadata[key];
    else metadata[key] = live.metadata[key];
  };
  keep('creationTimestamp');
  keep('generation');
  metadata.uid ??= live.metadata.uid!;
  if (live.metadata.deletionTimestamp) keep('deletionTimestamp');
  if (metadata.deletionGracePeriodSeconds === undefined) keep('deletionGracePeriodSeconds');
  if (request.subresource === 'status') restoreAllButStatus(object, live);
  else if (version.status) {
    if (live['status'] === undefined) delete object['status'];
    else object['status'] = live['status'];
  }
  if (request.subresource !== 'status') resource.behaviour.prepare?.(object, live, timestamp(call.cluster.now()));
  if (resource.generations && desiredChanged(object, live, version.status)) {
    metadata.generation = (live.metadata.generation ?? 0) + 1;
  }
}

function restoreAllButStatus(object: KubeObject, live: KubeObject): void {
  const { managedFields, resourceVersion } = object.metadata;
  for (const key of Object.keys(object)) if (key !== 'status') delete object[key];
  for (const [key, value] of Object.entries(live)) if (key !== 'status') object[key] = clone(value);
  if (managedFields) object.metadata.managedFields = managedFields;
  else delete object.metadata.managedFields;
  if (resourceVersion) object.metadata.resourceVersion = resourceVersion;
}

function desiredChanged(object: KubeObject, live: KubeObject, status: boolean): boolean {
  const desired = (of: KubeObject): Json => {
    const { metadata: _metadata, status: observed, ...rest } = of;
    return status || observed === undefined ? rest : { ...rest, status: observed };
  };
  return !equal(desired(object), desired(live));
}

/** What booking fields needs to know of a write: a request's, or one of the server's own. */
export type Booking = Pick<Call, 'resource' | 'version' | 'cluster'> & {
  readonly request: { readonly subresource: string };
};

const STATUS = wholeFields('status');
const allButStatus = new WeakMap<ResourceVersion, FieldSet>();

/** What an endpoint resets is not owned through it. */
function ignoredFields(call: Booking): FieldSet {
  const { version } = call;
  if (call.request.subresource !== 'status') return version.status ? STATUS : FieldSet.empty;
  let found = allButStatus.get(version);
  if (!found) {
    const names = Object.keys(version.schema.properties ?? {}).filter((name) => name !== 'status');
    found = wholeFields(...new Set(['metadata', 'spec', ...names]));
    allButStatus.set(version, found);
  }
  return found;
}

/** The change to be booked for a manager. */
export function fieldChange(
  call: Booking,
  operation: 'Apply' | 'Update',
  name: string,
  existing: KubeObject['metadata']['managedFields'],
): FieldChange {
  return {
    managers: readManagers(existing),
    manager: {
      name,
      operation,
      apiVersion: apiVersionOf(call.resource.group, call.version.name),
      subresource: call.request.subresource,
    },
    ignored: ignoredFields(call),
    schema: call.version.fields,
    now: timestamp(call.cluster.now()),
  };
}

/** Books an update's changes in metadata.managedFields. Clients may send entries of their own, or none to clear them. */
export function recordFields(call: Booking, object: KubeObject, live: KubeObject | undefined, manager: string): void {
  const given = object.metadata.managedFields ?? [];
  const cleared = live && given.length === 1 && Object.keys(given[0] ?? {}).length === 0;
  delete object.metadata.managedFields;
  if (cleared) return;
  const known = live?.metadata.managedFields;
  // Most clients send back what they got: the live object's own entries have been read before.
  const sent = given.length > 0 && areReadable(given) && !equal(given, known);
  const existing = sent ? given : known;
  // An object whose managers were never recorded stays so until somebody applies.
  if (live && !existing?.length) return;
  const managers = recordUpdate(live ?? blank(call), object, fieldChange(call, 'Update', manager, existing));
  const entries = writeManagers(capUpdaters(managers));
  if (entries.length > 0) object.metadata.managedFields = entries;
}

/** What an object is compared with that is not there yet. */
export function blank({ resource, version }: Booking): KubeObject {
  const apiVersion = apiVersionOf(resource.group, version.name);
  return { apiVersion, kind: resource.kind, metadata: {}, ...clone(version.blank) };
}
