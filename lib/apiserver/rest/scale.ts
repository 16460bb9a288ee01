// The scale subresource: an autoscaling/v1 Scale over the paths that the definition names.

import { recordUpdate, writeManagers } from '../apply/managers.ts';
import { decodeBody } from '../http/body.ts';
import { bodyEncoding, mediaType } from '../http/media.ts';
import { at, clone, isObject, type Json, type JsonObject, type KubeObject, setAt } from '../json.ts';
import { mergePatch } from '../patch/merge-patch.ts';
import { groupResource } from '../resources/resource.ts';
import { badRequest, internal, notFound } from '../status.ts';
import { fieldChange } from './admit.ts';
import type { Answer, Call } from './call.ts';
import { writeOptions } from './options.ts';
import { jsonPatched } from './patch.ts';
import { liveObject, replace } from './write.ts';

function scaleOf(call: Call, object: KubeObject): JsonObject {
  const paths = call.version.scale!;
  const { name, namespace, uid, resourceVersion, creationTimestamp } = object.metadata;
  const selector = paths.labelSelector && at(object as Json, paths.labelSelector);
  const replicas = at(object as Json, paths.specReplicas);
  return {
    kind: 'Scale',
    apiVersion: 'autoscaling/v1',
    metadata: { name, ...(namespace ? { namespace } : {}), uid, resourceVersion, creationTimestamp },
    spec: typeof replicas === 'number' ? { replicas } : {},
    status: {
      replicas: at(object as Json, paths.statusReplicas) ?? 0,
      ...(typeof selector === 'string' ? { selector } : {}),
    },
  };
}

function found(call: Call): KubeObject {
  const live = liveObject(call);
  if (!live) throw notFound(groupResource(call.resource), call.request.name);
  return live;
}

export function getScale(call: Call): Answer {
  const live = found(call);
  const path = call.version.scale!.specReplicas;
  if (at(live as Json, path) === undefined)
    throw internal(`the spec replicas field ".${path.join('.')}" does not exist`);
  return { code: 200, body: scaleOf(call, live) };
}

async function write(call: Call, scale: Json): Promise<Answer> {
  const options = writeOptions(call.query, call.userAgent, 'UpdateOptions');
  const live = found(call);
  if (!isObject(scale)) throw badRequest('a Scale is an object');
  const object = clone(live);
  setAt(object, call.version.scale!.specReplicas, at(scale, ['spec', 'replicas']) ?? 0);
  const asked = at(scale, ['metadata', 'resourceVersion']);
  if (typeof asked === 'string' && asked !== '') object.metadata.resourceVersion = asked;
  // To the object this is a change of its spec like any other; managers book it under the subresource, without a time.
  const main = {
    ...call,
    request: { ...call.request, subresource: '' },
    accepted: { ...call.accepted, view: 'object' as const },
  };
  const answer = await replace(main, object, live, options, (made) => {
    const change = fieldChange(call, 'Update', options.fieldManager, live.metadata.managedFields);
    made.metadata.managedFields = writeManagers(recordUpdate(live, made, { ...change, now: undefined }));
  });
  const written = 'text' in answer ? (JSON.parse(answer.text) as KubeObject) : (answer.body as KubeObject);
  return { code: 200, body: scaleOf(call, written) };
}

export async function updateScale(call: Call): Promise<Answer> {
  return write(call, decodeBody(call.body, bodyEncoding(call.contentType)));
}

export async function patchScale(call: Call): Promise<Answer> {
  const current = scaleOf(call, found(call));
  const document = decodeBody(call.body, 'json');
  const patched =
    mediaType(call.contentType) === 'application/json-patch+json'
      ? jsonPatched(current, document)
      : mergePatch(current, document);
  return write(call, patched);
}
