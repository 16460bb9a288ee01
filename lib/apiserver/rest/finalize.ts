// The finalize subresource of namespaces: the one way to change spec.finalizers.
import { isObject } from '../json.ts';
import { toStorage } from '../resources/present.ts';
import { groupResource } from '../resources/resource.ts';
import { conflict, MODIFIED, notFound } from '../status.ts';
import type { Answer, Call } from './call.ts';
import { decodeObject } from './decode.ts';
import { showUnstored } from './show.ts';
import { liveObject } from './write.ts';

export async function finalizeNamespace(call: Call): Promise<Answer> {
  const { cluster, request, resource, version } = call;
  const object = decodeObject(call, 'Ignore');
  const live = liveObject(call);
  if (!live) throw notFound(groupResource(resource), request.name);
  const asked = object.metadata.resourceVersion;
  if (asked && asked !== live.metadata.resourceVersion) throw conflict(groupResource(resource), request.name, MODIFIED);
  const finalizers = isObject(object['spec']) ? (object['spec']['finalizers'] ?? []) : [];
  const empty = Array.isArray(finalizers) && finalizers.length === 0;
  const changed = { ...live, metadata: { ...live.metadata }, spec: empty ? {} : { finalizers } };
  if (empty && live.metadata.deletionTimestamp && !live.metadata.finalizers?.length) {
    await cluster.store.delete(resource.collection, request.name);
  } else {
    await cluster.store.put(resource.collection, request.name, toStorage(changed, version));
  }
  return showUnstored(call, 200, changed);
}
