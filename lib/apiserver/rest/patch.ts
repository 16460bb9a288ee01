// patch: JSON patch, merge patch, strategic merge patch on built-in kinds, and server-side apply.
import {
  ApplyConflict,
  applyConfiguration,
  type FieldConflict,
  readManagers,
  recordUpdate,
  writeManagers,
} from '../apply/managers.ts';
import { DuplicateItemError } from '../apply/typed.ts';
import { decodeBody } from '../http/body.ts';
import { mediaType } from '../http/media.ts';
import { asText, clone, isObject, type Json, type JsonObject, type KubeObject } from '../json.ts';
import { applyJsonPatch, JsonPatchError, parseJsonPatch } from '../patch/json-patch.ts';
import { mergePatch } from '../patch/merge-patch.ts';
import { strategicMergePatch } from '../patch/strategic.ts';
import { apiVersionOf, groupResource } from '../resources/resource.ts';
import { ApiError, badRequest, type Cause, fieldError, invalid, notFound, unsupportedMediaType } from '../status.ts';
import { fieldChange, recordFields } from './admit.ts';
import type { Answer, Call } from './call.ts';
import { asObject, report, strictError } from './decode.ts';
import { patchOptions, type WriteOptions } from './options.ts';
import { insert, liveObject, nameMismatch, replace } from './write.ts';

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
  if (object.metadata.name !== call.request.name) {
    throw nameMismatch(object.metadata.name ?? '', call.request.name);
  }
  return replace(call, object, live, options, (made) => recordFields(call, made, live, options.fieldManager));
}

function patched(call: Call, live: KubeObject, type: string): Json {
  const document = decodeBody(call.body, 'json');
  if (type === JSON_PATCH) {
    try {
      return applyJsonPatch(live, parseJsonPatch(document));
    } catch (error) {
      if (!(error instanceof JsonPatchError)) throw error;
      throw new ApiError(422, 'Invalid', 'the server rejected our request due to an error in our request', {});
    }
  }
  if (!isObject(document)) throw badRequest('a merge patch is an object');
  return clone(
    type === MERGE_PATCH ? mergePatch(live, document) : strategicMergePatch(live, document, call.version.schema),
  );
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

/** An applied configuration may name declared fields only, whatever the field validation. */
function undeclared(call: Call, value: Json, problems: readonly string[]): ApiError {
  const metadata = isObject(value) && isObject(value['metadata']) ? value['metadata'] : {};
  const what = `${asText(metadata['namespace'])}/${asText(metadata['name'])}; ${apiVersionOf(call.resource.group, call.version.name)}, Kind=${call.resource.kind}`;
  const fields = problems.map(
    (problem) => `.${problem.replace(/^unknown field "(.*)"$/, '$1')}: field not declared in schema`,
  );
  const list = fields.length === 1 ? fields[0]! : `errors:\n${fields.map((field) => `  ${field}`).join('\n')}`;
  return new ApiError(500, '', `failed to create typed patch object (${what}): ${list}`);
}

/** The manager that owns everything set before anybody applied, on objects whose managers were not recorded. */
const BEFORE_FIRST_APPLY = 'before-first-apply';

async function apply(call: Call, options: WriteOptions & { force: boolean }): Promise<Answer> {
  const value = decodeBody(call.body, 'yaml');
  const { object: config, problems } = asObject(withoutDefaults(call), value);
  if (problems.length > 0) throw undeclared(call, value, problems);
  const { name, managedFields } = config.metadata;
  if (managedFields) throw badRequest('metadata.managedFields must be nil');
  if (!name) config.metadata.name = call.request.name;
  else if (name !== call.request.name) throw nameMismatch(name, call.request.name);
  if (call.resource.namespaced) config.metadata.namespace ||= call.request.namespace;
  const live = liveObject(call);
  if (!live && call.request.subresource) throw notFound(groupResource(call.resource), call.request.name);
  const merged = merge(call, config, live, options);
  const { object } = asObject(call, merged.object);
  const record = (made: KubeObject) => {
    made.metadata.managedFields = merged.managedFields;
  };
  if (!live) {
    delete object.metadata.resourceVersion;
    return insert(call, object, options, record);
  }
  return replace(call, object, live, options, record);
}

/** An applied configuration owns only what it says: defaults are added after merging. */
function withoutDefaults(call: Call): Call {
  return { ...call, version: { ...call.version, schema: stripDefaults(call.version.schema) } };
}

const stripped = new WeakMap<object, Call['version']['schema']>();

function stripDefaults(schema: Call['version']['schema']): Call['version']['schema'] {
  let found = stripped.get(schema);
  if (!found) {
    const { default: _, ...rest } = schema;
    found = { ...rest };
    if (schema.properties) {
      found.properties = Object.fromEntries(
        Object.entries(schema.properties).map(([name, property]) => [name, stripDefaults(property)]),
      );
    }
    if (schema.items) found.items = stripDefaults(schema.items);
    if (typeof schema.additionalProperties === 'object') {
      found.additionalProperties = stripDefaults(schema.additionalProperties);
    }
    stripped.set(schema, found);
  }
  return found;
}

function merge(
  call: Call,
  config: KubeObject,
  live: KubeObject | undefined,
  options: WriteOptions & { force: boolean },
): { object: JsonObject; managedFields: NonNullable<KubeObject['metadata']['managedFields']> } {
  const base: KubeObject = live ?? { apiVersion: config.apiVersion, kind: config.kind, metadata: {} };
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
    if (error instanceof DuplicateItemError)
      throw new ApiError(500, '', `failed to create typed patch object: ${error.message}`);
    throw error;
  }
}

function beforeFirstApply(call: Call, live: KubeObject) {
  const empty: KubeObject = { apiVersion: live.apiVersion, kind: live.kind, metadata: {} };
  const change = fieldChange(call, 'Update', BEFORE_FIRST_APPLY, []);
  return recordUpdate(empty, live, { ...change, managers: readManagers([]) });
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
