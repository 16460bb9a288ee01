// meta/v1 LabelSelector objects: matchLabels and matchExpressions.
import { asText, isObject, type JsonObject } from '../json.ts';

/** Whether labels match; an empty selector matches everything, an unknown operator nothing. */
export function matchesSelector(selector: JsonObject, labels: { readonly [key: string]: string }): boolean {
  const wanted = isObject(selector['matchLabels']) ? selector['matchLabels'] : {};
  const expressions = Array.isArray(selector['matchExpressions']) ? selector['matchExpressions'].filter(isObject) : [];
  return (
    Object.entries(wanted).every(([key, value]) => Object.hasOwn(labels, key) && labels[key] === value) &&
    expressions.every((expression) => holds(expression, labels))
  );
}

function holds(expression: JsonObject, labels: { readonly [key: string]: string }): boolean {
  const key = asText(expression['key']);
  const value = Object.hasOwn(labels, key) ? labels[key] : undefined;
  const values = Array.isArray(expression['values']) ? expression['values'].map(asText) : [];
  switch (expression['operator']) {
    case 'In':
      return value !== undefined && values.includes(value);
    case 'NotIn':
      return value === undefined || !values.includes(value);
    case 'Exists':
      return value !== undefined;
    case 'DoesNotExist':
      return value === undefined;
    default:
      return false;
  }
}
