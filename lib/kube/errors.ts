// The one error type of everything that goes to the API server, and the questions callers ask of it.

/** metav1.Status, as the server sends it with every failure. */
export interface Status {
  message?: string;
  reason?: string;
  code?: number;
  details?: {
    name?: string;
    group?: string;
    kind?: string;
    uid?: string;
    causes?: StatusCause[];
    retryAfterSeconds?: number;
  };
}
export interface StatusCause {
  reason?: string;
  message?: string;
  field?: string;
}

/**
 * A call that did not succeed. `status` is the HTTP status, or 0 when no whole answer came back (`reason` is then
 * `Unreachable`, `Timeout` or `Aborted`, and `cause` holds the network's error): the write may or may not have taken hold.
 */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  readonly status: number;
  /** metav1.StatusReason, such as `NotFound`, `Conflict`, `AlreadyExists`, `Invalid`, `Expired`. */
  readonly reason: string;
  /** metav1.StatusDetails: which object, and the causes field by field. */
  readonly statusDetails: Status['details'];
  /** How long the server asks to wait before another try. */
  readonly retryAfterMs: number | undefined;

  constructor(
    status: number,
    reason: string,
    message: string,
    options: { details?: Status['details']; retryAfterMs?: number | undefined; cause?: unknown } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.status = status;
    this.reason = reason;
    this.statusDetails = options.details;
    this.retryAfterMs = options.retryAfterMs;
  }
}

const REASON_OF_STATUS: Record<number, string> = {
  400: 'BadRequest',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'NotFound',
  405: 'MethodNotAllowed',
  406: 'NotAcceptable',
  409: 'Conflict',
  410: 'Expired',
  413: 'RequestEntityTooLarge',
  415: 'UnsupportedMediaType',
  422: 'Invalid',
  429: 'TooManyRequests',
  500: 'InternalError',
  503: 'ServiceUnavailable',
  504: 'Timeout',
};

/** The error of an HTTP answer whose body is `text`: a metav1.Status, or whatever a proxy on the way wrote. */
export function errorOfAnswer(
  status: number,
  text: string,
  retryAfterHeader: string | undefined,
  call: string,
): ApiError {
  return errorOfStatus(parseStatus(text) ?? {}, status, retryAfterHeader, call);
}

/** The error of a metav1.Status, from an answer's body or from a watch's ERROR event. */
export function errorOfStatus(
  body: Status,
  status: number,
  retryAfterHeader: string | undefined,
  call: string,
): ApiError {
  const seconds = retryAfterSeconds(retryAfterHeader) ?? body.details?.retryAfterSeconds;
  const reason = body.reason || REASON_OF_STATUS[status] || 'Unknown';
  return new ApiError(status, reason, `${call}: ${body.message || `the server answered ${status}`}`, {
    details: body.details,
    retryAfterMs: seconds === undefined ? undefined : seconds * 1000,
  });
}

function parseStatus(text: string): Status | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && 'kind' in value && value.kind === 'Status'
      ? (value as Status)
      : undefined;
  } catch {
    return undefined; // not JSON: a proxy's page, or an answer cut off; the HTTP status says enough
  }
}

function retryAfterSeconds(header: string | undefined): number | undefined {
  const seconds = Number(header);
  return header === undefined || !Number.isFinite(seconds) || seconds < 0 ? undefined : seconds;
}

const is =
  (test: (error: ApiError) => boolean) =>
  (error: unknown): error is ApiError =>
    error instanceof ApiError && test(error);

/**
 * The object is not there, by the server's word. A 404 that names none, from a server that does not serve the kind yet or from
 * a proxy before it, says nothing of the object.
 */
export const isNotFound = is((error) => error.status === 404 && error.statusDetails?.name !== undefined);
/** What a read gives, or undefined where the object is not there. */
export async function found<T>(answer: Promise<T>): Promise<T | undefined> {
  try {
    return await answer;
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}
/** A write against an older resourceVersion, or against another field manager: read again, decide again. */
export const isConflict = is((error) => error.status === 409 && error.reason !== 'AlreadyExists');
export const isAlreadyExists = is((error) => error.status === 409 && error.reason === 'AlreadyExists');
/** The resourceVersion or continue token is too old: list anew. */
export const isGone = is((error) => error.status === 410);
export const isForbidden = is((error) => error.status === 403);
export const isUnauthorized = is((error) => error.status === 401);
export const isInvalid = is((error) => error.status === 422);
export const isBadRequest = is((error) => error.status === 400);
export const isTooManyRequests = is((error) => error.status === 429);
/** No whole answer: a write may have taken hold. */
export const isUnanswered = is((error) => error.status === 0 && error.reason !== 'NotLeader');
/** Refused before it was sent: this process leads no longer. */
export const isNotLeader = is((error) => error.reason === 'NotLeader');
export const isAborted = is((error) => error.reason === 'Aborted');
/** Trying the very same call again later may succeed. */
export const isRetryable = is(
  (error) => (error.status === 0 && error.reason !== 'NotLeader') || error.status === 429 || error.status >= 500,
);
