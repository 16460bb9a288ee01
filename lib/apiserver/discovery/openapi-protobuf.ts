// Swagger 2.0 in protobuf, as kubectl asks for it: messages of gnostic's OpenAPIv2.proto, field numbers from there.
import { dump } from 'js-yaml';
import { asText, isObject, type Json, type JsonObject } from '../json.ts';

type Encoder = (value: Json) => Buffer;

const VARINT = 0;
const DOUBLE = 1;
const BYTES = 2;

function varint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = BigInt(value);
  for (;;) {
    const low = Number(rest & 0x7fn);
    rest >>= 7n;
    if (rest === 0n) {
      bytes.push(low);
      return Buffer.from(bytes);
    }
    bytes.push(low | 0x80);
  }
}

function tagged(field: number, wire: number, payload: Buffer): Buffer {
  return Buffer.concat([varint(field * 8 + wire), payload]);
}

function delimited(field: number, payload: Buffer): Buffer {
  return tagged(field, BYTES, Buffer.concat([varint(payload.length), payload]));
}

/** How a property of an OpenAPI object becomes a protobuf field. */
type Field = (value: Json) => Buffer;

const text =
  (field: number): Field =>
  (value) =>
    delimited(field, Buffer.from(asText(value)));
const texts =
  (field: number): Field =>
  (value) =>
    Buffer.concat((value as Json[]).map((item) => delimited(field, Buffer.from(asText(item)))));
const flag =
  (field: number): Field =>
  (value) =>
    value === true ? tagged(field, VARINT, varint(1)) : Buffer.alloc(0);
const integer =
  (field: number): Field =>
  (value) =>
    tagged(field, VARINT, varint(Number(value)));
const double =
  (field: number): Field =>
  (value) => {
    const payload = Buffer.alloc(8);
    payload.writeDoubleLE(Number(value));
    return tagged(field, DOUBLE, payload);
  };
const message =
  (field: number, encode: Encoder): Field =>
  (value) =>
    delimited(field, encode(value));
const messages =
  (field: number, encode: Encoder): Field =>
  (value) =>
    Buffer.concat((value as Json[]).map((item) => delimited(field, encode(item))));

/** gnostic keeps free-form values as YAML text (message Any, field 2). */
const any: Encoder = (value) => delimited(2, Buffer.from(dump(value)));

const namedAny = (field: number, name: string, value: Json) =>
  delimited(field, Buffer.concat([delimited(1, Buffer.from(name)), delimited(2, any(value))]));

/** A map as repeated (name, value) messages. */
const namedMap =
  (field: number, encode: Encoder): Encoder =>
  (value) =>
    Buffer.concat(
      Object.entries(value as JsonObject).map(([name, item]) =>
        delimited(field, Buffer.concat([delimited(1, Buffer.from(name)), delimited(2, encode(item ?? null))])),
      ),
    );

/** A message from a table of its fields; x- properties go to its vendor_extension field. */
function record(fields: () => { readonly [name: string]: Field }, extension?: number): Encoder {
  return (value) => {
    const known = fields();
    const parts: Buffer[] = [];
    for (const [name, item] of Object.entries(isObject(value) ? value : {})) {
      if (item === undefined) continue;
      const field = known[name];
      if (field) parts.push(field(item));
      else if (extension !== undefined && name.startsWith('x-')) parts.push(namedAny(extension, name, item));
    }
    return Buffer.concat(parts);
  };
}

const schema: Encoder = record(
  () => ({
    $ref: text(1),
    format: text(2),
    title: text(3),
    description: text(4),
    default: message(5, any),
    multipleOf: double(6),
    maximum: double(7),
    exclusiveMaximum: flag(8),
    minimum: double(9),
    exclusiveMinimum: flag(10),
    maxLength: integer(11),
    minLength: integer(12),
    pattern: text(13),
    maxItems: integer(14),
    minItems: integer(15),
    uniqueItems: flag(16),
    maxProperties: integer(17),
    minProperties: integer(18),
    required: texts(19),
    enum: messages(20, any),
    additionalProperties: message(21, (value) =>
      typeof value === 'boolean' ? tagged(2, VARINT, varint(value ? 1 : 0)) : delimited(1, schema(value)),
    ),
    type: message(22, (value) => delimited(1, Buffer.from(asText(value)))),
    items: message(23, (value) => delimited(1, schema(value))),
    properties: message(25, namedMap(1, schema)),
  }),
  31,
);

const bodyParameter = record(() => ({
  description: text(1),
  name: text(2),
  in: text(3),
  required: flag(4),
  schema: message(5, schema),
}));

const queryParameter = record(() => ({
  in: text(2),
  description: text(3),
  name: text(4),
  type: text(6),
  uniqueItems: flag(21),
}));

const pathParameter = record(() => ({
  required: flag(1),
  in: text(2),
  description: text(3),
  name: text(4),
  type: text(5),
  uniqueItems: flag(19),
}));

/** ParametersItem → Parameter → body, or non-body of one of its places. */
const parameter: Encoder = (value) => {
  const place = (value as JsonObject)['in'];
  if (place === 'body') return delimited(1, delimited(1, bodyParameter(value)));
  const inner = place === 'query' ? delimited(3, queryParameter(value)) : delimited(4, pathParameter(value));
  return delimited(1, delimited(2, inner));
};

const response = record(() => ({
  description: text(1),
  schema: message(2, (value) => delimited(1, schema(value))),
}));

const operation = record(
  () => ({
    tags: texts(1),
    description: text(3),
    operationId: text(5),
    produces: texts(6),
    consumes: texts(7),
    parameters: messages(8, parameter),
    responses: message(
      9,
      namedMap(1, (value) => delimited(1, response(value))),
    ),
    schemes: texts(10),
  }),
  13,
);

const pathItem = record(() => ({
  get: message(2, operation),
  put: message(3, operation),
  post: message(4, operation),
  delete: message(5, operation),
  patch: message(8, operation),
  parameters: messages(9, parameter),
}));

const document = record(() => ({
  swagger: text(1),
  info: message(
    2,
    record(() => ({ title: text(1), version: text(2) })),
  ),
  paths: message(8, namedMap(2, pathItem)),
  definitions: message(9, namedMap(1, schema)),
}));

/** What the answer says that it is: the name under which clients ask for it, less the "@", which no media type may have. */
export const OPENAPI_V2_PROTOBUF = 'application/com.github.proto-openapi.spec.v2.v1.0+protobuf';

/** A Swagger 2.0 document as openapi.v2.Document. */
export function encodeOpenApiV2(openApi: JsonObject): Buffer {
  return document(openApi);
}
