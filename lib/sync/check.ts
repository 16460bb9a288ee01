// Whether a whole folder may be applied: every object against the schema of its kind, and all of them against each other.
import { Ajv, type ErrorObject, type ValidateFunction } from 'ajv';
import type { Device } from '../api/generated.ts';
import { type Kind, kindId, nameOf, type Schema } from './kinds.ts';
import { isRecord, type Manifest, type Problem } from './manifest.ts';

/** Extensions of JSON Schema that CRDs may use. What they mean beyond the shape, CEL rules above all, the server checks. */
const EXTENSIONS = [
  'x-kubernetes-int-or-string',
  'x-kubernetes-preserve-unknown-fields',
  'x-kubernetes-embedded-resource',
  'x-kubernetes-list-type',
  'x-kubernetes-list-map-keys',
  'x-kubernetes-map-type',
  'x-kubernetes-validations',
  'example',
  'externalDocs',
];
/** Formats that the server checks. */
const FORMATS = ['int32', 'int64', 'float', 'double', 'byte', 'date', 'date-time', 'duration', 'password', 'uri'];

const TEXTS: Schema = { type: 'object', additionalProperties: { type: 'string' } };
/** What people write of metav1.ObjectMeta. */
const METADATA: Schema = {
  type: 'object',
  required: ['name'],
  additionalProperties: false,
  properties: {
    name: { type: 'string', maxLength: 253, pattern: '^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$' },
    namespace: { type: 'string', maxLength: 63, pattern: '^[a-z0-9]([-a-z0-9]*[a-z0-9])?$' },
    labels: TEXTS,
    annotations: TEXTS,
    finalizers: { type: 'array', items: { type: 'string' } },
  },
};
/** Gives what is wrong with these objects; nothing: they may be applied. */
export type Check = (manifests: readonly Manifest[]) => Problem[];

export function createCheck(kinds: ReadonlyMap<string, Kind>): Check {
  const ajv = new Ajv({ allErrors: true, verbose: true, strict: true, strictTypes: false, strictRequired: false });
  for (const extension of EXTENSIONS) ajv.addKeyword(extension);
  for (const format of FORMATS) ajv.addFormat(format, true);
  const compiled = new Map<Kind, ValidateFunction>();

  function validatorOf(kind: Kind): ValidateFunction {
    const validate = compiled.get(kind) ?? ajv.compile(closedRoot(kind.schema));
    compiled.set(kind, validate);
    return validate;
  }

  function problemsOf({ object, place, lineOf }: Manifest): Problem[] {
    const told = nameOf(object);
    const kind = kinds.get(kindId(object));
    if (!kind) {
      const message = `${object.apiVersion} ${object.kind} is no kind that is synced: ${[...kinds.keys()].join(', ')}`;
      return [{ ...place, object: told, message }];
    }
    const validate = validatorOf(kind);
    const errors = validate(object) ? [] : telling(validate.errors ?? []);
    const problems = errors.map((error): Problem => {
      const { pointer, message } = worded(error, object.kind);
      return { file: place.file, line: lineOf(pointer), object: told, field: fieldOf(pointer), message };
    });
    if (!kind.resource.namespaced && object.metadata.namespace !== undefined)
      problems.push({
        ...place,
        object: told,
        field: 'metadata.namespace',
        message: `${object.kind} has no namespace`,
      });
    if (object.kind === 'Device' && (object as Device).spec?.claimRef !== undefined) {
      const line = lineOf('/spec/claimRef');
      problems.push({
        file: place.file,
        line,
        object: told,
        field: 'spec.claimRef',
        message: "is the scheduler's to write",
      });
    }
    return problems;
  }

  return (manifests) => [...manifests.flatMap(problemsOf), ...duplicates(manifests)];
}

function duplicates(manifests: readonly Manifest[]): Problem[] {
  const first = new Map<string, Manifest>();
  const problems: Problem[] = [];
  for (const manifest of manifests) {
    const { object, place } = manifest;
    const id = `${kindId(object)} ${nameOf(object)}`;
    const other = first.get(id)?.place;
    if (other)
      problems.push({ ...place, object: nameOf(object), message: `stands in ${other.file}:${other.line} too` });
    else first.set(id, manifest);
  }
  return problems;
}

// Schemas

/** The schema of a whole object: what people write, which is all but the status, and nothing that the server would drop. */
function closedRoot(schema: Schema): Schema {
  const { status: _, ...properties } = (schema.properties ?? {}) as Record<string, Schema>;
  const closed = Object.fromEntries(Object.entries(properties).map(([name, part]) => [name, close(part)]));
  const all = { ...closed, apiVersion: { type: 'string' }, kind: { type: 'string' }, metadata: METADATA };
  return { ...schema, properties: all, additionalProperties: false };
}

/** A structural schema says which fields there are: any other would be dropped without a word, and is an error here. */
function close(schema: Schema): Schema {
  const closed: Record<string, unknown> = { ...schema };
  // The server fills in defaults; they are not part of what is checked.
  delete closed.default;
  if (isRecord(schema.properties)) {
    closed.properties = Object.fromEntries(
      Object.entries(schema.properties).map(([name, part]) => [name, close(part as Schema)]),
    );
    if (schema.additionalProperties === undefined && !schema['x-kubernetes-preserve-unknown-fields'])
      closed.additionalProperties = false;
  }
  if (isRecord(schema.items)) closed.items = close(schema.items);
  if (isRecord(schema.additionalProperties)) closed.additionalProperties = close(schema.additionalProperties);
  // OpenAPI 3.0's word for "or null".
  delete closed.nullable;
  if (schema.nullable && typeof schema.type === 'string') closed.type = [schema.type, 'null'];
  return closed;
}

// Errors

/** Without those that only follow from another one: that a branch of it failed, or what the wrong type cannot be either. */
function telling(errors: readonly ErrorObject[]): ErrorObject[] {
  const branches = errors.filter(({ keyword }) => keyword === 'anyOf' || keyword === 'oneOf').map((e) => e.schemaPath);
  const mistyped = new Set(errors.filter(({ keyword }) => keyword === 'type').map((error) => error.instancePath));
  return errors.filter(
    ({ schemaPath, keyword, instancePath }) =>
      !branches.some((branch) => schemaPath.startsWith(`${branch}/`)) &&
      (keyword === 'type' || !mistyped.has(instancePath)),
  );
}

/** What was expected, and what was there instead. */
function worded(error: ErrorObject, kind: string): { pointer: string; message: string } {
  const { instancePath: pointer, keyword, params, message, data } = error;
  const below = (name: unknown) => `${pointer}/${String(name).replaceAll('~', '~0').replaceAll('/', '~1')}`;
  const was = shown(data, kind, pointer);
  switch (keyword) {
    case 'additionalProperties':
      return { pointer: below(params.additionalProperty), message: 'is no field of this kind' };
    case 'required':
      return { pointer: below(params.missingProperty), message: 'is missing' };
    case 'enum':
      return { pointer, message: `expected one of ${(params.allowedValues as unknown[]).join(', ')}, was ${was}` };
    case 'anyOf':
      return { pointer, message: `expected a number or a string, was ${was}` };
    case 'type':
      return { pointer, message: `expected ${String(params.type)}, was ${was}${hint(params.type, data)}` };
    case 'pattern':
      return { pointer, message: `expected what matches ${String(params.pattern)}, was ${was}` };
    default:
      return { pointer, message: `${message ?? `breaks the rule ${keyword}`}, was ${was}` };
  }
}

/** YAML 1.1 has many words for true and false, and many ways to write a number. */
const hint = (type: unknown, data: unknown): string =>
  type === 'string' && (typeof data === 'boolean' || typeof data === 'number') ? ': in YAML, put it in quotes' : '';

const LONGEST_SHOWN = 60;

/** The value, where nobody could have meant it to stay secret; else what kind of value it is. */
function shown(data: unknown, kind: string, pointer: string): string {
  const type = Array.isArray(data)
    ? 'a list'
    : data === null
      ? 'null'
      : typeof data === 'object'
        ? 'an object'
        : `a ${typeof data}`;
  if (kind === 'Secret' || /password|secret|token|credential|key|userdata|annotations/i.test(pointer)) return type;
  if (typeof data === 'number' || typeof data === 'boolean') return String(data);
  // A URL may hold a password.
  if (typeof data !== 'string' || data.length > LONGEST_SHOWN || data.includes('@')) return type;
  return JSON.stringify(data);
}

/** `/spec/disks/0/name` (RFC 6901) as people write it: `spec.disks[0].name`. */
function fieldOf(pointer: string): string {
  return pointer
    .split('/')
    .slice(1)
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'))
    .reduce((path, part) => (/^\d+$/.test(part) ? `${path}[${part}]` : path ? `${path}.${part}` : part), '');
}
