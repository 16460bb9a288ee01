// A client whose writes all pass one gate: where they are fenced off, counted or remembered.
import type { CallOptions, KubeClient } from './client.ts';
import { ApiError } from './errors.ts';
import type { KubeObject, ObjectName, Resource } from './resource.ts';

export interface Write {
  readonly resource: Resource;
  readonly name: ObjectName;
  readonly verb: 'create' | 'update' | 'patch' | 'delete';
}

/**
 * Runs the write, or throws instead. `run` gives the object as written, and undefined for a deletion; what is handed to it
 * is called right before the write goes out, see CallOptions.
 */
export type Gate = <R extends KubeObject | undefined>(write: Write, run: Run<R>) => Promise<R>;
export type Run<R> = (before?: () => void) => Promise<R>;

function withBefore<O extends CallOptions>(options: O | undefined, before: (() => void) | undefined): O | undefined {
  if (!before) return options;
  const both = () => {
    options?.before?.();
    before();
  };
  return { ...options, before: both } as O;
}

/** Reads pass untouched, and so do dry runs. `raw` may only read. */
export function aroundWrites(client: KubeClient, gate: Gate): KubeClient {
  return {
    get: (resource, name, options) => client.get(resource, name, options),
    list: (resource, options) => client.list(resource, options),
    pages: (resource, options) => client.pages(resource, options),
    watch: (resource, options) => client.watch(resource, options),
    close: () => client.close(),
    create: (resource, object, options) =>
      options?.dryRun
        ? client.create(resource, object, options)
        : gate({ verb: 'create', resource, name: object.metadata }, (before) =>
            client.create(resource, object, withBefore(options, before)),
          ),
    update: (resource, object, options) =>
      options?.dryRun
        ? client.update(resource, object, options)
        : gate({ verb: 'update', resource, name: object.metadata }, (before) =>
            client.update(resource, object, withBefore(options, before)),
          ),
    patch: (resource, name, patch, options) =>
      options?.dryRun
        ? client.patch(resource, name, patch, options)
        : gate({ verb: 'patch', resource, name }, (before) =>
            client.patch(resource, name, patch, withBefore(options, before)),
          ),
    patchStatus: (resource, name, patch, options) =>
      options?.dryRun
        ? client.patchStatus(resource, name, patch, options)
        : gate({ verb: 'patch', resource, name }, (before) =>
            client.patchStatus(resource, name, patch, withBefore(options, before)),
          ),
    delete: (resource, name, options) =>
      options?.dryRun
        ? client.delete(resource, name, options)
        : gate({ verb: 'delete', resource, name }, (before) =>
            client.delete(resource, name, withBefore(options, before)),
          ),
    raw: async (request) => {
      if (request.method !== 'GET') {
        throw new ApiError(
          405,
          'MethodNotAllowed',
          `${request.method} ${request.path}: writes name their resource here`,
        );
      }
      return client.raw(request);
    },
  };
}

/** A client that writes only while `isLeader` says so; afterwards writes reject with reason `NotLeader`. */
export function fenced(client: KubeClient, isLeader: () => boolean): KubeClient {
  return aroundWrites(client, async ({ verb, resource, name }, run) => {
    const check = () => {
      if (!isLeader())
        throw new ApiError(0, 'NotLeader', `${verb} ${resource.kind} ${name.name}: another process leads now`);
    };
    check();
    // A write may have to wait for its turn, or for a connection: what counts is when it goes out.
    return run(check);
  });
}
