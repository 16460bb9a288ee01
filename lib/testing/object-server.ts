// An API server in memory, without a wire, for tests that move time by hand: single objects are read and written, with
// resourceVersions and conflicts, as far as writers depend on it. For all else use the embedded API server.
import { type ApiError, errorOfAnswer } from '../kube/errors.ts';
import type { Exchange, Transport } from '../kube/transport.ts';

type Json = Record<string, unknown>;
interface Stored {
  metadata: { name: string; namespace?: string; resourceVersion: string; uid: string };
}

export interface ObjectServer {
  readonly transport: Transport;
  /** By path, such as `/api/v1/namespaces/default/events/e1`. */
  readonly objects: Map<string, Stored & Json>;
  /** Every exchange that arrived. */
  readonly exchanges: Exchange[];
}

/** What happens to an exchange: `before` may throw or wait, and so nothing is done; `after` may, when it has been done. */
export interface Faults {
  before?(exchange: Exchange): void | Promise<void>;
  after?(exchange: Exchange): void | Promise<void>;
}

type Outcome = { readonly object: object } | { readonly error: ApiError };

export function createObjectServer(faults: Faults = {}): ObjectServer {
  const exchanges: Exchange[] = [];
  const objects = new Map<string, Stored & Json>();
  let revision = 0;

  function store(path: string, object: Json, uid: string): Outcome {
    const metadata = { ...(object.metadata as Stored['metadata']), uid, resourceVersion: String(++revision) };
    const stored = { ...object, metadata };
    objects.set(path, stored);
    return { object: stored };
  }

  function write(path: string, change: Json, merge: boolean): Outcome {
    const current = objects.get(path);
    if (!current) return NOT_FOUND;
    const asked = change.metadata as Partial<Stored['metadata']> | undefined;
    const { uid, resourceVersion } = current.metadata;
    const stale = asked?.resourceVersion !== undefined && asked.resourceVersion !== resourceVersion;
    if (stale || (asked?.uid !== undefined && asked.uid !== uid)) return refused(409, 'Conflict');
    return store(path, merge ? mergeInto(current, change) : change, uid);
  }

  function create(path: string, object: Json): Outcome {
    const { name } = object.metadata as Stored['metadata'];
    return objects.has(`${path}/${name}`)
      ? refused(409, 'AlreadyExists')
      : store(`${path}/${name}`, object, `uid-${revision + 1}`);
  }

  function outcome({ method, path: asked, body }: Exchange): Outcome {
    // The status is part of the object; who may write which half is the API server's business.
    const path = asked.replace(/\?.*/, '').replace(/\/status$/, '');
    const change = (body === undefined ? {} : JSON.parse(JSON.stringify(body))) as Json;
    const object = objects.get(path);
    switch (method) {
      case 'GET':
        return object ? { object } : NOT_FOUND;
      case 'POST':
        return create(path, change);
      case 'PUT':
        return write(path, change, false);
      case 'PATCH':
        return write(path, change, true);
      case 'DELETE':
        return objects.delete(path) ? { object: { kind: 'Status', status: 'Success' } } : NOT_FOUND;
    }
  }

  const transport: Transport = {
    async call(exchange) {
      await faults.before?.(exchange);
      exchanges.push(exchange);
      const result = outcome(exchange);
      await faults.after?.(exchange);
      if ('error' in result) throw result.error;
      return JSON.stringify(result.object);
    },
    stream() {
      throw new Error('the object server in memory serves no watches');
    },
    close: () => Promise.resolve(),
  };
  return { transport, objects, exchanges };
}

function refused(status: number, reason: string): Outcome {
  const body = JSON.stringify({ kind: 'Status', reason, message: reason, details: { name: 'it' } });
  return { error: errorOfAnswer(status, body, undefined, 'object server') };
}
const NOT_FOUND = refused(404, 'NotFound');

/** RFC 7386. */
function mergeInto(target: Json, patch: Json): Json {
  const merged: Json = { ...target };
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete merged[key];
    else if (isObject(value)) merged[key] = mergeInto(isObject(merged[key]) ? merged[key] : {}, value);
    else merged[key] = value;
  }
  return merged;
}

const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
