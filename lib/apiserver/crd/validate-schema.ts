// Whether a schema is structural, and everything in it can be carried out (apiextensions schema/validation.go).
import { isObject } from '../json.ts';
import { checkRule } from '../schema/cel-check.ts';
import { excess, ruleCost, timesBelow } from '../schema/cel-cost.ts';
import { RULE_BUDGET, SCHEMA_BUDGET } from '../schema/cel-prices.ts';
import { compilePattern } from '../schema/patterns.ts';
import { child, type Schema } from '../schema/schema.ts';
import { validate } from '../schema/validate.ts';
import { type FieldError, fieldError } from '../status.ts';

const TYPES = ['array', 'boolean', 'integer', 'number', 'object', 'string'];
const REASONS = ['FieldValueDuplicate', 'FieldValueForbidden', 'FieldValueInvalid', 'FieldValueRequired'];

export function validateRootSchema(schema: Schema, path: string): FieldError[] {
  if (schema.type === undefined) return [fieldError.required(`${path}.type`, 'must not be empty at the root')];
  if (schema.type !== 'object') return [fieldError.invalid(`${path}.type`, schema.type, 'must be object at the root')];
  const errors: FieldError[] = [];
  validateSchema(schema, path, errors);
  return [...errors, ...validateCosts(schema, path)];
}

/** A rule that may come into force, and what it can cost at worst. */
interface RuleCost {
  readonly path: string;
  readonly cost: number;
}

/** How many rules are blamed when all together cost too much. */
const MOST_BLAMED = 4;

function validateCosts(schema: Schema, path: string): FieldError[] {
  const costs: RuleCost[] = [];
  collectCosts(schema, path, 1, costs);
  const errors = costs.flatMap(({ path: rule, cost }) => {
    const why = excess(cost, RULE_BUDGET);
    return why ? [fieldError.forbidden(rule, `estimated rule cost ${why}`)] : [];
  });
  const all = excess(
    costs.reduce((sum, { cost }) => sum + cost, 0),
    SCHEMA_BUDGET,
  );
  if (!all) return errors;
  const blamed = costs.toSorted((a, b) => b.cost - a.cost).slice(0, MOST_BLAMED);
  const share = 'contributed to estimated rule cost total exceeding cost limit for entire OpenAPIv3 schema';
  return [
    ...errors,
    ...blamed.map((rule) => fieldError.forbidden(rule.path, share)),
    fieldError.forbidden(path, `x-kubernetes-validations estimated rule cost total for entire OpenAPIv3 schema ${all}`),
  ];
}

/** @param times how many values of the schema an object can have */
function collectCosts(schema: Schema, path: string, times: number, costs: RuleCost[]): void {
  (schema['x-kubernetes-validations'] ?? []).forEach(({ rule, optionalOldSelf }, index) => {
    // What is no rule has been told already, and costs nothing.
    if (!rule?.trim() || checkRule(rule, schema, optionalOldSelf === true, 'bool')) return;
    const at = `${path}.x-kubernetes-validations[${index}].rule`;
    costs.push({ path: at, cost: ruleCost(rule, schema, times) });
  });
  for (const [name, property] of Object.entries(schema.properties ?? {})) {
    collectCosts(property, `${path}.properties[${name}]`, times, costs);
  }
  const inner = timesBelow(schema, times);
  if (schema.items) collectCosts(schema.items, child(path, 'items'), inner, costs);
  if (typeof schema.additionalProperties === 'object') {
    collectCosts(schema.additionalProperties, child(path, 'additionalProperties'), inner, costs);
  }
}

function validateSchema(schema: Schema, path: string, errors: FieldError[]): void {
  errors.push(
    ...validateType(schema, path),
    ...validatePattern(schema, path),
    ...validateRules(schema, path),
    ...validateListType(schema, path),
    ...validateDefault(schema, path),
  );
  for (const [name, property] of Object.entries(schema.properties ?? {})) {
    validateSchema(property, `${path}.properties[${name}]`, errors);
  }
  if (schema.items) validateSchema(schema.items, child(path, 'items'), errors);
  if (typeof schema.additionalProperties === 'object') {
    validateSchema(schema.additionalProperties, child(path, 'additionalProperties'), errors);
  }
}

function validateType(schema: Schema, path: string): FieldError[] {
  const errors: FieldError[] = [];
  const free = schema['x-kubernetes-preserve-unknown-fields'] || schema['x-kubernetes-int-or-string'];
  if (schema.type === undefined && !free) {
    errors.push(fieldError.required(`${path}.type`, 'must not be empty for specified object fields'));
  } else if (schema.type !== undefined && !TYPES.includes(schema.type)) {
    errors.push(fieldError.notSupported(`${path}.type`, schema.type, TYPES));
  }
  if (schema.type === 'array' && !schema.items) errors.push(fieldError.required(`${path}.items`, 'must be specified'));
  if (schema.properties && schema.additionalProperties !== undefined) {
    const why = 'additionalProperties and properties are mutual exclusive';
    errors.push(fieldError.forbidden(`${path}.additionalProperties`, why));
  }
  if (schema.uniqueItems) {
    const why = 'uniqueItems cannot be set to true since the runtime complexity becomes quadratic';
    errors.push(fieldError.forbidden(`${path}.uniqueItems`, why));
  }
  return errors;
}

function validatePattern({ pattern }: Schema, path: string): FieldError[] {
  if (pattern === undefined) return [];
  try {
    compilePattern(pattern);
    return [];
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    const why = `must be a valid regular expression, but isn't: error parsing regexp: ${error.message}`;
    return [fieldError.invalid(`${path}.pattern`, pattern, why)];
  }
}

function validateRules(schema: Schema, path: string): FieldError[] {
  return (schema['x-kubernetes-validations'] ?? []).flatMap((rule, index) => {
    const at = `${path}.x-kubernetes-validations[${index}]`;
    if (!rule.rule?.trim()) return [fieldError.required(`${at}.rule`, 'rule is not specified')];
    const errors: FieldError[] = [];
    const optional = rule.optionalOldSelf === true;
    const problem = checkRule(rule.rule, schema, optional, 'bool');
    if (problem) errors.push(fieldError.invalid(`${at}.rule`, rule.rule, problem));
    const message = rule.messageExpression && checkRule(rule.messageExpression, schema, optional, 'string');
    if (message) errors.push(fieldError.invalid(`${at}.messageExpression`, rule.messageExpression, message));
    if (rule.reason !== undefined && !REASONS.includes(rule.reason)) {
      errors.push(fieldError.notSupported(`${at}.reason`, rule.reason, REASONS));
    }
    return errors;
  });
}

function validateListType(schema: Schema, path: string): FieldError[] {
  const listType = schema['x-kubernetes-list-type'];
  if (listType === undefined) return [];
  if (schema.type !== 'array') {
    const why = 'must be array if x-kubernetes-list-type is specified';
    return [fieldError.invalid(`${path}.type`, schema.type ?? '', why)];
  }
  const at = `${path}.x-kubernetes-list-map-keys`;
  if (!['atomic', 'set', 'map'].includes(listType)) {
    return [fieldError.notSupported(`${path}.x-kubernetes-list-type`, listType, ['atomic', 'set', 'map'])];
  }
  if (listType !== 'map') return [];
  const keys = schema['x-kubernetes-list-map-keys'] ?? [];
  if (keys.length === 0) return [fieldError.required(at, 'must not be empty if x-kubernetes-list-type is map')];
  const properties = schema.items?.properties ?? {};
  if (keys.some((key) => !properties[key])) {
    return [fieldError.invalid(at, [...keys], 'entries must all be names of item properties')];
  }
  const why = 'this property is in x-kubernetes-list-map-keys, so it must have a default or be a required property';
  return keys
    .filter((key) => properties[key]?.default === undefined && !schema.items?.required?.includes(key))
    .map((key) => fieldError.required(`${path}.items.properties[${key}].default`, why));
}

function validateDefault(schema: Schema, path: string): FieldError[] {
  if (schema.default === undefined) return [];
  const at = `${path}.default`;
  return validate(schema.default, schema, '').map((error) => ({
    ...error,
    field: error.field === '' ? at : `${at}.${error.field}`,
    detail: isObject(schema.default) ? error.detail : error.detail.replace(': in body', ':  in body'),
  }));
}
