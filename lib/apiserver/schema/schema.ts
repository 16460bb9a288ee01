// Structural schemas (apiextensions/v1 JSONSchemaProps): one form for custom resources and for the built-in kinds.
import type { Json, JsonObject } from '../json.ts';

export type ValidationRule = {
  rule: string;
  message?: string;
  messageExpression?: string;
  reason?: string;
  fieldPath?: string;
  optionalOldSelf?: boolean;
};

export type Schema = {
  type?: string;
  description?: string;
  title?: string;
  format?: string;
  default?: Json;
  enum?: Json[];
  nullable?: boolean;
  properties?: { [name: string]: Schema };
  additionalProperties?: Schema | boolean;
  items?: Schema;
  required?: string[];
  minimum?: number;
  maximum?: number;
  exclusiveMinimum?: boolean;
  exclusiveMaximum?: boolean;
  multipleOf?: number;
  minLength?: number;
  maxLength?: number;
  pattern?: string;
  minItems?: number;
  maxItems?: number;
  uniqueItems?: boolean;
  minProperties?: number;
  maxProperties?: number;
  allOf?: Schema[];
  anyOf?: Schema[];
  oneOf?: Schema[];
  not?: Schema;
  'x-kubernetes-preserve-unknown-fields'?: boolean;
  'x-kubernetes-embedded-resource'?: boolean;
  'x-kubernetes-int-or-string'?: boolean;
  'x-kubernetes-list-type'?: string;
  'x-kubernetes-list-map-keys'?: string[];
  'x-kubernetes-map-type'?: string;
  'x-kubernetes-validations'?: ValidationRule[];
  /** Strategic merge patch, built-in kinds only. */
  'x-kubernetes-patch-strategy'?: string;
  'x-kubernetes-patch-merge-key'?: string;
  'x-kubernetes-group-version-kind'?: JsonObject[];
};

/** The schema of a value below an object's key, if the object's schema knows the key. */
export function propertySchema(schema: Schema, key: string): Schema | undefined {
  const property = schema.properties;
  if (property && Object.hasOwn(property, key)) return property[key];
  return typeof schema.additionalProperties === 'object' ? schema.additionalProperties : undefined;
}

/** Path notation of field errors: "spec", "disks[0]", "labels[a.b/c]". */
export function child(path: string, key: string): string {
  return path ? `${path}.${key}` : key;
}
