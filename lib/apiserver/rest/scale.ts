// The scale subresource: an autoscaling/v1 Scale over the paths that the definition names.

import { decodeBody } from '../http/body.ts';
import { bodyEncoding, mediaType } from '../http/media.ts';
import { at, clone, isObject, type Json, type JsonObject, type KubeObject, setAt } from '../json.ts';
import { applyJsonPatch, parseJsonPatch } from '../patch/json-patch.ts';
import { mergePatch } from '../patch/merge-patch.ts';
import { groupResource } from '../resources/resource.ts';
import { badRequest, fieldError, invalid, notFound } from '../status.ts';
import { recordFields } from './admit.ts';
import type { Answer, Call } from './call.ts';
import { writeOptions } from './options.ts';
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
  if (at(live as Json, call.version.scale!.specReplicas) === undefined) {
    throw badRequest(
      `the spec replicas field ${JSON.stringify(`.${call.version.scale!.specReplicas.join('.')}`)} does not exist`,
    );
  }
  return { code: 200, body: scaleOf(call, live) };
}

async function write(call: Call, scale: Json): Promise<Answer> {
  const options = writeOptions(call.query, call.userAgent, 'UpdateOptions');
  const live = found(call);
  if (!isObject(scale)) throw badRequest('a Scale is an object');
  const replicas = at(scale, ['spec', 'replicas']) ?? 0;
  if (typeof replicas !== 'number' || !Number.isInteger(replicas) || replicas < 0) {
    const why = 'should be a non-negative integer';
    throw invalid({ group: 'autoscaling', kind: 'Scale' }, call.request.name, [
      fieldError.invalid('spec.replicas', replicas, why),
    ]);
  }
  const object = clone(live);
  setAt(object, call.version.scale!.specReplicas, replicas);
  const asked = at(scale, ['metadata', 'resourceVersion']);
  if (typeof asked === 'string' && asked !== '') object.metadata.resourceVersion = asked;
  // To the object this is a change of its spec like any other.
  const main = {
    ...call,
    request: { ...call.request, subresource: '' },
    accepted: { ...call.accepted, view: 'object' as const },
  };
  const answer = await replace(main, object, live, options, (made) =>
    recordFields({ ...main, request: call.request }, made, live, options.fieldManager),
  );
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
      ? applyJsonPatch(current, parseJsonPatch(document))
      : mergePatch(current, document);
  return write(call, patched);
}
