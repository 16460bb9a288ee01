// Validation of values against structural schemas, in the words of kube-apiserver (kube-openapi's validators, as
// apiextensions turns them into field errors).
import { equal, isObject, type Json, type JsonObject } from '../json.ts';
import { type FieldError, fieldError } from '../status.ts';
import { hasFormat } from './formats.ts';
import { matches } from './patterns.ts';
import { child, propertySchema, type Schema } from './schema.ts';

/** All violations, in the schema's order. `path` is "" for a whole object. */
export function validate(value: Json | undefined, schema: Schema, path: string): FieldError[] {
  const errors: FieldError[] = [];
  check(value ?? null, schema, path, errors);
  return errors;
}

function typeOf(value: Json): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'array';
  if (typeof value === 'number') return Number.isInteger(value) ? 'integer' : 'number';
  return typeof value;
}

function hasType(value: Json, schema: Schema): boolean {
  if (schema['x-kubernetes-int-or-string']) return typeof value === 'string' || Number.isInteger(value);
  if (schema.type === undefined) return true;
  const actual = typeOf(value);
  return actual === schema.type || (schema.type === 'number' && actual === 'integer');
}

/** Some refusals of the real server name their place in the text alone. */
function nowhere(path: string, what: string): FieldError {
  return { ...fieldError.invalid('<nil>', '', what), at: path };
}

const checked = (type: string): string => `Checked value must be of type ${type}`;

/** How messages name the place: the path, or nothing at the root. */
function inBody(path: string): string {
  return path ? `${path} in body` : 'in body';
}

function check(value: Json, schema: Schema, path: string, errors: FieldError[]): void {
  if (value === null && schema.nullable) return;
  if (!hasType(value, schema)) {
    const wanted = schema['x-kubernetes-int-or-string'] ? 'integer,string' : schema.type!;
    const actual = typeOf(value);
    errors.push(
      fieldError.typeInvalid(path, actual, `${inBody(path)} must be of type ${wanted}: ${JSON.stringify(actual)}`),
    );
    if (actual === 'number' && wanted === 'integer')
      errors.push(nowhere(path, `${checked('integer')} (default format) in ${path}`));
    return;
  }
  checkCombinations(value, schema, path, errors);
  if (schema.enum && !schema.enum.some((allowed) => equal(allowed, value))) {
    errors.push(fieldError.notSupported(path, value, schema.enum));
  }
  if (typeof value === 'string') checkString(value, schema, path, errors);
  else if (typeof value === 'number') checkNumber(value, schema, path, errors);
  else if (Array.isArray(value)) checkArray(value, schema, path, errors);
  else if (isObject(value)) checkObject(value, schema, path, errors);
}

function checkString(value: string, schema: Schema, path: string, errors: FieldError[]): void {
  // Kubernetes counts runes, not UTF-16 units.
  const length = schema.minLength === undefined && schema.maxLength === undefined ? 0 : Array.from(value).length;
  if (schema.maxLength !== undefined && length > schema.maxLength) {
    errors.push(fieldError.tooLong(path, `may not be more than ${schema.maxLength} bytes`));
  }
  if (schema.minLength !== undefined && length < schema.minLength) {
    errors.push(fieldError.invalid(path, value, `${inBody(path)} should be at least ${schema.minLength} chars long`));
  }
  if (schema.pattern !== undefined && !matches(schema.pattern, value)) {
    errors.push(fieldError.invalid(path, value, `${inBody(path)} should match '${schema.pattern}'`));
  }
  if (schema.format && !hasFormat(value, schema.format)) {
    errors.push(
      fieldError.typeInvalid(path, value, `${inBody(path)} must be of type ${schema.format}: ${JSON.stringify(value)}`),
    );
  }
}

function checkNumber(value: number, schema: Schema, path: string, errors: FieldError[]): void {
  const refuse = (what: string) => errors.push(fieldError.invalid(path, value, `${inBody(path)} ${what}`));
  const { minimum, maximum, multipleOf } = schema;
  if (multipleOf !== undefined && !Number.isInteger(value / multipleOf))
    refuse(`should be a multiple of ${multipleOf}`);
  if (maximum !== undefined && schema.exclusiveMaximum && value >= maximum) refuse(`should be less than ${maximum}`);
  if (maximum !== undefined && !schema.exclusiveMaximum && value > maximum) {
    refuse(`should be less than or equal to ${maximum}`);
  }
  if (minimum !== undefined && schema.exclusiveMinimum && value <= minimum) refuse(`should be greater than ${minimum}`);
  if (minimum !== undefined && !schema.exclusiveMinimum && value < minimum) {
    refuse(`should be greater than or equal to ${minimum}`);
  }
  if (schema.format === 'int32' && value !== (value | 0)) {
    errors.push(nowhere(path, `${checked('integer')} with format int32 in ${path}`));
  }
}

function checkArray(value: Json[], schema: Schema, path: string, errors: FieldError[]): void {
  const { items } = schema;
  if (items) for (const [index, item] of value.entries()) check(item, items, `${path}[${index}]`, errors);
  if (schema.minItems !== undefined && value.length < schema.minItems) {
    errors.push(
      fieldError.invalid(path, value.length, `${inBody(path)} should have at least ${schema.minItems} items`),
    );
  }
  if (schema.maxItems !== undefined && value.length > schema.maxItems) {
    errors.push(fieldError.tooMany(path, value.length, schema.maxItems));
  }
}

function checkObject(value: JsonObject, schema: Schema, path: string, errors: FieldError[]): void {
  const keys = Object.keys(value).filter((key) => value[key] !== undefined);
  if (schema.minProperties !== undefined && keys.length < schema.minProperties) {
    const what = `should have at least ${schema.minProperties} properties`;
    errors.push(fieldError.invalid(path, keys.length, `${inBody(path)} ${what}`));
  }
  if (schema.maxProperties !== undefined && keys.length > schema.maxProperties) {
    errors.push(fieldError.tooMany(path, keys.length, schema.maxProperties));
  }
  for (const name of schema.required ?? []) {
    if (value[name] === undefined) errors.push({ ...fieldError.required(child(path, name)), at: path });
  }
  for (const key of keys) {
    const property = propertySchema(schema, key);
    if (property) check(value[key]!, property, child(path, key), errors);
  }
}

function checkCombinations(value: Json, schema: Schema, path: string, errors: FieldError[]): void {
  const fits = (option: Schema) => validate(value, option, path).length === 0;
  const refuse = (what: string) => errors.push(nowhere(path, `${JSON.stringify(path)} must ${what}`));
  if (schema.anyOf && !schema.anyOf.some(fits)) {
    refuse('validate at least one schema (anyOf)');
    // As the real one: what the closest alternative misses is told as well.
    for (const option of closest(value, schema.anyOf, path)) errors.push(option);
  }
  if (schema.oneOf) {
    const count = schema.oneOf.filter(fits).length;
    if (count !== 1) {
      const found = count === 0 ? 'Found none valid' : `Found ${count} valid alternatives`;
      refuse(`validate one and only one schema (oneOf). ${found}`);
      if (count === 0) for (const option of closest(value, schema.oneOf, path)) errors.push(option);
    }
  }
  if (schema.allOf) {
    const before = errors.length;
    for (const option of schema.allOf) check(value, option, path, errors);
    if (errors.length > before) refuse('validate all the schemas (allOf)');
  }
  if (schema.not && fits(schema.not)) refuse('not validate the schema (not)');
}

function closest(value: Json, options: readonly Schema[], path: string): FieldError[] {
  const failures = options.map((option) => validate(value, option, path));
  return failures.sort((a, b) => a.length - b.length)[0] ?? [];
}
