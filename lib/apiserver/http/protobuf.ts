// Bodies in Kubernetes' protobuf form, which kubectl sends for built-in kinds: a magic number, then runtime.Unknown around the
// object's own message. Read only: answers go out as JSON, which every such client accepts.
import type { Json, JsonObject } from '../json.ts';
import { badRequest } from '../status.ts';
import { type FieldType, MESSAGES } from './protobuf-messages.ts';

const MAGIC = Buffer.from([0x6b, 0x38, 0x73, 0x00]);

/**
 * Decodes a whole body.
 * @returns undefined for a kind that has no known protobuf form
 * @throws ApiError 400 when the bytes are broken
 */
export function decodeProtobuf(body: Buffer): JsonObject | undefined {
  if (!body.subarray(0, MAGIC.length).equals(MAGIC)) throw broken();
  let typeMeta = { apiVersion: '', kind: '' };
  let raw: Buffer = Buffer.alloc(0);
  for (const { number, value } of fieldsOf(body.subarray(MAGIC.length))) {
    if (number === 1 && Buffer.isBuffer(value)) typeMeta = readTypeMeta(value);
    if (number === 2 && Buffer.isBuffer(value)) raw = value;
  }
  const { apiVersion, kind } = typeMeta;
  // Two groups have an Event.
  const versioned = `${apiVersion} ${kind}`;
  const name = Object.hasOwn(MESSAGES, versioned) ? versioned : kind;
  if (!Object.hasOwn(MESSAGES, name)) return undefined;
  return { apiVersion, kind, ...readMessage(raw, name) };
}

function broken(): Error {
  return badRequest('the body of the request is not valid protobuf');
}

type WireField = { readonly number: number; readonly value: Buffer | bigint };

/** The fields of a message in their order. @throws ApiError 400 */
function* fieldsOf(message: Buffer): Generator<WireField> {
  let position = 0;
  const varint = (): bigint => {
    let result = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = message[position++];
      if (byte === undefined) throw broken();
      result |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return BigInt.asIntN(64, result);
    }
    throw broken();
  };
  const take = (length: number): Buffer => {
    if (length < 0 || position + length > message.length) throw broken();
    position += length;
    return message.subarray(position - length, position);
  };
  while (position < message.length) {
    const tag = Number(varint());
    const number = tag >>> 3;
    switch (tag & 7) {
      case 0:
        yield { number, value: varint() };
        break;
      case 1:
        yield { number, value: take(8) };
        break;
      case 2:
        yield { number, value: take(Number(varint())) };
        break;
      case 5:
        yield { number, value: take(4) };
        break;
      default:
        throw broken();
    }
  }
}

function readTypeMeta(message: Buffer): { apiVersion: string; kind: string } {
  const result = { apiVersion: '', kind: '' };
  for (const { number, value } of fieldsOf(message)) {
    if (number === 1) result.apiVersion = value.toString();
    if (number === 2) result.kind = value.toString();
  }
  return result;
}

function readMessage(message: Buffer, name: string): JsonObject {
  const fields = MESSAGES[name]!;
  const result: JsonObject = {};
  for (const { number, value } of fieldsOf(message)) {
    const field = fields[number];
    if (!field) continue;
    const [key, type] = field;
    if (type.startsWith('list ')) {
      const items = (result[key] ?? []) as Json[];
      const item = readValue(value, type.slice('list '.length), true);
      if (item !== undefined) items.push(item);
      result[key] = items;
    } else if (type.startsWith('map ')) {
      const map = (result[key] ?? {}) as JsonObject;
      readMapEntry(asBytes(value), type.slice('map '.length), map);
      result[key] = map;
    } else {
      const read = readValue(value, type, false);
      if (read !== undefined) result[key] = read;
    }
  }
  return result;
}

function asBytes(value: Buffer | bigint): Buffer {
  if (!Buffer.isBuffer(value)) throw broken();
  return value;
}

function readMapEntry(entry: Buffer, type: FieldType, into: JsonObject): void {
  let key = '';
  let item: Json | undefined = type === 'string' || type === 'bytes' ? '' : undefined;
  for (const { number, value } of fieldsOf(entry)) {
    if (number === 1) key = asBytes(value).toString();
    if (number === 2) item = readValue(value, type, true);
  }
  if (key === '__proto__') throw broken();
  if (item !== undefined) into[key] = item;
}

/** @param keepEmpty an empty string is a value: in lists and maps it is, in plain fields it means "not set" */
function readValue(value: Buffer | bigint, type: FieldType, keepEmpty: boolean): Json | undefined {
  switch (type) {
    case 'string':
      return value.toString() === '' && !keepEmpty ? undefined : asBytes(value).toString();
    case 'string?':
      return asBytes(value).toString();
    case 'bytes':
      return asBytes(value).toString('base64');
    case 'int':
      return value === 0n ? undefined : Number(value);
    case 'int?':
      return Number(value);
    case 'bool':
      return value === 0n ? undefined : true;
    case 'bool?':
      return value !== 0n;
    case 'time':
      return readTime(asBytes(value), 0);
    case 'microtime':
      return readTime(asBytes(value), 6);
    case 'Quantity':
      return asBytes(value).length === 0 ? '0' : (readQuantity(asBytes(value)) ?? '0');
    case 'raw':
      return readRaw(asBytes(value));
    default:
      return readMessage(asBytes(value), type);
  }
}

/** Seconds and nanoseconds since the epoch; a message with neither is Go's zero time: not set. */
function readTime(message: Buffer, digits: number): string | undefined {
  if (message.length === 0) return undefined;
  let [seconds, nanos] = [0n, 0n];
  for (const { number, value } of fieldsOf(message)) {
    if (typeof value !== 'bigint') throw broken();
    if (number === 1) seconds = value;
    if (number === 2) nanos = value;
  }
  const date = new Date(Number(seconds) * 1000);
  if (Number.isNaN(date.getTime())) throw broken();
  const fraction = digits === 0 ? '' : `.${nanos.toString().padStart(9, '0').slice(0, digits)}`;
  return `${date.toISOString().slice(0, 19)}${fraction}Z`;
}

function readQuantity(message: Buffer): string | undefined {
  for (const { number, value } of fieldsOf(message)) if (number === 1) return asBytes(value).toString();
  return undefined;
}

/** Managed fields carry JSON inside. */
function readRaw(message: Buffer): Json | undefined {
  for (const { number, value } of fieldsOf(message)) {
    if (number !== 1) continue;
    try {
      return JSON.parse(asBytes(value).toString()) as Json;
    } catch (error) {
      if (error instanceof SyntaxError) throw broken();
      throw error;
    }
  }
  return undefined;
}
