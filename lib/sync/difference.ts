// What an apply changes in an object, field by field, for people to read.
import { equal } from '../kube/merge-patch.ts';
import type { KubeObject } from '../kube/resource.ts';
import { isRecord } from './manifest.ts';

export interface FieldChange {
  /** `spec.bmc.address` */
  readonly field: string;
  /** Undefined: not there. */
  readonly from: unknown;
  readonly to: unknown;
}

/** All that people write; not what the server keeps, nor the status. */
export function essence(object: KubeObject): KubeObject {
  const { status: _, ...rest } = object as KubeObject & { status?: unknown };
  const { name, namespace, labels, annotations } = object.metadata;
  return { ...rest, metadata: { name, namespace, labels, annotations } };
}

/** The fields in which two objects differ; lists that differ in length as a whole. */
export function differences(before: unknown, after: unknown, at = ''): FieldChange[] {
  if (equal(before, after)) return [];
  if (isRecord(before) && isRecord(after)) {
    const names = new Set([...Object.keys(before), ...Object.keys(after)]);
    return [...names].flatMap((name) => differences(before[name], after[name], fieldBelow(at, name)));
  }
  if (Array.isArray(before) && Array.isArray(after) && before.length === after.length)
    return before.flatMap((item, index) => differences(item, after[index], `${at}[${index}]`));
  return [{ field: at, from: before, to: after }];
}

const fieldBelow = (at: string, name: string): string => {
  const step = /^[A-Za-z0-9_-]+$/.test(name) ? name : JSON.stringify([name]);
  return at === '' || step.startsWith('[') ? `${at}${step}` : `${at}.${step}`;
};

const LONGEST = 80;

/** `spec.pool "default" → "gpu"`. Of a Secret no more than the names of the fields. */
export function describeChange({ field, from, to }: FieldChange, kind: string): string {
  // Annotations repeat whole objects: kubectl's own holds what was applied last.
  if (kind === 'Secret' || field.startsWith('metadata.annotations')) return field;
  return `${field} ${shown(from)} → ${shown(to)}`;
}

function shown(value: unknown): string {
  if (value === undefined) return '(none)';
  const text = JSON.stringify(value);
  return text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text;
}
