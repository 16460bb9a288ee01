// Query parameters of resource requests, validated (meta/v1 ListOptions, CreateOptions, PatchOptions …).
import { isTrue } from '../http/request.ts';
import { ApiError, badRequest, type FieldError, fieldError, invalid } from '../status.ts';

export type FieldValidation = 'Ignore' | 'Warn' | 'Strict';

export interface WriteOptions {
  readonly dryRun: boolean;
  readonly fieldManager: string;
  readonly fieldValidation: FieldValidation;
}

function refuse(kind: string, errors: readonly FieldError[]): void {
  if (errors.length > 0) throw invalid({ group: 'meta.k8s.io', kind }, '', errors);
}

function dryRunErrors(values: readonly string[]): FieldError[] {
  return values.some((value) => value !== 'All') ? [fieldError.notSupported('dryRun', [...values], ['All'])] : [];
}

/** Go's %#U of a character that cannot be printed. */
function goRune(character: string): string {
  return `U+${character.codePointAt(0)!.toString(16).toUpperCase().padStart(4, '0')}`;
}

/** The manager's name when the client gives none: its User-Agent up to the first slash. */
function defaultManager(userAgent: string): string {
  return (userAgent.split('/', 1)[0] ?? '').replace(/[^\x20-\x7e]/g, '').slice(0, 128) || 'unknown';
}

/**
 * Options of creates, updates and patches.
 * @param kind what the options are called in errors: "CreateOptions"
 * @throws ApiError 422
 */
export function writeOptions(query: URLSearchParams, userAgent: string, kind: string): WriteOptions {
  const manager = query.get('fieldManager') ?? '';
  const validation = query.get('fieldValidation') || 'Warn';
  const errors = dryRunErrors(query.getAll('dryRun'));
  if (manager.length > 128) {
    errors.push(fieldError.tooLong('fieldManager', 'may not be more than 128 bytes'));
  }
  for (const [index, character] of Array.from(manager).entries()) {
    if (/\p{C}/u.test(character)) {
      errors.push(
        fieldError.invalid('fieldManager', manager, `invalid character ${goRune(character)} (at position ${index})`),
      );
    }
  }
  if (!['Ignore', 'Warn', 'Strict'].includes(validation)) {
    errors.push(fieldError.notSupported('fieldValidation', validation, ['', 'Ignore', 'Strict', 'Warn']));
  }
  refuse(kind, errors);
  return {
    dryRun: query.getAll('dryRun').length > 0,
    fieldManager: manager || defaultManager(userAgent),
    fieldValidation: validation as FieldValidation,
  };
}

/** Options of a patch: apply needs a manager, and only apply may be forced. */
export function patchOptions(
  query: URLSearchParams,
  userAgent: string,
  apply: boolean,
): WriteOptions & { force: boolean } {
  const errors: FieldError[] = [];
  if (apply && !query.get('fieldManager')) {
    errors.push(fieldError.required('fieldManager', 'is required for apply patch'));
  }
  if (!apply && query.has('force'))
    errors.push(fieldError.forbidden('force', 'may not be specified for non-apply patch'));
  refuse('PatchOptions', errors);
  return { ...writeOptions(query, userAgent, 'PatchOptions'), force: isTrue(query.get('force')) };
}

export interface ListOptions {
  readonly labelSelector: string;
  readonly fieldSelector: string;
  readonly limit: number;
  readonly continue: string;
  /** undefined: the newest. */
  readonly resourceVersion: number | undefined;
  readonly match: '' | 'Exact' | 'NotOlderThan';
  readonly timeoutSeconds: number | undefined;
  readonly bookmarks: boolean;
  readonly initialEvents: boolean | undefined;
}

function number(query: URLSearchParams, name: string): number | undefined {
  const text = query.get(name);
  if (text === null || text === '') return undefined;
  if (!/^[+-]?\d{1,18}$/.test(text)) {
    throw badRequest(`strconv.ParseInt: parsing ${JSON.stringify(text)}: invalid syntax`);
  }
  return Number(text);
}

/** @throws ApiError 400 or 422 */
export function listOptions(query: URLSearchParams, watch: boolean): ListOptions {
  const version = query.get('resourceVersion') ?? '';
  if (version !== '' && !/^\d{1,15}$/.test(version)) {
    const why = `resourceVersion: Invalid value: ${JSON.stringify(version)}: strconv.ParseUint: parsing ${JSON.stringify(version)}: invalid syntax`;
    if (watch) throw new ApiError(500, '', why);
    throw badRequest(`invalid resource version: ${why}`);
  }
  const match = query.get('resourceVersionMatch') ?? '';
  const errors = watch ? watchErrors(query, match) : listErrors(query, version, match);
  refuse('ListOptions', errors);
  return {
    labelSelector: query.get('labelSelector') ?? '',
    fieldSelector: query.get('fieldSelector') ?? '',
    limit: Math.max(0, number(query, 'limit') ?? 0),
    continue: query.get('continue') ?? '',
    resourceVersion: version === '' ? undefined : Number(version),
    match: match as ListOptions['match'],
    timeoutSeconds: number(query, 'timeoutSeconds'),
    bookmarks: isTrue(query.get('allowWatchBookmarks')),
    initialEvents: query.has('sendInitialEvents') ? isTrue(query.get('sendInitialEvents')) : undefined,
  };
}

const MATCHES = ['Exact', 'NotOlderThan', ''];

function watchErrors(query: URLSearchParams, match: string): FieldError[] {
  const initial = query.has('sendInitialEvents');
  const errors: FieldError[] = [];
  if (match !== '' && !initial) {
    errors.push(
      fieldError.forbidden(
        'resourceVersionMatch',
        'resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided',
      ),
    );
  }
  if (initial && match !== 'NotOlderThan') {
    const why = 'sendInitialEvents requires setting resourceVersionMatch to NotOlderThan';
    errors.push(
      match === ''
        ? fieldError.forbidden('resourceVersionMatch', why)
        : fieldError.notSupported('resourceVersionMatch', match, ['NotOlderThan']),
    );
  }
  if (query.get('continue')) {
    errors.push(
      fieldError.forbidden('resourceVersionMatch', 'resourceVersionMatch is forbidden when continue is provided'),
    );
  }
  return errors;
}

function listErrors(query: URLSearchParams, version: string, match: string): FieldError[] {
  const errors: FieldError[] = [];
  if (query.has('sendInitialEvents')) {
    errors.push(fieldError.forbidden('sendInitialEvents', 'sendInitialEvents is forbidden for list'));
  }
  if (match !== '' && version === '') {
    errors.push(
      fieldError.forbidden(
        'resourceVersionMatch',
        'resourceVersionMatch is forbidden unless resourceVersion is provided',
      ),
    );
  }
  if (match !== '' && query.get('continue')) {
    errors.push(
      fieldError.forbidden('resourceVersionMatch', 'resourceVersionMatch is forbidden when continue is provided'),
    );
  }
  if (!MATCHES.includes(match)) {
    errors.push(fieldError.notSupported('resourceVersionMatch', match, ['Exact', 'NotOlderThan', '']));
  }
  if (match === 'Exact' && version === '0') {
    errors.push(
      fieldError.forbidden('resourceVersionMatch', 'resourceVersionMatch "exact" is forbidden for resourceVersion "0"'),
    );
  }
  return errors;
}

export function includeObject(query: URLSearchParams): 'None' | 'Metadata' | 'Object' {
  const value = query.get('includeObject') || 'Metadata';
  if (value === 'None' || value === 'Metadata' || value === 'Object') return value;
  const why = `includeObject: Invalid value: ${JSON.stringify(value)}: must be 'Metadata', 'Object', 'None', or empty`;
  throw badRequest(`Unable to convert to Table as requested: ${why}`);
}
