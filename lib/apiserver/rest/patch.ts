// patch: JSON patch, merge patch, strategic merge patch on built-in kinds, and server-side apply.

import { undeclared } from '../apply/declared.ts';
import {
  ApplyConflict,
  applyConfiguration,
  type FieldConflict,
  readManagers,
  recordUpdate,
  writeManagers,
} from '../apply/managers.ts';
import { checkNesting, decodeBody } from '../http/body.ts';
import { mediaType } from '../http/media.ts';
import { asText, clone, isObject, type Json, type JsonObject, type KubeObject } from '../json.ts';
import { applyJsonPatch, JsonPatchError, parseJsonPatch } from '../patch/json-patch.ts';
import { mergePatch } from '../patch/merge-patch.ts';
import { strategicMergePatch } from '../patch/strategic.ts';
import { apiVersionOf, groupResource } from '../resources/resource.ts';
import {
  ApiError,
  badRequest,
  type Cause,
  conflict,
  fieldError,
  invalid,
  notFound,
  unsupportedMediaType,
} from '../status.ts';
import { blank, fieldChange, recordFields } from './admit.ts';
import type { Answer, Call } from './call.ts';
import { asObject, report, strictError } from './decode.ts';
import { patchOptions, type WriteOptions } from './options.ts';
import { checkName, insert, liveObject, replace } from './write.ts';

const JSON_PATCH = 'application/json-patch+json';
const MERGE_PATCH = 'application/merge-patch+json';
const STRATEGIC_PATCH = 'application/strategic-merge-patch+json';
const APPLY_PATCH = 'application/apply-patch+yaml';

export async function patch(call: Call): Promise<Answer> {
  const type = mediaType(call.contentType);
  const accepted = [JSON_PATCH, MERGE_PATCH, ...(call.resource.custom ? [] : [STRATEGIC_PATCH]), APPLY_PATCH];
  if (!accepted.includes(type)) throw unsupportedMediaType(accepted);
  const options = patchOptions(call.query, call.userAgent, type === APPLY_PATCH);
  if (type === APPLY_PATCH) return apply(call, options);
  const live = liveObject(call);
  if (!live) throw notFound(groupResource(call.resource), call.request.name);
  const value = patched(call, live, type);
  const { object, problems } = asObject(call, value);
  if (problems.length > 0 && options.fieldValidation === 'Strict') {
    throw strictPatch(patched(call, sorted(live), type), problems);
  }
  report(call, problems, options.fieldValidation);
  checkName(call, object);
  return replace(call, object, live, options, (made) => recordFields(call, made, live, options.fieldManager));
}

function patched(call: Call, live: KubeObject, type: string): Json {
  const document = decodePatch(call);
  if (type === JSON_PATCH) return jsonPatched(live, document);
  if (!isObject(document)) {
    const what = Array.isArray(document) ? 'array' : typeof document;
    throw badRequest(
      `error decoding patch: json: cannot unmarshal ${what} into Go value of type map[string]interface {}`,
    );
  }
  return clone(
    type === MERGE_PATCH ? mergePatch(live, document) : strategicMergePatch(live, document, call.version.schema),
  );
}

/** @throws ApiError 400 for what is no JSON patch, 413 or 422 for one that cannot be carried out */
export function jsonPatched(target: JsonObject, document: Json): Json {
  const operations = parseJsonPatch(document);
  try {
    const made = applyJsonPatch(target, operations);
    // Copies and moves may nest what no body could.
    checkNesting(made, Number.MAX_SAFE_INTEGER);
    return made;
  } catch (error) {
    if (!(error instanceof JsonPatchError)) throw error;
    throw new ApiError(422, 'Invalid', 'the server rejected our request due to an error in our request', {});
  }
}

function decodePatch(call: Call): Json {
  try {
    return decodeBody(call.body, 'json');
  } catch (error) {
    if (error instanceof ApiError && error.code === 400)
      throw badRequest(
        `error decoding patch: ${error.message.replace(/^couldn't get version\/kind; json parse error: /, '')}`,
      );
    throw error;
  }
}

/** The refusal of a patch that would add unknown fields: it shows the whole patched object. */
function strictPatch(value: Json, problems: readonly string[]): ApiError {
  return invalid({ group: '', kind: '' }, '', [
    fieldError.invalid('patch', JSON.stringify(value), strictError(problems)),
  ]);
}

/** The same object with its keys in order, as Go writes maps. */
function sorted(object: KubeObject): KubeObject {
  const inOrder = (_: string, item: Json) =>
    isObject(item) ? Object.fromEntries(Object.entries(item).sort(([a], [b]) => (a < b ? -1 : 1))) : item;
  return JSON.parse(JSON.stringify(object, inOrder)) as KubeObject;
}

/** The manager that owns everything set before anybody applied, on objects whose managers were not recorded. */
const BEFORE_FIRST_APPLY = 'before-first-apply';

async function apply(call: Call, options: WriteOptions & { force: boolean }): Promise<Answer> {
  const config = decodeConfiguration(call);
  const { managedFields, uid } = config.metadata;
  if (managedFields) throw badRequest('metadata.managedFields must be nil');
  checkName(call, config);
  if (call.resource.namespaced) config.metadata.namespace ||= call.request.namespace;
  const live = liveObject(call);
  if (!live && call.request.subresource) throw notFound(groupResource(call.resource), call.request.name);
  if (!live && uid) {
    const why = `uid mismatch: the provided object specified uid ${uid}, and no existing object was found`;
    throw conflict(groupResource(call.resource), call.request.name, why);
  }
  const merged = merge(call, config, live, options);
  const { object } = asObject(call, merged.object, { keepNulls: true });
  const record = (made: KubeObject) => {
    if (merged.managedFields.length > 0) made.metadata.managedFields = merged.managedFields;
    else delete made.metadata.managedFields;
  };
  if (!live) {
    delete object.metadata.resourceVersion;
    return insert(call, object, options, record);
  }
  return replace(call, object, live, options, record);
}

/** The body as a configuration: only what it says, every field declared. @throws ApiError 400, 500 */
function decodeConfiguration(call: Call): KubeObject {
  const value = decodeYamlPatch(call);
  const { resource, version } = call;
  const apiVersion = apiVersionOf(resource.group, version.name);
  const [givenVersion, givenKind] = [asText(value['apiVersion']), asText(value['kind'])];
  const metadata = isObject(value['metadata']) ? value['metadata'] : {};
  if (givenVersion !== apiVersion || givenKind !== resource.kind) {
    throw badRequest(`invalid object type: ${givenVersion}, Kind=${givenKind}`);
  }
  const problems = undeclared(value, version.fields);
  if (problems.length > 0) {
    const what = `${asText(metadata['namespace'])}/${asText(metadata['name'])}; ${apiVersion}, Kind=${resource.kind}`;
    const list = problems.length === 1 ? problems[0]! : `errors:\n${problems.map((line) => `  ${line}`).join('\n')}`;
    throw new ApiError(500, '', `failed to create typed patch object (${what}): ${list}`);
  }
  return asObject(call, value, { keepNulls: true, withoutDefaults: true }).object;
}

function decodeYamlPatch(call: Call): JsonObject {
  try {
    const value = decodeBody(call.body, 'yaml');
    if (isObject(value)) return value;
    const what = Array.isArray(value) ? 'array' : typeof value;
    const why = `json: cannot unmarshal ${what} into Go value of type map[string]interface {}`;
    throw badRequest(`error unmarshaling JSON: while decoding JSON: ${why}`);
  } catch (error) {
    if (error instanceof ApiError && error.code === 400) throw badRequest(`error decoding YAML: ${error.message}`);
    throw error;
  }
}

function merge(
  call: Call,
  config: KubeObject,
  live: KubeObject | undefined,
  options: WriteOptions & { force: boolean },
): { object: JsonObject; managedFields: NonNullable<KubeObject['metadata']['managedFields']> } {
  const base = live ?? blank(call);
  const change = fieldChange(call, 'Apply', options.fieldManager, live?.metadata.managedFields);
  const known = live && change.managers.size === 0 ? beforeFirstApply(call, live) : change.managers;
  try {
    const result = applyConfiguration(base, config, { ...change, managers: known }, options.force);
    const object = clone(result.object);
    const { resourceVersion } = config.metadata;
    if (resourceVersion) (object['metadata'] as KubeObject['metadata']).resourceVersion = resourceVersion;
    return { object, managedFields: writeManagers(result.managers) };
  } catch (error) {
    if (error instanceof ApplyConflict) throw applyConflict(error.conflicts);
    throw error;
  }
}

function beforeFirstApply(call: Call, live: KubeObject) {
  const change = fieldChange(call, 'Update', BEFORE_FIRST_APPLY, []);
  return recordUpdate(blank(call), live, { ...change, managers: readManagers([]) });
}

function printManager({ manager }: FieldConflict): string {
  const name =
    JSON.stringify(manager.name) +
    (manager.subresource ? ` with subresource ${JSON.stringify(manager.subresource)}` : '');
  return manager.operation === 'Update' ? `${name} using ${manager.apiVersion}` : name;
}

/** 409 in the words that kubectl shows. */
function applyConflict(conflicts: readonly FieldConflict[]): ApiError {
  const causes: Cause[] = conflicts.flatMap((conflict) =>
    conflict.paths.map((field) => ({
      reason: 'FieldManagerConflict',
      message: `conflict with ${printManager(conflict)}`,
      field,
    })),
  );
  const [first] = causes;
  const listed = conflicts
    .toSorted((a, b) => (printManager(a) < printManager(b) ? -1 : 1))
    .map(
      (conflict) =>
        `conflicts with ${printManager(conflict)}:\n${conflict.paths.map((path) => `- ${path}`).join('\n')}`,
    );
  const message =
    causes.length === 1
      ? `Apply failed with 1 conflict: ${first!.message}: ${first!.field}`
      : `Apply failed with ${causes.length} conflicts: ${listed.join('\n')}`;
  return new ApiError(409, 'Conflict', message, { causes });
}
