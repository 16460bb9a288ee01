// Printer columns of built-in kinds.
import { at, type Json, type KubeObject } from '../json.ts';
import type { Column } from '../resources/resource.ts';
import { age } from '../table/duration.ts';

type Cell = (object: KubeObject, now: number) => Json;

export function column(
  name: string,
  cell: Cell,
  options: { wide?: boolean; type?: string; format?: string } = {},
): Column {
  return {
    name,
    type: options.type ?? 'string',
    format: options.format ?? '',
    description: '',
    priority: options.wide ? 1 : 0,
    cell,
  };
}

/** The text at a dotted path, or "" where there is none. */
export function text(path: string): Cell {
  const keys = path.split('.');
  return (object) => {
    const value = at(object as Json, keys);
    return value === undefined || value === null ? '' : typeof value === 'object' ? JSON.stringify(value) : value;
  };
}

/** How many entries a list or map at a dotted path has. */
export function count(path: string): Cell {
  const keys = path.split('.');
  return (object) => Object.keys((at(object as Json, keys) as object | null | undefined) ?? {}).length;
}

export const NAME = column('Name', (object) => object.metadata.name ?? '', { format: 'name' });
export const AGE = column('Age', (object, now) => age(object.metadata.creationTimestamp, now));
export const CREATED_AT = column('Created At', (object) => object.metadata.creationTimestamp ?? '', { type: 'date' });
