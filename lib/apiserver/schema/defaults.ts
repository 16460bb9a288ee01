// Defaulting from schemas: missing fields, and nulls where the schema forbids them, take the schema's default.
import { clone, isObject, type Json } from '../json.ts';
import { propertySchema, type Schema } from './schema.ts';

/** What a schema says of defaults, read once: which properties have one, and which hold some further below. */
interface Plan {
  readonly own: readonly (readonly [key: string, property: Schema])[];
  readonly deeper: ReadonlySet<string>;
  readonly items: boolean;
  readonly additional: boolean;
}

const plans = new WeakMap<Schema, Plan>();

function planOf(schema: Schema): Plan {
  let plan = plans.get(schema);
  if (!plan) {
    const { items, additionalProperties } = schema;
    const properties = Object.entries(schema.properties ?? {});
    plan = {
      own: properties.filter(([, property]) => property.default !== undefined),
      deeper: new Set(properties.filter(([, property]) => hasDefaults(property)).map(([key]) => key)),
      items: items !== undefined && (items.default !== undefined || hasDefaults(items)),
      additional: typeof additionalProperties === 'object' && hasDefaults(additionalProperties),
    };
    plans.set(schema, plan);
  }
  return plan;
}

/** Whether anything below the schema has a default: most of an object needs no walk. */
function hasDefaults(schema: Schema): boolean {
  const { own, deeper, items, additional } = planOf(schema);
  return own.length > 0 || deeper.size > 0 || items || additional;
}

/** Fills in defaults in place, outer before inner. */
export function applyDefaults(value: Json | undefined, schema: Schema): void {
  const plan = planOf(schema);
  if (Array.isArray(value)) {
    const { items } = schema;
    if (!items || !plan.items) return;
    value.forEach((item, index) => {
      if (item === null && !items.nullable && items.default !== undefined) value[index] = clone(items.default);
      applyDefaults(value[index], items);
    });
    return;
  }
  if (!isObject(value)) return;
  for (const [key, property] of plan.own) {
    const present = Object.hasOwn(value, key) && value[key] !== undefined;
    if (!present || (value[key] === null && !property.nullable)) value[key] = clone(property.default!);
  }
  for (const key of plan.deeper) if (Object.hasOwn(value, key)) applyDefaults(value[key], schema.properties![key]!);
  if (!plan.additional) return;
  for (const key of Object.keys(value)) {
    if (schema.properties && Object.hasOwn(schema.properties, key)) continue;
    applyDefaults(value[key], schema.additionalProperties as Schema);
  }
}

/** Drops nulls that the schema does not allow: a client's way to say "not set". */
export function dropForbiddenNulls(value: Json | undefined, schema: Schema): void {
  if (Array.isArray(value)) {
    const { items } = schema;
    if (items) for (const item of value) dropForbiddenNulls(item, items);
    return;
  }
  if (!isObject(value)) return;
  for (const key of Object.keys(value)) {
    const property = propertySchema(schema, key);
    if (!property) continue;
    if (value[key] === null && !property.nullable) delete value[key];
    else dropForbiddenNulls(value[key], property);
  }
}
