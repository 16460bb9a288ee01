// CEL rules looked at before they come into force: syntax, fields that the schema has, types that fit, and a condition as result.
import { Environment } from '@marcbachmann/cel-js';
import { CEL_OPTIONS, celName } from './cel.ts';
import { registerKubernetesFunctions } from './cel-functions.ts';
import type { Schema } from './schema.ts';

/** Declares schemas as CEL types. What a schema leaves open is dynamic. */
class Types {
  readonly environment = registerKubernetesFunctions(new Environment(CEL_OPTIONS));
  #count = 0;

  nameOf(schema: Schema): string {
    if (schema['x-kubernetes-int-or-string'] || schema['x-kubernetes-preserve-unknown-fields']) return 'dyn';
    switch (schema.type) {
      case 'integer':
        return 'int';
      case 'number':
        return 'double';
      case 'boolean':
        return 'bool';
      case 'string':
        return STRING_FORMATS[schema.format ?? ''] ?? 'string';
      case 'array':
        return `list<${schema.items ? this.nameOf(schema.items) : 'dyn'}>`;
      case 'object':
        if (typeof schema.additionalProperties === 'object')
          return `map<string, ${this.nameOf(schema.additionalProperties)}>`;
        return schema.properties ? this.#object(schema.properties) : 'dyn';
      default:
        return 'dyn';
    }
  }

  #object(properties: { readonly [name: string]: Schema }): string {
    const entries = Object.entries(properties).map(([name, property]) => [celName(name), this.nameOf(property)]);
    const name = `Object${this.#count++}`;
    this.environment.registerType(name, { fields: Object.fromEntries(entries) as { [field: string]: string } });
    return name;
  }
}

const STRING_FORMATS: { readonly [format: string]: string } = {
  'date-time': 'google.protobuf.Timestamp',
  date: 'google.protobuf.Timestamp',
  duration: 'google.protobuf.Duration',
  byte: 'bytes',
};

/** Findings of the checker that are certain: others may be its own limits, and show when the rule is evaluated. */
const CERTAIN =
  /^No such key|^no such overload: (?!.*(dyn|Object|list|map|optional))|^Unknown variable|^Unexpected|^Expected|^Unterminated/;

/**
 * What is wrong with a rule over values of a schema; undefined when nothing is.
 * @param wanted the type of its result
 */
export function checkRule(
  text: string,
  schema: Schema,
  optionalOldSelf: boolean,
  wanted: 'bool' | 'string',
): string | undefined {
  const types = new Types();
  const self = types.nameOf(schema);
  types.environment.registerVariable('self', self).registerVariable('oldSelf', optionalOldSelf ? 'dyn' : self);
  const { valid, type, error } = types.environment.check(text);
  if (valid) {
    const right = type === wanted || type === 'dyn';
    return right ? undefined : `cel expression must evaluate to a ${wanted}`;
  }
  const message = (error?.message ?? '').split('\n', 1)[0]!;
  const isSyntax = error?.name === 'ParseError';
  return isSyntax || CERTAIN.test(message) ? `compilation failed: ERROR: <input>: ${message}` : undefined;
}
