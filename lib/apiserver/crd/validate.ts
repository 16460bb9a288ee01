// Validation of CustomResourceDefinitions: names, versions, and that schemas are structural (apiextensions validation.go).
import { asText, isObject, type Json, type JsonObject, type KubeObject } from '../json.ts';
import { dnsLabel, dnsSubdomain } from '../resources/names.ts';
import { compileRule } from '../schema/cel.ts';
import { compilePattern } from '../schema/patterns.ts';
import { child, type Schema } from '../schema/schema.ts';
import { validate } from '../schema/validate.ts';
import { type FieldError, fieldError } from '../status.ts';
import { compileJsonPath } from '../table/jsonpath.ts';

const TYPES = ['array', 'boolean', 'integer', 'number', 'object', 'string'];

export function validateDefinition(definition: KubeObject, old: KubeObject | undefined): FieldError[] {
  const spec = isObject(definition['spec']) ? definition['spec'] : {};
  const names = isObject(spec['names']) ? spec['names'] : {};
  const errors: FieldError[] = [];
  const expected = `${asText(names['plural'])}.${asText(spec['group'])}`;
  if (definition.metadata.name !== expected) {
    errors.push(
      fieldError.invalid('metadata.name', definition.metadata.name ?? '', 'must be spec.names.plural+"."+spec.group'),
    );
  }
  const group = asText(spec['group']);
  if (!group) errors.push(fieldError.required('spec.group'));
  else if (dnsSubdomain(group).length > 0)
    errors.push(fieldError.invalid('spec.group', group, dnsSubdomain(group).join(',')));
  else if (!group.includes('.')) {
    errors.push(fieldError.invalid('spec.group', group, 'should be a domain with at least one dot'));
  }
  if (spec['scope'] !== 'Cluster' && spec['scope'] !== 'Namespaced') {
    errors.push(
      spec['scope']
        ? fieldError.notSupported('spec.scope', spec['scope'], ['Cluster', 'Namespaced'])
        : fieldError.required('spec.scope'),
    );
  }
  errors.push(...validateNames(names), ...validateVersions(spec));
  const conversion = isObject(spec['conversion']) ? spec['conversion']['strategy'] : undefined;
  if (conversion !== 'None') errors.push(fieldError.notSupported('spec.conversion.strategy', conversion, ['None']));
  if (old) errors.push(...validateChange(definition, spec, old));
  return errors;
}

function validateNames(names: JsonObject): FieldError[] {
  const errors: FieldError[] = [];
  for (const field of ['plural', 'singular', 'kind', 'listKind']) {
    const value = asText(names[field]);
    if (!value) errors.push(fieldError.required(`spec.names.${field}`));
    else {
      const lower = field === 'kind' || field === 'listKind' ? value.toLowerCase() : value;
      for (const problem of dnsLabel(lower)) errors.push(fieldError.invalid(`spec.names.${field}`, value, problem));
    }
  }
  if (names['kind'] && names['kind'] === names['listKind']) {
    errors.push(fieldError.invalid('spec.names.listKind', names['listKind'], 'kind and listKind may not be the same'));
  }
  return errors;
}

function validateVersions(spec: JsonObject): FieldError[] {
  const versions = Array.isArray(spec['versions']) ? spec['versions'].filter(isObject) : [];
  const errors: FieldError[] = [];
  const seen = new Set<Json | undefined>();
  versions.forEach((version, index) => {
    const path = `spec.versions[${index}]`;
    const name = asText(version['name']);
    for (const problem of dnsLabel(name)) errors.push(fieldError.invalid(`${path}.name`, name, problem));
    if (seen.has(name)) errors.push(fieldError.duplicate(`${path}.name`, name));
    seen.add(name);
    const schema = isObject(version['schema']) ? version['schema']['openAPIV3Schema'] : undefined;
    if (!isObject(schema)) errors.push(fieldError.required(`${path}.schema.openAPIV3Schema`, 'schemas are required'));
    else errors.push(...validateRootSchema(schema as Schema, `${path}.schema.openAPIV3Schema`));
    errors.push(...validateColumns(version, path));
  });
  if (versions.filter((version) => version['storage'] === true).length !== 1) {
    errors.push(
      fieldError.invalid('spec.versions', versions, 'must have exactly one version marked as storage version'),
    );
  }
  return errors;
}

function validateColumns(version: JsonObject, path: string): FieldError[] {
  const columns = Array.isArray(version['additionalPrinterColumns']) ? version['additionalPrinterColumns'] : [];
  const known = ['integer', 'number', 'string', 'boolean', 'date'];
  return columns.flatMap((column, index) => {
    if (!isObject(column)) return [];
    const at = `${path}.additionalPrinterColumns[${index}]`;
    const errors: FieldError[] = [];
    if (!column['name']) errors.push(fieldError.required(`${at}.name`));
    if (!column['type']) errors.push(fieldError.required(`${at}.type`, `must be one of ${known.join(',')}`));
    else if (!known.includes(asText(column['type']))) {
      errors.push(fieldError.invalid(`${at}.type`, column['type'], `must be one of ${known.join(',')}`));
    }
    if (!column['jsonPath']) errors.push(fieldError.required(`${at}.JSONPath`));
    else
      errors.push(...refusal(() => compileJsonPath(asText(column['jsonPath'])), `${at}.JSONPath`, column['jsonPath']));
    return errors;
  });
}

/** The error that running something gives, as a field error. */
function refusal(run: () => unknown, path: string, value: Json | undefined): FieldError[] {
  try {
    run();
    return [];
  } catch (error) {
    return [fieldError.invalid(path, value, (error as Error).message.split('\n', 1)[0]!)];
  }
}

function validateRootSchema(schema: Schema, path: string): FieldError[] {
  const errors: FieldError[] = [];
  if (schema.type !== 'object') {
    errors.push(
      schema.type
        ? fieldError.invalid(`${path}.type`, schema.type, 'must be object at the root')
        : fieldError.required(`${path}.type`, 'must not be empty at the root'),
    );
    return errors;
  }
  validateSchema(schema, path, errors);
  return errors;
}

function validateSchema(schema: Schema, path: string, errors: FieldError[]): void {
  const free = schema['x-kubernetes-preserve-unknown-fields'] || schema['x-kubernetes-int-or-string'];
  if (schema.type === undefined && !free) {
    errors.push(fieldError.required(`${path}.type`, 'must not be empty for specified object fields'));
  } else if (schema.type !== undefined && !TYPES.includes(schema.type)) {
    errors.push(fieldError.notSupported(`${path}.type`, schema.type, TYPES));
  }
  if (schema.type === 'array' && !schema.items) errors.push(fieldError.required(`${path}.items`, 'must be specified'));
  if (schema.properties && schema.additionalProperties !== undefined) {
    errors.push(
      fieldError.forbidden(`${path}.additionalProperties`, 'additionalProperties and properties are mutual exclusive'),
    );
  }
  if (schema.uniqueItems) {
    errors.push(
      fieldError.forbidden(
        `${path}.uniqueItems`,
        'uniqueItems cannot be set to true since the runtime complexity becomes quadratic',
      ),
    );
  }
  if (schema.pattern !== undefined) {
    errors.push(...refusal(() => compilePattern(schema.pattern!), `${path}.pattern`, schema.pattern));
  }
  (schema['x-kubernetes-validations'] ?? []).forEach((rule, index) => {
    errors.push(...refusal(() => compileRule(rule), `${path}.x-kubernetes-validations[${index}].rule`, rule.rule));
  });
  errors.push(...validateListType(schema, path));
  if (schema.default !== undefined) errors.push(...validate(schema.default, schema, `${path}.default`));
  for (const [name, property] of Object.entries(schema.properties ?? {})) {
    validateSchema(property, `${path}.properties[${name}]`, errors);
  }
  if (schema.items) validateSchema(schema.items, child(path, 'items'), errors);
  if (typeof schema.additionalProperties === 'object') {
    validateSchema(schema.additionalProperties, child(path, 'additionalProperties'), errors);
  }
}

function validateListType(schema: Schema, path: string): FieldError[] {
  const listType = schema['x-kubernetes-list-type'];
  if (listType === undefined) return [];
  if (!['atomic', 'set', 'map'].includes(listType)) {
    return [fieldError.notSupported(`${path}.x-kubernetes-list-type`, listType, ['atomic', 'map', 'set'])];
  }
  if (listType !== 'map') return [];
  const keys = schema['x-kubernetes-list-map-keys'] ?? [];
  if (keys.length === 0) {
    const why = 'must not be empty if x-kubernetes-list-type is map';
    return [fieldError.required(`${path}.x-kubernetes-list-map-keys`, why)];
  }
  const { items } = schema;
  return keys
    .filter((key) => !items?.properties?.[key])
    .map((key, index) =>
      fieldError.invalid(`${path}.x-kubernetes-list-map-keys[${index}]`, key, 'must be present as a property in items'),
    );
}

function validateChange(definition: KubeObject, spec: JsonObject, old: KubeObject): FieldError[] {
  const before = isObject(old['spec']) ? old['spec'] : {};
  const errors: FieldError[] = [];
  const immutable = (path: string, now: Json | undefined, then: Json | undefined) => {
    if (now !== then) errors.push(fieldError.invalid(path, now, 'field is immutable'));
  };
  immutable('spec.group', spec['group'], before['group']);
  if (established(old)) {
    const kindOf = (from: JsonObject) => (isObject(from['names']) ? from['names']['kind'] : undefined);
    immutable('spec.scope', spec['scope'], before['scope']);
    immutable('spec.names.kind', kindOf(spec), kindOf(before));
  }
  const status = isObject(definition['status']) ? definition['status'] : {};
  const stored = Array.isArray(status['storedVersions']) ? status['storedVersions'] : [];
  const versions = Array.isArray(spec['versions']) ? spec['versions'].filter(isObject) : [];
  stored.forEach((name, index) => {
    if (versions.some((version) => version['name'] === name)) return;
    const why = `missing from spec.versions; ${asText(name)} was previously a storage version, and must remain in spec.versions until a storage migration ensures no data remains persisted in ${asText(name)} and removes ${asText(name)} from status.storedVersions`;
    errors.push(fieldError.invalid(`status.storedVersions[${index}]`, name, why));
  });
  return errors;
}

/** Whether a definition's condition has the status True. */
export function hasCondition(definition: KubeObject, type: string): boolean {
  const status = isObject(definition['status']) ? definition['status'] : {};
  const conditions = Array.isArray(status['conditions']) ? status['conditions'].filter(isObject) : [];
  return conditions.some((condition) => condition['type'] === type && condition['status'] === 'True');
}

function established(definition: KubeObject): boolean {
  return hasCondition(definition, 'Established');
}
