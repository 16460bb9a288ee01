// What a conformance case is: requests, written as data, whose normalised answers must be the same on every server.
//
// Paths, bodies and headers may hold placeholders: {ns} the case's own namespace, {id} a word of the case's own for names of
// cluster-scoped objects, and $name what an earlier step saved.
import type { Json } from '../json.ts';

export interface Step {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly path: string;
  readonly body?: Json;
  readonly headers?: { readonly [name: string]: string };
  /** Name → path in the answer's body ("metadata.resourceVersion"). */
  readonly save?: { readonly [name: string]: string };
  /** Repeats the request until the answer is so, as controllers take their time. Only the last answer counts. */
  readonly until?: {
    readonly code?: number;
    readonly path?: string;
    readonly equals?: Json;
    /** A text that the body contains. */
    readonly includes?: string;
  };
  /** Reads the answer as a watch: so many events, then hangs up; "end" reads until the server ends it. */
  readonly watch?: number | 'end';
  /** Opens a watch and goes on; a later collect step with the same name reads from it. */
  readonly open?: string;
  readonly collect?: { readonly name: string; readonly count: number };
  /** Not part of what is compared: preparation. */
  readonly silent?: boolean;
}

export interface Case {
  readonly name: string;
  readonly steps: readonly Step[];
  /**
   * Which real server is the model: "core" for built-in kinds, "custom" for what CustomResourceDefinitions and custom
   * resources do today, which an old core cannot show.
   */
  readonly model: 'core' | 'custom';
}

export interface Group {
  readonly name: string;
  readonly cases: readonly Case[];
  /** For servers that have built-in kinds and custom resources both, as the cases need them together. */
  readonly together?: boolean;
}

type Extra = Omit<Step, 'method' | 'path' | 'body'>;

export const get = (path: string, extra: Extra = {}): Step => ({ method: 'GET', path, ...extra });
export const post = (path: string, body: Json, extra: Extra = {}): Step => ({ method: 'POST', path, body, ...extra });
export const put = (path: string, body: Json, extra: Extra = {}): Step => ({ method: 'PUT', path, body, ...extra });
export const del = (path: string, body?: Json, extra: Extra = {}): Step => ({
  method: 'DELETE',
  path,
  ...(body === undefined ? {} : { body }),
  ...extra,
});

const PATCH_TYPES = {
  merge: 'application/merge-patch+json',
  json: 'application/json-patch+json',
  strategic: 'application/strategic-merge-patch+json',
  apply: 'application/apply-patch+yaml',
} as const;

export const patch = (type: keyof typeof PATCH_TYPES, path: string, body: Json, extra: Extra = {}): Step => ({
  method: 'PATCH',
  path,
  body,
  ...extra,
  headers: { 'Content-Type': PATCH_TYPES[type], ...extra.headers },
});

/** Reads `count` events of a watch, or until the server ends it. */
export const watch = (path: string, count: number | 'end', extra: Extra = {}): Step => ({
  method: 'GET',
  path,
  watch: count,
  ...extra,
});

/** A group from cases by name. */
export function group(name: string, model: Case['model'], cases: { readonly [name: string]: readonly Step[] }): Group {
  return { name, cases: Object.entries(cases).map(([caseName, steps]) => ({ name: caseName, steps, model })) };
}
