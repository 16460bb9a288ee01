// x-kubernetes-validations: CEL rules of structural schemas, evaluated on the new value and, where it can be told which one
// it was, the old value (apiextensions/v1 ValidationRule).
import { type Environment as CelEnvironment, Environment, type ParseResult } from '@marcbachmann/cel-js';
import { equal, isObject, type Json } from '../json.ts';
import { type FieldError, fieldError } from '../status.ts';
import { registerKubernetesFunctions } from './cel-functions.ts';
import { Meter } from './cel-meter.ts';
import { CALL_LIMIT, OBJECT_BUDGET } from './cel-prices.ts';
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

/** What a rule is wrapped in to be counted, beside its own nodes. */
const WRAPPED = { maxAstNodes: CEL_OPTIONS.limits.maxAstNodes + 1, maxDepth: CEL_OPTIONS.limits.maxDepth + 1 };
const meter = new Meter();
let environment: CelEnvironment | undefined;

/** One environment for all rules: self and oldSelf are dynamically typed, their numbers typed by the schema. */
function cel(): CelEnvironment {
  environment ??= meter.register(
    registerKubernetesFunctions(
      new Environment({ ...CEL_OPTIONS, limits: { ...CEL_OPTIONS.limits, ...WRAPPED } })
        .registerVariable('self', 'dyn')
        .registerVariable('oldSelf', 'dyn'),
    ),
  );
  return environment;
}

/** A rule that is counted when it runs. It may end with a comment. */
function counted(text: string): ParseResult {
  return cel().parse(`metered(${text}\n)`);
}

/** A rule's syntax tree. @throws Error when it is none */
export function parseRule(text: string): ParseResult['ast'] {
  return cel().parse(text).ast;
}

function compileRule(rule: ValidationRule): CompiledRule {
  return {
    rule,
    evaluate: counted(rule.rule),
    message: rule.messageExpression === undefined ? undefined : counted(rule.messageExpression),
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

/** Findings so far, and what rules may still cost; below 0, no more of them are run. */
interface Progress extends Findings {
  budget: number;
}

/**
 * Evaluates all rules below a value, as long as its budget lasts.
 * @param old undefined on creation: rules over oldSelf are then skipped, unless they say optionalOldSelf
 */
export function validateRules(value: Json | undefined, old: Json | undefined, schema: Schema, path: string): Findings {
  const progress: Progress = { errors: [], tolerated: [], budget: OBJECT_BUDGET };
  visit(value, old, schema, path, progress);
  return progress;
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
  progress: Progress,
  outer = NOT_CONVERTED,
): void {
  if (value === undefined || value === null || progress.budget < 0 || !hasRules(schema)) return;
  const rules = rulesOf(schema);
  let converted = outer;
  if (rules.length > 0) {
    const before = old ?? undefined;
    const oldSelf = before === undefined ? undefined : (outer.oldSelf ?? celValue(before, schema));
    converted = { self: outer.self ?? celValue(value, schema), oldSelf };
    // A value that did not change is not refused for what it was before.
    const into = before !== undefined && equal(value, before) ? progress.tolerated : progress.errors;
    const place: Place = { value, self: converted.self, oldSelf, schema, path, into };
    for (const rule of rules) if (progress.budget >= 0) evaluate(rule, place, progress);
  }
  if (Array.isArray(value)) {
    if (schema.items) visitItems(value, Array.isArray(old) ? old : undefined, schema, path, progress);
  } else if (isObject(value)) {
    for (const key in value) {
      const property = propertySchema(schema, key);
      if (!property || !hasRules(property)) continue;
      const before = isObject(old) && Object.hasOwn(old, key) ? old[key] : undefined;
      const named = schema.properties && Object.hasOwn(schema.properties, key);
      const name = named ? celName(key) : key;
      const inner = { self: memberOf(converted.self, name), oldSelf: memberOf(converted.oldSelf, name) };
      visit(value[key], before, property, named ? child(path, key) : `${path}[${key}]`, progress, inner);
    }
  }
}

function memberOf(value: unknown, name: string): unknown {
  return value === undefined ? undefined : (value as { readonly [name: string]: unknown })[name];
}

/** Items of lists by key have an old self; those of other lists cannot be told apart. */
function visitItems(items: Json[], old: Json[] | undefined, schema: Schema, path: string, progress: Progress): void {
  if (!hasRules(schema.items!)) return;
  const keys = schema['x-kubernetes-list-type'] === 'map' ? (schema['x-kubernetes-list-map-keys'] ?? []) : undefined;
  const before = new Map<string, Json>();
  if (keys) for (const item of old ?? []) before.set(JSON.stringify(listKey(item, keys)), item);
  items.forEach((item, index) => {
    const oldItem = keys ? before.get(JSON.stringify(listKey(item, keys))) : undefined;
    visit(item, oldItem, schema.items!, `${path}[${index}]`, progress);
  });
}

/** A value that rules are run on, and where refusals go. */
interface Place extends Converted {
  readonly value: Json;
  readonly schema: Schema;
  readonly path: string;
  readonly into: FieldError[];
}

const OUT_OF_BUDGET = 'failed due to running out of cost budget, no further validation rules will be run';

function evaluate(compiled: CompiledRule, place: Place, progress: Progress): void {
  const { rule } = compiled;
  const { value, self, oldSelf, schema, path, into } = place;
  if (compiled.usesOldSelf && oldSelf === undefined && !rule.optionalOldSelf) return;
  const context = { self, oldSelf: rule.optionalOldSelf ? optional(oldSelf) : oldSelf };
  const stop = (why: string) => {
    progress.errors.push(fieldError.invalid(path, schema.type ?? '', why));
    progress.budget = -1;
  };
  const named = rule.message?.trim() || rule.rule.trim();
  const limit = Math.min(CALL_LIMIT, progress.budget);
  const result = meter.run(() => compiled.evaluate(context), limit);
  if (result.cost > progress.budget) {
    stop(`validation ${OUT_OF_BUDGET}`);
    return;
  }
  if (result.cost > limit) {
    const why = "'operation cancelled: actual cost limit exceeded'";
    stop(`${why}: no further validation rules will be run due to call cost exceeds limit for rule: ${named}`);
    return;
  }
  progress.budget -= result.cost;
  if (result.error) {
    const [why] = result.error.message.split('\n', 1);
    progress.errors.push(fieldError.invalid(path, schema.type ?? '', `${why} evaluating rule: ${named}`));
    return;
  }
  if (result.value === true) return;
  const message = messageOf(compiled, context, progress.budget);
  if (message.refusal !== undefined) {
    stop(message.refusal);
    return;
  }
  progress.budget -= message.cost;
  const where = rule.fieldPath ? `${path}${path ? rule.fieldPath : rule.fieldPath.replace(/^\./, '')}` : path;
  into.push(refusal(rule, where, value, message.text));
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

/** Characters of a computed message (apiserver's MaxEvaluatedMessageExpressionSizeBytes). */
const MESSAGE_LENGTH = 5 * 1024;

/** messageExpression where it gives a usable line; then message; then the rule itself. */
function messageOf(
  { rule, message }: CompiledRule,
  context: { self: unknown; oldSelf: unknown },
  budget: number,
): { readonly text: string; readonly cost: number; readonly refusal?: string } {
  const text = rule.message ?? `failed rule: ${rule.rule}`;
  if (!message) return { text, cost: 0 };
  const limit = Math.min(CALL_LIMIT, budget);
  const { cost, value } = meter.run(() => message(context), limit);
  if (cost > budget) return { text, cost, refusal: `messageExpression evaluation ${OUT_OF_BUDGET}` };
  if (cost > limit) {
    const why = `call cost exceeds limit for messageExpression: ${JSON.stringify(rule.messageExpression)}`;
    return { text, cost, refusal: `no further validation rules will be run due to ${why}` };
  }
  // One that fails must not hide the refusal.
  const told = typeof value === 'string' ? value.trim() : '';
  return { text: told === '' || told.length > MESSAGE_LENGTH || told.includes('\n') ? text : told, cost };
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
