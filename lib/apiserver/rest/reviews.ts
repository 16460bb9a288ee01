// The answers to reviews, and tokens for service accounts: creates that store nothing.
import type { Attributes } from '../auth/rules.ts';
import { AUDIENCE, type Bound } from '../auth/service-accounts.ts';
import type { User } from '../auth/user.ts';
import { TOKEN_REQUEST } from '../builtin/token-request.ts';
import { asText, at, isObject, type Json, type JsonObject, type KubeObject, timestamp } from '../json.ts';
import { groupResource } from '../resources/resource.ts';
import { badRequest, conflict, type FieldError, fieldError, invalid, notFound } from '../status.ts';
import { recordFields } from './admit.ts';
import type { Answer, Call } from './call.ts';
import { decodeObject } from './decode.ts';
import { writeOptions } from './options.ts';
import { liveObject } from './write.ts';

type Review = (call: Call, object: KubeObject) => JsonObject;

const REVIEWS: { readonly [kind: string]: Review } = {
  SelfSubjectAccessReview: (call, object) => accessStatus(call, call.user, attributesOf(call, object)),
  SubjectAccessReview: (call, object) => accessStatus(call, subjectOf(call, object), attributesOf(call, object)),
  LocalSubjectAccessReview: (call, object) => {
    const wanted = attributesOf(call, object);
    if ('path' in wanted || wanted.namespace !== call.request.namespace) {
      throw badRequest('the namespace in the review must be the one on the URL');
    }
    return accessStatus(call, subjectOf(call, object), wanted);
  },
  SelfSubjectRulesReview: rulesStatus,
  SelfSubjectReview: (call) => ({ userInfo: userInfo(call.user) }),
  TokenReview: tokenStatus,
};

/** Answers a created review. @throws ApiError 400, 422 */
export function review(call: Call): Answer {
  const object = decodeObject(call, 'Ignore');
  const status = REVIEWS[call.resource.kind]!(call, object);
  const { fieldManager } = writeOptions(call.query, call.userAgent, 'CreateOptions');
  recordFields(call, object, undefined, fieldManager);
  const { creationTimestamp: _none, ...metadata } = object.metadata;
  return { code: 201, body: { ...object, metadata: { creationTimestamp: null, ...metadata }, status } };
}

const text = (value: Json | undefined, ...path: string[]): string => asText(at(value, path));
const texts = (value: Json | undefined): string[] => (Array.isArray(value) ? value.map(asText) : []);

function refuse(call: Call, errors: readonly FieldError[]): Error {
  // The API leaves the kind out here.
  return invalid({ group: call.resource.group, kind: '' }, '', errors);
}

function attributesOf(call: Call, object: KubeObject): Attributes {
  const resource = at(object, ['spec', 'resourceAttributes']);
  const path = at(object, ['spec', 'nonResourceAttributes']);
  if (isObject(resource) === isObject(path)) {
    const why = isObject(path)
      ? 'cannot be specified in combination with resourceAttributes'
      : 'exactly one of nonResourceAttributes or resourceAttributes must be specified';
    const field = isObject(path) ? 'spec.nonResourceAttributes' : 'spec.resourceAttributes';
    throw refuse(call, [fieldError.invalid(field, path ?? 'null', why)]);
  }
  if (isObject(path)) return { verb: asText(path['verb']), path: asText(path['path']) };
  return {
    verb: text(resource, 'verb'),
    group: text(resource, 'group'),
    resource: text(resource, 'resource'),
    subresource: text(resource, 'subresource'),
    namespace: text(resource, 'namespace'),
    name: text(resource, 'name'),
  };
}

function subjectOf(call: Call, object: KubeObject): User {
  const name = text(object, 'spec', 'user');
  const groups = texts(at(object, ['spec', 'groups']));
  if (!name && groups.length === 0) {
    throw refuse(call, [fieldError.invalid('spec.user', '', 'at least one of user or group must be specified')]);
  }
  return { name, uid: text(object, 'spec', 'uid'), groups };
}

function accessStatus(call: Call, user: User, wanted: Attributes): JsonObject {
  const { allowed, reason } = call.cluster.authorizer.decide(user, wanted);
  return { allowed, ...(reason ? { reason } : {}) };
}

function rulesStatus(call: Call, object: KubeObject): JsonObject {
  const namespace = text(object, 'spec', 'namespace');
  if (!namespace) throw badRequest('no namespace on request');
  const rules = call.cluster.authorizer.rules(call.user, namespace);
  return {
    resourceRules: rules
      .filter((rule) => rule.resources.length > 0)
      .map(({ verbs, apiGroups, resources, resourceNames }) => ({
        verbs: [...verbs],
        apiGroups: [...apiGroups],
        resources: [...resources],
        ...(resourceNames.length > 0 ? { resourceNames: [...resourceNames] } : {}),
      })),
    nonResourceRules: rules
      .filter((rule) => rule.nonResourceURLs.length > 0)
      .map(({ verbs, nonResourceURLs }) => ({ verbs: [...verbs], nonResourceURLs: [...nonResourceURLs] })),
    incomplete: false,
  };
}

function userInfo(user: User): JsonObject {
  return { username: user.name, ...(user.uid ? { uid: user.uid } : {}), groups: [...user.groups] };
}

function tokenStatus(call: Call, object: KubeObject): JsonObject {
  const user = call.cluster.userOf(text(object, 'spec', 'token'));
  return user
    ? { authenticated: true, user: userInfo(user), audiences: [AUDIENCE] }
    : { user: {}, error: '[invalid bearer token]' };
}

const HOUR = 3600;
const SHORTEST = 600;
const LONGEST = 2 ** 32;

/** The token subresource of service accounts (authentication/v1 TokenRequest). @throws ApiError 404, 422 */
export function requestToken(call: Call): Answer {
  const account = liveObject(call);
  if (!account) throw notFound(groupResource(call.resource), call.request.name);
  const request = decodeObject({ ...call, ...TOKEN_REQUEST }, 'Ignore');
  const asked = at(request, ['spec', 'expirationSeconds']);
  const seconds = typeof asked === 'number' ? asked : HOUR;
  if (seconds < SHORTEST || seconds > LONGEST) {
    const why =
      seconds < SHORTEST
        ? 'may not specify a duration less than 10 minutes'
        : 'may not specify a duration larger than 2^32 seconds';
    const errors = [fieldError.invalid('spec.expirationSeconds', seconds, why)];
    throw invalid({ group: 'authentication.k8s.io', kind: 'TokenRequest' }, '', errors);
  }
  const given = texts(at(request, ['spec', 'audiences']));
  const audiences = given.length > 0 ? given : [AUDIENCE];
  const { name = '', namespace = '', uid = '' } = account.metadata;
  const bound = boundSecret(call, at(request, ['spec', 'boundObjectRef']), name);
  const { token, expiration } = call.cluster.accountTokens.issue({ namespace, name, uid }, audiences, seconds, bound);
  const created = timestamp(call.cluster.now());
  return {
    code: 201,
    body: {
      kind: 'TokenRequest',
      apiVersion: 'authentication.k8s.io/v1',
      metadata: { name, namespace, creationTimestamp: created },
      spec: {
        audiences,
        expirationSeconds: seconds,
        boundObjectRef: bound ? { kind: 'Secret', apiVersion: 'v1', name: bound.name, uid: bound.uid } : null,
      },
      status: { token, expirationTimestamp: timestamp(expiration) },
    },
  };
}

/** The Secret that a token is to end with. @throws ApiError 400, 404, 409 */
function boundSecret(call: Call, reference: Json | undefined, account: string): Bound | undefined {
  if (!isObject(reference)) return undefined;
  const [apiVersion, kind] = [asText(reference['apiVersion']), asText(reference['kind'])];
  if (apiVersion !== 'v1' || kind !== 'Secret') {
    throw badRequest(
      `cannot bind token for serviceaccount ${JSON.stringify(account)} to type ${apiVersion}, Kind=${kind}`,
    );
  }
  const name = asText(reference['name']);
  const { metadata } = call.cluster.store.latest('secrets', `${call.request.namespace}/${name}`)?.object ?? {};
  if (!metadata) throw notFound({ group: '', resource: 'secrets' }, name);
  const { uid = '' } = metadata;
  const asked = asText(reference['uid']);
  if (asked && asked !== uid) {
    const why = `the UID in the bound object reference (${asked}) does not match the UID in record. The object might have been deleted and then recreated`;
    throw conflict({ group: '', resource: 'secrets' }, name, why);
  }
  return { name, uid };
}
