// Requests for resources: from the path to the verb that answers.
import type { IncomingMessage, ServerResponse } from 'node:http';
import { refusal } from '../auth/authorizer.ts';
import type { User } from '../auth/user.ts';
import type { Served } from '../resources/registry.ts';
import { groupResource } from '../resources/resource.ts';
import { type Answer, type Call, type Cluster, textOf } from '../rest/call.ts';
import { remove, removeCollection } from '../rest/delete.ts';
import { finalizeNamespace } from '../rest/finalize.ts';
import { patch } from '../rest/patch.ts';
import { get, list } from '../rest/read.ts';
import { requestToken, review } from '../rest/reviews.ts';
import { getScale, patchScale, updateScale } from '../rest/scale.ts';
import { watch } from '../rest/watch.ts';
import { create, update } from '../rest/write.ts';
import {
  ApiError,
  badRequest,
  forbidden,
  methodNotAllowed,
  notFound,
  notSupported,
  unknownResource,
} from '../status.ts';
import { readBody } from './body.ts';
import { negotiate } from './media.ts';
import type { ResourceRequest } from './request.ts';
import { encoded, PAGE_NOT_FOUND, type Reply } from './respond.ts';
import { sinkOf } from './sink.ts';

type Handler = (call: Call) => Answer | Promise<Answer>;

const VERBS: { readonly [verb: string]: Handler } = {
  get,
  list,
  create,
  update,
  patch,
  delete: remove,
  deletecollection: removeCollection,
};

const REVIEW: { readonly [verb: string]: Handler } = { create: review };

const SUBRESOURCES: { readonly [name: string]: { readonly [verb: string]: Handler } } = {
  status: { get, update, patch },
  scale: { get: getScale, update: updateScale, patch: patchScale },
  finalize: { update: finalizeNamespace },
  token: { create: requestToken },
};

function handlerOf(call: Call): Handler {
  const { request, resource, version } = call;
  if (request.subresource === '') {
    const handler = (resource.review ? REVIEW : VERBS)[request.verb];
    if (!handler) throw methodNotAllowed();
    const needsName = request.verb === 'update' || request.verb === 'patch';
    if (needsName && !request.name) throw resource.custom ? badRequest('name must be provided') : methodNotAllowed();
    return handler;
  }
  const offered =
    (request.subresource === 'status' && version.status) ||
    (request.subresource === 'scale' && version.scale !== undefined) ||
    (request.subresource === 'token' && resource.collection === 'serviceaccounts') ||
    (request.subresource === 'finalize' && resource.collection === 'namespaces');
  if (!offered || !request.name)
    throw resource.custom ? notFound(groupResource(resource), request.name) : unknownResource();
  const handler = SUBRESOURCES[request.subresource]?.[request.verb];
  if (!handler) throw resource.custom ? notSupported(groupResource(resource), request.verb) : methodNotAllowed();
  return handler;
}

/** @throws ApiError 403 */
function authorize({ authorizer }: Cluster, user: User, request: ResourceRequest): void {
  const decision = authorizer.decide(user, request);
  if (decision.allowed) return;
  throw forbidden(request, request.name, refusal(user, request, decision));
}

/** Whether the path has a namespace exactly where the resource wants one; lists may go over all namespaces. */
function isPlaced(request: ResourceRequest, { resource }: Served): boolean {
  if (!resource.namespaced) return request.namespace === '';
  return request.namespace !== '' || (request.name === '' && (request.verb === 'list' || request.verb === 'watch'));
}

/** The path's namespace; of a Namespace object itself it is none. */
function normalised(request: ResourceRequest): ResourceRequest {
  return request.resource === 'namespaces' && request.group === '' ? { ...request, namespace: '' } : request;
}

/**
 * Answers a request for a resource.
 * @returns undefined when the answer is a stream, already begun
 * @throws ApiError
 */
export async function answerResource(
  cluster: Cluster,
  parsed: ResourceRequest,
  query: URLSearchParams,
  user: User,
  request: IncomingMessage,
  response: ServerResponse,
  warnings: string[],
): Promise<Reply | undefined> {
  const asked = normalised(parsed);
  // To access rules a namespace is in itself.
  authorize(cluster, user, parsed);
  const served = cluster.registry.find(asked.group, asked.version, asked.resource);
  if (!served) {
    if (cluster.registry.isBuiltin(asked.group)) throw unknownResource();
    return PAGE_NOT_FOUND;
  }
  if (!isPlaced(asked, served)) {
    if (served.resource.custom) return PAGE_NOT_FOUND;
    // The path without a namespace is there, for lists over all of them.
    throw served.resource.namespaced && !asked.name ? methodNotAllowed() : unknownResource();
  }
  const accepted = negotiate(request.headers.accept, ['table', 'metadata']);
  if (served.version.deprecation) warnings.push(served.version.deprecation);
  const hasBody = request.method !== 'GET' && request.method !== 'HEAD';
  const call: Call = {
    ...served,
    cluster,
    request: asked,
    query,
    accepted,
    user,
    userAgent: request.headers['user-agent'] ?? '',
    body: hasBody ? await readBody(request) : Buffer.alloc(0),
    contentType: request.headers['content-type'],
    warnings,
  };
  if (asked.verb === 'watch') {
    watch(call, () => sinkOf(response, warnings));
    return undefined;
  }
  const answer = await decided(call, handlerOf(call));
  return encoded(answer.code, textOf(answer), accepted.encoding, warnings);
}

const READS = new Set(['get', 'list']);
/** What a refusal with these codes is for: something that is there, is not, or is used up. */
const FOUNDED = new Set([403, 404, 409]);

/** The handler's answer. A refusal may rest on a write that is on its way to disk: whoever is refused must find it there. */
async function decided(call: Call, handler: Handler): Promise<Answer> {
  try {
    return await handler(call);
  } catch (error) {
    const written = !READS.has(call.request.verb);
    if (written && error instanceof ApiError && FOUNDED.has(error.code)) await call.cluster.store.allSettled();
    throw error;
  }
}
