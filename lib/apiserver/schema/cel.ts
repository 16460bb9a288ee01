// x-kubernetes-validations: CEL rules of structural schemas, evaluated on the new value and, where it can be told which one
// it was, the old value (apiextensions/v1 ValidationRule).
import { type Environment as CelEnvironment, Environment, type ParseResult } from '@marcbachmann/cel-js';
import { equal, isObject, type Json } from '../json.ts';
import { type FieldError, fieldError } from '../status.ts';
import { registerKubernetesFunctions } from './cel-functions.ts';
import { listKey } from './lists.ts';
import { child, propertySchema, type Schema, type ValidationRule } from './schema.ts';

interface CompiledRule {
  readonly rule: ValidationRule;
  readonly evaluate: ParseResult;
  readonly message: ParseResult | undefined;
  readonly usesOldSelf: boolean;
}

/** What rules may be made of, here and where they are checked. */
export const CEL_OPTIONS = {
  homogeneousAggregateLiterals: false,
  enableOptionalTypes: true,
  limits: { maxAstNodes: 10_000, maxDepth: 100, maxListElements: 1000, maxMapEntries: 1000, maxCallArguments: 16 },
};

let environment: CelEnvironment | undefined;

/** One environment for all rules: self and oldSelf are dynamically typed, their numbers typed by the schema. */
function cel(): CelEnvironment {
  environment ??= registerKubernetesFunctions(
    new Environment(CEL_OPTIONS).registerVariable('self', 'dyn').registerVariable('oldSelf', 'dyn'),
  );
  return environment;
}

/** A rule's syntax tree. @throws Error when it is none */
export function parseRule(text: string): ParseResult['ast'] {
  return cel().parse(text).ast;
}

function compileRule(rule: ValidationRule): CompiledRule {
  return {
    rule,
    evaluate: cel().parse(rule.rule),
    message: rule.messageExpression === undefined ? undefined : cel().parse(rule.messageExpression),
    usesOldSelf: /\boldSelf\b/.test(rule.rule),
  };
}

const compiledRules = new WeakMap<Schema, readonly CompiledRule[]>();
const nodesWithRules = new WeakMap<Schema, boolean>();

function rulesOf(schema: Schema): readonly CompiledRule[] {
  let rules = compiledRules.get(schema);
  if (!rules) {
    rules = (schema['x-kubernetes-validations'] ?? []).map(compileRule);
    compiledRules.set(schema, rules);
  }
  return rules;
}

/** Whether there is any rule at or below the schema. */
export function hasRules(schema: Schema): boolean {
  let known = nodesWithRules.get(schema);
  if (known === undefined) {
    const below = [
      ...Object.values(schema.properties ?? {}),
      ...(schema.items ? [schema.items] : []),
      ...(typeof schema.additionalProperties === 'object' ? [schema.additionalProperties] : []),
    ];
    known = (schema['x-kubernetes-validations'] ?? []).length > 0 || below.some(hasRules);
    nodesWithRules.set(schema, known);
  }
  return known;
}

/** What rules refuse; and what they would have refused had it not been so before. */
export interface Findings {
  readonly errors: FieldError[];
  readonly tolerated: FieldError[];
}

/**
 * Evaluates all rules below a value.
 * @param old undefined on creation: rules over oldSelf are then skipped, unless they say optionalOldSelf
 */
export function validateRules(value: Json | undefined, old: Json | undefined, schema: Schema, path: string): Findings {
  const findings: Findings = { errors: [], tolerated: [] };
  visit(value, old, schema, path, findings);
  return findings;
}

/** A value and its old state as CEL sees them, where an outer rule has had them converted already. */
interface Converted {
  readonly self: unknown;
  readonly oldSelf: unknown;
}

const NOT_CONVERTED: Converted = { self: undefined, oldSelf: undefined };

function visit(
  value: Json | undefined,
  old: Json | undefined,
  schema: Schema,
  path: string,
  findings: Findings,
  outer = NOT_CONVERTED,
): void {
  if (value === undefined || value === null || !hasRules(schema)) return;
  const rules = rulesOf(schema);
  let converted = outer;
  if (rules.length > 0) {
    const before = old ?? undefined;
    const oldSelf = before === undefined ? undefined : (outer.oldSelf ?? celValue(before, schema));
    converted = { self: outer.self ?? celValue(value, schema), oldSelf };
    // A value that did not change is not refused for what it was before.
    const into = before !== undefined && equal(value, before) ? findings.tolerated : findings.errors;
    for (const rule of rules) evaluate(rule, value, converted.self, oldSelf, schema, path, into);
  }
  if (Array.isArray(value)) {
    if (schema.items) visitItems(value, Array.isArray(old) ? old : undefined, schema, path, findings);
  } else if (isObject(value)) {
    for (const key in value) {
      const property = propertySchema(schema, key);
      if (!property || !hasRules(property)) continue;
      const before = isObject(old) && Object.hasOwn(old, key) ? old[key] : undefined;
      const named = schema.properties && Object.hasOwn(schema.properties, key);
      const name = named ? celName(key) : key;
      const inner = { self: memberOf(converted.self, name), oldSelf: memberOf(converted.oldSelf, name) };
      visit(value[key], before, property, named ? child(path, key) : `${path}[${key}]`, findings, inner);
    }
  }
}

function memberOf(value: unknown, name: string): unknown {
  return value === undefined ? undefined : (value as { readonly [name: string]: unknown })[name];
}

/** Items of lists by key have an old self; those of other lists cannot be told apart. */
function visitItems(items: Json[], old: Json[] | undefined, schema: Schema, path: string, findings: Findings): void {
  if (!hasRules(schema.items!)) return;
  const keys = schema['x-kubernetes-list-type'] === 'map' ? (schema['x-kubernetes-list-map-keys'] ?? []) : undefined;
  const before = new Map<string, Json>();
  if (keys) for (const item of old ?? []) before.set(JSON.stringify(listKey(item, keys)), item);
  items.forEach((item, index) => {
    const oldItem = keys ? before.get(JSON.stringify(listKey(item, keys))) : undefined;
    visit(item, oldItem, schema.items!, `${path}[${index}]`, findings);
  });
}

function evaluate(
  compiled: CompiledRule,
  value: Json,
  self: unknown,
  oldSelf: unknown,
  schema: Schema,
  path: string,
  errors: FieldError[],
): void {
  const { rule } = compiled;
  if (compiled.usesOldSelf && oldSelf === undefined && !rule.optionalOldSelf) return;
  const context = { self, oldSelf: rule.optionalOldSelf ? optional(oldSelf) : oldSelf };
  const where = rule.fieldPath ? `${path}${path ? rule.fieldPath : rule.fieldPath.replace(/^\./, '')}` : path;
  try {
    if (compiled.evaluate(context) === true) return;
  } catch (error) {
    const why = `rule evaluation error: ${(error as Error).message.split('\n', 1)[0]}: ${rule.rule}`;
    errors.push(fieldError.invalid(where, schema.type ?? '', why));
    return;
  }
  errors.push(refusal(rule, where, value, messageOf(compiled, context)));
}

/** Of a value that is no scalar, a refusal by rule shows nothing. */
function refusal(rule: ValidationRule, where: string, value: Json, message: string): FieldError {
  const scalar = typeof value !== 'object';
  switch (rule.reason) {
    case 'FieldValueForbidden':
      return fieldError.forbidden(where, message);
    case 'FieldValueRequired':
      return fieldError.required(where, message);
    case 'FieldValueDuplicate':
      return scalar
        ? fieldError.duplicate(where, value)
        : { field: where, type: 'FieldValueDuplicate', detail: 'Duplicate value' };
    default:
      return scalar
        ? fieldError.invalid(where, value, message)
        : { field: where, type: 'FieldValueInvalid', detail: `Invalid value: ${message}` };
  }
}

/** messageExpression where it gives a usable line; then message; then the rule itself. */
function messageOf(compiled: CompiledRule, context: { self: unknown; oldSelf: unknown }): string {
  const fallback = compiled.rule.message ?? `failed rule: ${compiled.rule.rule}`;
  if (!compiled.message) return fallback;
  try {
    const text: unknown = compiled.message(context);
    return typeof text === 'string' && text.trim() !== '' && !text.includes('\n') ? text : fallback;
  } catch {
    // A messageExpression that fails must not hide the refusal: the API falls back to the fixed message.
    return fallback;
  }
}

function optional(value: unknown): unknown {
  const make = cel().parse(value === undefined ? 'optional.none()' : 'optional.of(self)');
  return make({ self: value, oldSelf: undefined });
}

const ESCAPED = new Set(
  'true false null in as break const continue else for function if import let loop package namespace return var void while'.split(
    ' ',
  ),
);

const celNames = new Map<string, string>();
const NAMES_KEPT = 10_000;

/** How a property is written in CEL when its name is no identifier (apiextensions: "self.__namespace__", "x__dash__y"). */
export function celName(name: string): string {
  let found = celNames.get(name);
  if (found === undefined) {
    found = ESCAPED.has(name)
      ? `__${name}__`
      : name
          .replaceAll('__', '__underscores__')
          .replaceAll('.', '__dot__')
          .replaceAll('-', '__dash__')
          .replaceAll('/', '__slash__');
    if (celNames.size >= NAMES_KEPT) celNames.clear();
    celNames.set(name, found);
  }
  return found;
}

let durationOf: ParseResult | undefined;

function toDuration(text: string): unknown {
  durationOf ??= cel().parse('duration(self)');
  return durationOf({ self: text });
}

/** JSON as CEL sees it: integers are ints, other numbers doubles, as the schema says. */
function celValue(value: Json | undefined, schema: Schema | undefined): unknown {
  if (typeof value === 'number') {
    const whole = schema?.type === 'number' ? false : Number.isInteger(value);
    return whole ? BigInt(value) : value;
  }
  if (typeof value === 'string' && schema?.format === 'date-time') return new Date(value);
  if (typeof value === 'string' && schema?.format === 'duration') return toDuration(value);
  if (Array.isArray(value)) return value.map((item) => celValue(item, schema?.items));
  if (!isObject(value)) return value;
  const object: { [key: string]: unknown } = Object.create(null) as { [key: string]: unknown };
  for (const key in value) {
    const named = schema?.properties && Object.hasOwn(schema.properties, key);
    object[named ? celName(key) : key] = celValue(value[key], schema && propertySchema(schema, key));
  }
  return object;
}
