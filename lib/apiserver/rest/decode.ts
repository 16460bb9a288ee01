// From a request's body to an object of the right kind: decoded, pruned, defaulted, with what the client should be told.
import { bodyText, decodeBody, duplicateKeys } from '../http/body.ts';
import { bodyEncoding, type Encoding } from '../http/media.ts';
import { asText, isObject, type Json, type JsonObject, type KubeObject } from '../json.ts';
import { OBJECT_META } from '../resources/metadata.ts';
import { apiVersionOf } from '../resources/resource.ts';
import { applyDefaults, dropForbiddenNulls } from '../schema/defaults.ts';
import { prune } from '../schema/prune.ts';
import { validate } from '../schema/validate.ts';
import { badRequest } from '../status.ts';
import type { Call } from './call.ts';
import type { FieldValidation } from './options.ts';

/** The request's body as an object of the call's resource and version. @throws ApiError 400, 415 */
export function decodeObject(call: Call, validation: FieldValidation): KubeObject {
  const encoding = bodyEncoding(call.contentType);
  return asObject(call, decodeBody(call.body, encoding), validation, duplicates(call.body, encoding, validation));
}

function duplicates(body: Buffer, encoding: Encoding | 'protobuf', validation: FieldValidation): string[] {
  return encoding === 'json' && validation !== 'Ignore' ? duplicateKeys(bodyText(body)) : [];
}

/**
 * Makes a decoded value an object of the call's resource and version, in place.
 * @param repeated paths of keys that the text named twice
 * @throws ApiError 400 when it is none, or for unknown fields where the client wants none
 */
export function asObject(
  call: Call,
  value: Json,
  validation: FieldValidation,
  repeated: readonly string[] = [],
): KubeObject {
  if (!isObject(value))
    throw badRequest(`couldn't get version/kind; json parse error: json: cannot unmarshal ${kindOf(value)}`);
  const { resource, version } = call;
  const apiVersion = apiVersionOf(resource.group, version.name);
  checkKind(value, apiVersion, resource.kind);
  const object: KubeObject = { apiVersion, kind: resource.kind, metadata: metadataOf(value) };
  for (const key in value) if (!(key in object)) object[key] = value[key];
  const unknown = [
    ...prune(object.metadata, OBJECT_META, false).map((path) => `metadata.${path}`),
    ...prune(object, version.schema, true),
  ];
  const problems = [
    ...repeated.map((path) => `duplicate field "${path}"`),
    ...unknown.map((path) => `unknown field "${path}"`),
  ];
  report(call, problems, validation);
  if (resource.custom) dropForbiddenNulls(object, version.schema);
  applyDefaults(object, version.schema);
  return object;
}

function kindOf(value: Json): string {
  return value === null ? 'null' : Array.isArray(value) ? 'array' : typeof value;
}

function checkKind(value: JsonObject, apiVersion: string, kind: string): void {
  const [givenVersion, givenKind] = [value['apiVersion'], value['kind']];
  if (givenKind === undefined || givenKind === '') {
    throw badRequest(`Object 'Kind' is missing in '${JSON.stringify(value).slice(0, 1000)}'`);
  }
  if (givenVersion === undefined || givenVersion === '') {
    throw badRequest(`Object 'apiVersion' is missing in '${JSON.stringify(value).slice(0, 1000)}'`);
  }
  if (givenKind !== kind) {
    throw badRequest(
      `${asText(givenKind)} in version ${JSON.stringify(givenVersion)} cannot be handled as a ${kind}: the kind in the data (${asText(givenKind)}) does not match the expected kind (${kind})`,
    );
  }
  if (givenVersion !== apiVersion) {
    throw badRequest(
      `the API version in the data (${asText(givenVersion)}) does not match the expected API version (${apiVersion})`,
    );
  }
}

/** The metadata, its types checked; what is wrong there is a decoding error, not an invalid object. */
function metadataOf(value: JsonObject): KubeObject['metadata'] {
  const metadata = value['metadata'] ?? {};
  const without = isObject(metadata)
    ? Object.fromEntries(Object.entries(metadata).filter(([, item]) => item !== null && item !== undefined))
    : metadata;
  const [problem] = validate(without, METADATA_TYPES, 'metadata');
  if (problem) throw badRequest(`unrecognized metadata: ${problem.field}: ${problem.detail}`);
  return without as KubeObject['metadata'];
}

/** Types alone: which fields an owner reference needs is for validation to say. */
const METADATA_TYPES = {
  ...OBJECT_META,
  properties: {
    ...OBJECT_META.properties,
    ownerReferences: {
      ...OBJECT_META.properties!['ownerReferences']!,
      items: { ...OBJECT_META.properties!['ownerReferences']!.items!, required: [] },
    },
  },
};

function report(call: Call, problems: readonly string[], validation: FieldValidation): void {
  if (problems.length === 0 || validation === 'Ignore') return;
  if (validation === 'Warn') {
    call.warnings.push(...problems);
    return;
  }
  const { kind } = call.resource;
  const version = JSON.stringify(call.version.name);
  throw badRequest(
    `${kind} in version ${version} cannot be handled as a ${kind}: strict decoding error: ${problems.join(', ')}`,
  );
}
