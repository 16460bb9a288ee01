// From a request's body to an object of the right kind: decoded, pruned, defaulted, with what the client should be told.
import { bodyText, decodeBody, duplicateKeys } from '../http/body.ts';
import { bodyEncoding, type Encoding } from '../http/media.ts';
import { asText, isObject, type Json, type JsonObject, type KubeObject } from '../json.ts';
import { OBJECT_META } from '../resources/metadata.ts';
import { apiVersionOf } from '../resources/resource.ts';
import { applyDefaults, dropForbiddenNulls } from '../schema/defaults.ts';
import { zeroNulls } from '../schema/nulls.ts';
import { prune } from '../schema/prune.ts';
import type { Schema } from '../schema/schema.ts';
import { type TypeMismatch, typeMismatch } from '../schema/types.ts';
import { ApiError, badRequest, fieldError, invalid } from '../status.ts';
import type { Call } from './call.ts';
import type { FieldValidation } from './options.ts';

/** The request's body as an object of the call's resource and version. @throws ApiError 400, 415, 422 */
export function decodeObject(call: Call, validation: FieldValidation): KubeObject {
  const encoding = bodyEncoding(call.contentType);
  const value = decodeOwn(call, encoding);
  const repeated = duplicates(call.body, encoding, value, validation);
  const { object, problems } = asObject(call, value);
  report(call, [...repeated, ...problems], validation);
  return object;
}

/** Decodes the body; a custom resource's body that cannot be read is told with a glimpse of it, as the real server does. */
function decodeOwn(call: Call, encoding: Encoding | 'protobuf'): Json {
  try {
    const value = decodeBody(call.body, encoding);
    if (call.resource.custom) checkShape(value);
    return value;
  } catch (error) {
    if (!call.resource.custom || !(error instanceof ApiError) || error.code !== 400) throw error;
    const glimpse = summary(call.body);
    throw badRequest(
      `the object provided is unrecognized (must be of type ${call.resource.kind}): ${error.message} (${glimpse})`,
    );
  }
}

const GLIMPSE = 30;

function summary(body: Buffer): string {
  if (body.length === 0) return '<empty>';
  const start = body.subarray(0, GLIMPSE);
  const text = body[0] === 0x7b ? start.toString() : start.toString('hex');
  return body.length > GLIMPSE ? `${text} ...` : text;
}

function checkShape(value: Json): void {
  if (value !== null && !isObject(value)) {
    throw badRequest(`couldn't get version/kind; json parse error: json: cannot unmarshal ${jsonType(value)}`);
  }
  if (!value?.['kind']) throw badRequest(`Object 'Kind' is missing in '${JSON.stringify(value)}'`);
}

function duplicates(body: Buffer, encoding: Encoding | 'protobuf', value: Json, validation: FieldValidation): string[] {
  if (encoding !== 'json' || validation === 'Ignore') return [];
  return duplicateKeys(bodyText(body), value).map((path) => `duplicate field "${path}"`);
}

/**
 * Makes a decoded value an object of the call's resource and version: unknown fields go, defaults come.
 * @returns the object, and what was wrong but can be lived with
 * @throws ApiError 400 or 422 when the value is no such object
 */
export function asObject(
  call: Call,
  value: Json,
  options: { readonly keepNulls?: boolean; readonly withoutDefaults?: boolean } = {},
): { object: KubeObject; problems: string[] } {
  const { resource, version } = call;
  if (!isObject(value)) {
    throw badRequest(`couldn't get version/kind; json parse error: json: cannot unmarshal ${jsonType(value)}`);
  }
  const apiVersion = apiVersionOf(resource.group, version.name);
  checkKind(call, value, apiVersion);
  checkTypes(call, value);
  const object: KubeObject = { apiVersion, kind: resource.kind, metadata: metadataOf(value) };
  for (const key in value) if (!Object.hasOwn(object, key)) object[key] = value[key];
  if (!resource.custom) zeroNulls(object, version.schema);
  const unknown = [
    ...prune(object.metadata, OBJECT_META, false).map((path) => `metadata.${path}`),
    ...prune(object, version.schema, true),
  ];
  if (!options.keepNulls) dropForbiddenNulls(object, version.schema);
  if (!resource.custom) dropEmpty(object, version.schema);
  if (!options.withoutDefaults) applyDefaults(object, version.schema);
  return { object, problems: unknown.sort().map((path) => `unknown field "${path}"`) };
}

/** Empty maps and lists of built-in kinds are as good as absent; structures stay, and are looked into. */
function dropEmpty(object: JsonObject, schema: Schema): void {
  for (const [key, property] of Object.entries(schema.properties ?? {})) {
    const value = object[key];
    if (typeof value !== 'object' || value === null) continue;
    const isContainer = property.type === 'array' || property.additionalProperties !== undefined;
    if (isContainer && Object.keys(value).length === 0) delete object[key];
    else if (isObject(value)) dropEmpty(value, property);
  }
}

function jsonType(value: Json): string {
  return value === null ? 'null' : Array.isArray(value) ? 'array' : typeof value === 'boolean' ? 'bool' : typeof value;
}

function checkKind(call: Call, value: JsonObject, apiVersion: string): void {
  const { resource, version } = call;
  const [givenVersion, givenKind] = [asText(value['apiVersion']), asText(value['kind'])];
  // Objects of built-in kinds may leave out what the path says.
  if (!resource.custom && !givenKind && !givenVersion) return;
  if (!resource.custom && !givenVersion) return;
  if (givenVersion !== apiVersion) {
    const why = `the API version in the data (${givenVersion}) does not match the expected API version (${apiVersion})`;
    throw badRequest(why);
  }
  if (givenKind === resource.kind || (!resource.custom && !givenKind)) return;
  if (resource.custom) {
    const error = fieldError.invalid('kind', givenKind, `must be ${resource.kind}`);
    const name = isObject(value['metadata']) ? asText(value['metadata']['name']) : '';
    throw invalid({ group: resource.group, kind: givenKind }, name, [error]);
  }
  throw badRequest(
    `${givenKind} in version ${JSON.stringify(version.name)} cannot be handled as a ${resource.kind}: converting (${givenKind}) to (${resource.kind}): unknown conversion`,
  );
}

/** Refuses values of types that the kind's fields cannot hold. Of custom resources only metadata has fixed types. */
function checkTypes(call: Call, value: JsonObject): void {
  const { resource, version } = call;
  const inMetadata = typeMismatch(value['metadata'] ?? {}, OBJECT_META);
  const found = inMetadata && { ...inMetadata, field: `ObjectMeta.${inMetadata.field}` };
  const mismatch: TypeMismatch | undefined =
    found ?? (resource.custom ? undefined : bodyMismatch(value, version.schema, resource.kind));
  if (!mismatch) return;
  throw badRequest(
    `${resource.kind} in version ${JSON.stringify(version.name)} cannot be handled as a ${resource.kind}: ${complaint(mismatch)}`,
  );
}

function complaint({ base64, time, actual, field, expected }: TypeMismatch): string {
  if (base64) return `illegal base64 data at input byte ${base64.position}`;
  if (time !== undefined) return `parsing time ${JSON.stringify(time)}: not as RFC 3339 writes it`;
  return `json: cannot unmarshal ${actual} into Go struct field ${field} of type ${expected}`;
}

function bodyMismatch(value: JsonObject, schema: Call['version']['schema'], kind: string): TypeMismatch | undefined {
  const { metadata: _checked, ...properties } = schema.properties ?? {};
  const mismatch = typeMismatch(value, { ...schema, properties });
  return mismatch && { ...mismatch, field: `${kind}.${mismatch.field}` };
}

/** The metadata without nulls. */
function metadataOf(value: JsonObject): KubeObject['metadata'] {
  const metadata = value['metadata'];
  const entries = Object.entries(isObject(metadata) ? metadata : {});
  const made = Object.fromEntries(entries) as JsonObject;
  zeroNulls(made, OBJECT_META);
  return made as KubeObject['metadata'];
}

/** Tells, or refuses, what the client may want to know of: unknown and repeated fields. @throws ApiError 400 */
export function report(call: Call, problems: readonly string[], validation: FieldValidation): void {
  if (problems.length === 0 || validation === 'Ignore') return;
  if (validation === 'Warn') {
    call.warnings.push(...problems);
    return;
  }
  const { kind } = call.resource;
  const version = JSON.stringify(call.version.name);
  throw badRequest(`${kind} in version ${version} cannot be handled as a ${kind}: ${strictError(problems)}`);
}

export function strictError(problems: readonly string[]): string {
  return `strict decoding error: ${problems.join(', ')}`;
}
