// Errors as the Kubernetes API words them: each is a meta/v1 Status, thrown by whatever refuses a request.
import type { Json, JsonObject } from './json.ts';

export type GroupResource = { group: string; resource: string };
export type GroupKind = { group: string; kind: string };

export type Cause = { reason?: string; message?: string; field?: string };

/** A refusal that is the client's answer. `status` is the body; `status.code` the HTTP status. */
export class ApiError extends Error {
  readonly code: number;
  readonly reason: string;
  readonly details: JsonObject | undefined;

  constructor(code: number, reason: string, message: string, details?: JsonObject) {
    super(message);
    this.name = 'ApiError';
    this.code = code;
    this.reason = reason;
    this.details = details;
  }

  get status(): JsonObject {
    return {
      kind: 'Status',
      apiVersion: 'v1',
      metadata: {},
      status: 'Failure',
      message: this.message,
      ...(this.reason ? { reason: this.reason } : {}),
      ...(this.details ? { details: this.details } : {}),
      code: this.code,
    };
  }
}

/** "devices.bmp.dev", or "secrets" in the core group. */
export function qualified(of: GroupResource): string {
  return of.group ? `${of.resource}.${of.group}` : of.resource;
}

/** Go's %q: how Kubernetes quotes names in messages. */
export function quote(text: string): string {
  return JSON.stringify(text);
}

function resourceDetails(of: GroupResource, name: string): JsonObject {
  return { ...(name ? { name } : {}), ...(of.group ? { group: of.group } : {}), kind: of.resource };
}

export function notFound(of: GroupResource, name: string): ApiError {
  return new ApiError(404, 'NotFound', `${qualified(of)} ${quote(name)} not found`, resourceDetails(of, name));
}

/** A path under /api or /apis that names no resource. */
export function unknownResource(): ApiError {
  return new ApiError(404, 'NotFound', 'the server could not find the requested resource', {});
}

export function alreadyExists(of: GroupResource, name: string): ApiError {
  return new ApiError(
    409,
    'AlreadyExists',
    `${qualified(of)} ${quote(name)} already exists`,
    resourceDetails(of, name),
  );
}

export function conflict(of: GroupResource, name: string, why: string): ApiError {
  const message = `Operation cannot be fulfilled on ${qualified(of)} ${quote(name)}: ${why}`;
  return new ApiError(409, 'Conflict', message, resourceDetails(of, name));
}

export const MODIFIED = 'the object has been modified; please apply your changes to the latest version and try again';

export function forbidden(of: GroupResource, name: string, why: string, causes: readonly Cause[] = []): ApiError {
  const message = name
    ? `${qualified(of)} ${quote(name)} is forbidden: ${why}`
    : `${qualified(of)} is forbidden: ${why}`;
  const details = resourceDetails(of, name);
  if (causes.length > 0) details['causes'] = causes as Json;
  return new ApiError(403, 'Forbidden', message, details);
}

/** 422 with a cause per field; the message lists them as field.ErrorList.ToAggregate does, each wording once. */
export function invalid(of: GroupKind, name: string, errors: readonly FieldError[]): ApiError {
  const texts = [...new Set(errors.map((error) => `${error.field}: ${error.detail}`))];
  const list = texts.length === 1 ? texts[0]! : `[${texts.join(', ')}]`;
  const kind = of.group ? `${of.kind}.${of.group}` : of.kind;
  return new ApiError(422, 'Invalid', `${kind} ${quote(name)} is invalid: ${list}`, {
    ...(name ? { name } : {}),
    ...(of.group ? { group: of.group } : {}),
    ...(of.kind ? { kind: of.kind } : {}),
    causes: errors.map((error) => ({ reason: error.type, message: error.detail, field: error.field })),
  });
}

export function badRequest(message: string): ApiError {
  return new ApiError(400, 'BadRequest', message);
}

export function methodNotAllowed(): ApiError {
  return new ApiError(405, 'MethodNotAllowed', 'the server does not allow this method on the requested resource', {});
}

/** A verb that a subresource does not have. */
export function notSupported(of: GroupResource, verb: string): ApiError {
  const message = `${verb} is not supported on resources of kind ${quote(qualified(of))}`;
  return new ApiError(405, 'MethodNotAllowed', message, resourceDetails(of, ''));
}

export function unauthorized(): ApiError {
  return new ApiError(401, 'Unauthorized', 'Unauthorized');
}

export function notAcceptable(accepted: readonly string[]): ApiError {
  return new ApiError(406, 'NotAcceptable', `only the following media types are accepted: ${accepted.join(', ')}`);
}

export function unsupportedMediaType(accepted: readonly string[]): ApiError {
  const list = accepted.join(', ');
  return new ApiError(
    415,
    'UnsupportedMediaType',
    `the body of the request was in an unknown format - accepted media types include: ${list}`,
  );
}

export function tooLarge(limit: number): ApiError {
  return new ApiError(413, 'RequestEntityTooLarge', `Request entity too large: limit is ${limit}`);
}

export function expired(message: string): ApiError {
  return new ApiError(410, 'Expired', message);
}

export function tooManyRequests(): ApiError {
  return new ApiError(429, 'TooManyRequests', 'Too many requests, please try again later.', { retryAfterSeconds: 1 });
}

/** A list or watch from a version that was never handed out. */
export function futureVersion(asked: number, current: number): ApiError {
  return new ApiError(504, 'Timeout', `Timeout: Too large resource version: ${asked}, current: ${current}`, {
    causes: [{ reason: 'ResourceVersionTooLarge', message: 'Too large resource version' }],
    retryAfterSeconds: 1,
  });
}

export function internal(message: string): ApiError {
  return new ApiError(500, 'InternalError', `Internal error occurred: ${message}`, { causes: [{ message }] });
}

/** One field's refusal (apimachinery's field.Error): where, which class, and the text after the path. */
export type FieldError = {
  field: string;
  type: FieldErrorType;
  detail: string;
  /** Whose state the error is about, where that is not what `field` names. */
  at?: string;
};
export type FieldErrorType =
  | 'FieldValueNotFound'
  | 'FieldValueRequired'
  | 'FieldValueDuplicate'
  | 'FieldValueInvalid'
  | 'FieldValueNotSupported'
  | 'FieldValueForbidden'
  | 'FieldValueTooLong'
  | 'FieldValueTooMany'
  | 'FieldValueTypeInvalid'
  | 'InternalError';

/** How Go prints a refused value: strings quoted, objects and lists as JSON. */
function printed(value: Json | undefined): string {
  return JSON.stringify(value ?? null);
}

export const fieldError = {
  required: (field: string, detail = ''): FieldError => ({
    field,
    type: 'FieldValueRequired',
    detail: detail ? `Required value: ${detail}` : 'Required value',
  }),
  invalid: (field: string, value: Json | undefined, detail: string): FieldError => ({
    field,
    type: 'FieldValueInvalid',
    detail: `Invalid value: ${printed(value)}: ${detail}`,
  }),
  typeInvalid: (field: string, value: Json | undefined, detail: string): FieldError => ({
    field,
    type: 'FieldValueTypeInvalid',
    detail: `Invalid value: ${printed(value)}: ${detail}`,
  }),
  notSupported: (field: string, value: Json | undefined, supported: readonly Json[]): FieldError => ({
    field,
    type: 'FieldValueNotSupported',
    detail: `Unsupported value: ${printed(value)}: supported values: ${supported.map(printed).join(', ')}`,
  }),
  duplicate: (field: string, value: Json | undefined): FieldError => ({
    field,
    type: 'FieldValueDuplicate',
    detail: `Duplicate value: ${printed(value)}`,
  }),
  forbidden: (field: string, detail: string): FieldError => ({
    field,
    type: 'FieldValueForbidden',
    detail: `Forbidden: ${detail}`,
  }),
  tooLong: (field: string, detail: string): FieldError => ({
    field,
    type: 'FieldValueTooLong',
    detail: `Too long: ${detail}`,
  }),
  tooMany: (field: string, actual: number, limit: number): FieldError => ({
    field,
    type: 'FieldValueTooMany',
    detail: `Too many: ${actual}: must have at most ${limit} items`,
  }),
};
