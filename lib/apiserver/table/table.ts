// meta.k8s.io Tables: what `kubectl get` prints is laid out here, on the server.
import type { Json, JsonObject, KubeObject } from '../json.ts';
import type { Column } from '../resources/resource.ts';

/** How much of each object goes along with its row. */
export type IncludeObject = 'None' | 'Metadata' | 'Object';

export interface TableOptions {
  readonly columns: readonly Column[];
  readonly include: IncludeObject;
  /** "v1" or "v1beta1" of meta.k8s.io. */
  readonly version: string;
  /** Milliseconds since the epoch. */
  readonly now: number;
}

export function columnDefinitions(columns: readonly Column[]): JsonObject[] {
  return columns.map(({ name, type, format, description, priority }) => ({
    name,
    type,
    format,
    description,
    priority,
  }));
}

export function partialObjectMetadata(object: KubeObject, version: string): JsonObject {
  return { kind: 'PartialObjectMetadata', apiVersion: `meta.k8s.io/${version}`, metadata: object.metadata };
}

function row(object: KubeObject, options: TableOptions): JsonObject {
  const cells: Json[] = options.columns.map((column) => column.cell(object, options.now));
  if (options.include === 'None') return { cells, object: null };
  return { cells, object: options.include === 'Object' ? object : partialObjectMetadata(object, options.version) };
}

/**
 * A Table of objects.
 * @param metadata the list's metadata, or the object's for a table of one
 * @param first whether column definitions go along; later tables of a watch have none
 */
export function table(
  objects: readonly KubeObject[],
  metadata: JsonObject,
  options: TableOptions,
  first = true,
): JsonObject {
  return {
    kind: 'Table',
    apiVersion: `meta.k8s.io/${options.version}`,
    metadata,
    columnDefinitions: first ? columnDefinitions(options.columns) : null,
    rows: objects.map((object) => row(object, options)),
  };
}
