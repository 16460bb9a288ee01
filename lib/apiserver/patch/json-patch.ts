// JSON patch (RFC 6902) over JSON pointers (RFC 6901).
import { clone, equal, isObject, type Json } from '../json.ts';
import { ApiError, badRequest } from '../status.ts';

/** An operation that cannot be carried out: a missing target, or a test that does not hold. */
export class JsonPatchError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'JsonPatchError';
  }
}

export interface Operation {
  readonly op: string;
  readonly path: string;
  readonly from?: string;
  readonly value?: Json;
}

/** As kube-apiserver: a patch may be this long, and its copies may make this much, in characters. */
const MOST_OPERATIONS = 10_000;
const MOST_COPIED = 3 * 2 ** 20;

const OPERATIONS = new Set(['add', 'remove', 'replace', 'move', 'copy', 'test']);

/** @throws ApiError 400 when the document is no list of operations. */
export function parseJsonPatch(document: Json): Operation[] {
  if (!Array.isArray(document)) {
    const what = isObject(document) ? 'object' : typeof document;
    throw badRequest(`error decoding patch: json: cannot unmarshal ${what} into Go value of type []jsonPatchOp`);
  }
  if (document.length > MOST_OPERATIONS) {
    const why = `The allowed maximum operations in a JSON patch is ${MOST_OPERATIONS}, got ${document.length}`;
    throw new ApiError(413, 'RequestEntityTooLarge', `Request entity too large: ${why}`, {});
  }
  return document.map((item) => {
    const refuse = (why: string) => badRequest(`invalid operation ${JSON.stringify(item)}: ${why}`);
    if (!isObject(item) || typeof item['op'] !== 'string' || !OPERATIONS.has(item['op']))
      throw refuse('unsupported operation');
    if (typeof item['path'] !== 'string') throw refuse('missing path');
    const { op, path, from, value } = item;
    return {
      op,
      path,
      ...(typeof from === 'string' ? { from } : {}),
      ...(value !== undefined ? { value } : {}),
    };
  });
}

/**
 * Applies the operations in order; all or none.
 * @throws JsonPatchError
 */
export function applyJsonPatch(target: Json, operations: readonly Operation[]): Json {
  let copied = 0;
  return operations.reduce<Json>((root, operation) => {
    if (operation.op === 'copy') {
      // Each copy may hold all copies before it.
      copied += JSON.stringify(find(root, pointer(operation.from ?? ''))).length;
      if (copied > MOST_COPIED) throw new JsonPatchError('the copies are too large');
    }
    return applyOne(root, operation);
  }, clone(target));
}

function applyOne(root: Json, operation: Operation): Json {
  const path = pointer(operation.path);
  switch (operation.op) {
    case 'add':
      return add(root, path, clone(operation.value ?? null));
    case 'remove':
      return remove(root, path);
    case 'replace': {
      find(root, path);
      return path.length === 0
        ? clone(operation.value ?? null)
        : add(remove(root, path), path, clone(operation.value ?? null));
    }
    case 'move': {
      const from = pointer(operation.from ?? '');
      const value = find(root, from);
      return add(remove(root, from), path, value);
    }
    case 'copy':
      return add(root, path, clone(find(root, pointer(operation.from ?? ''))));
    default: {
      if (!equal(find(root, path, true), operation.value ?? null)) {
        throw new JsonPatchError(`testing value ${operation.path} failed`);
      }
      return root;
    }
  }
}

/** The reference tokens of a pointer. */
function pointer(text: string): string[] {
  if (text === '') return [];
  if (!text.startsWith('/')) throw new JsonPatchError(`${text} is no JSON pointer`);
  return text
    .slice(1)
    .split('/')
    .map((token) => token.replaceAll('~1', '/').replaceAll('~0', '~'));
}

function index(token: string, limit: number): number {
  if (!/^(0|[1-9]\d*)$/.test(token) || Number(token) > limit)
    throw new JsonPatchError(`index ${token} is out of bounds`);
  return Number(token);
}

function step(value: Json | undefined, token: string): Json | undefined {
  if (Array.isArray(value)) return value[index(token, value.length - 1)];
  return isObject(value) && Object.hasOwn(value, token) ? value[token] : undefined;
}

/** @param orNull a missing last member is null, as a test of null expects */
function find(root: Json, path: readonly string[], orNull = false): Json {
  let current: Json | undefined = root;
  path.forEach((token, position) => {
    current = step(current, token);
    const missing = current === undefined && !(orNull && position === path.length - 1);
    if (missing) throw new JsonPatchError(`/${path.join('/')} is missing`);
  });
  return current ?? null;
}

function parent(root: Json, path: readonly string[]): Json {
  return find(root, path.slice(0, -1));
}

function add(root: Json, path: readonly string[], value: Json): Json {
  const last = path[path.length - 1];
  if (last === undefined) return value;
  const holder = parent(root, path);
  if (Array.isArray(holder)) holder.splice(last === '-' ? holder.length : index(last, holder.length), 0, value);
  else if (isObject(holder)) {
    if (last === '__proto__') throw new JsonPatchError('unsupported key "__proto__"');
    holder[last] = value;
  } else throw new JsonPatchError(`/${path.join('/')} has no parent`);
  return root;
}

function remove(root: Json, path: readonly string[]): Json {
  const last = path[path.length - 1];
  if (last === undefined) return null;
  const holder = parent(root, path);
  find(root, path);
  if (Array.isArray(holder)) holder.splice(index(last, holder.length - 1), 1);
  else if (isObject(holder)) delete holder[last];
  return root;
}
