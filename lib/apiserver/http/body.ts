// Bodies: read within the limit, and decoded strictly enough that what follows can trust the result to be plain JSON.
import type { IncomingMessage } from 'node:http';
import { CORE_SCHEMA, load, YAMLException } from 'js-yaml';
import type { Json } from '../json.ts';
import { badRequest, tooLarge, unsupportedMediaType } from '../status.ts';
import { BODY_TYPES, type Encoding } from './media.ts';
import { decodeProtobuf } from './protobuf.ts';

/** kube-apiserver's default --max-request-bytes. */
export const BODY_LIMIT = 3 * 2 ** 20;
/** Somebody who is still sending when the connection ends may never read why: what is not much too large is taken in, and dropped. */
const DRAIN_LIMIT = 4 * BODY_LIMIT;
const DEPTH_LIMIT = 500;
const UTF8 = new TextDecoder('utf-8', { fatal: true });

/**
 * Reads the whole body.
 * @throws ApiError 413 beyond BODY_LIMIT
 */
export function readBody(request: IncomingMessage): Promise<Buffer> {
  if (Number(request.headers['content-length'] ?? 0) > DRAIN_LIMIT) throw tooLarge(BODY_LIMIT);
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
  const chunks: Buffer[] = [];
  let size = 0;
  request.on('data', (chunk: Buffer) => {
    size += chunk.length;
    if (size <= BODY_LIMIT) chunks.push(chunk);
    else chunks.length = 0;
    if (size > DRAIN_LIMIT) reject(tooLarge(BODY_LIMIT));
  });
  request.on('end', () => {
    if (size > BODY_LIMIT) reject(tooLarge(BODY_LIMIT));
    else resolve(chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks));
  });
  request.on('error', reject);
  return promise;
}

/** The body as text. @throws ApiError 400 when it is not UTF-8 */
export function bodyText(body: Buffer): string {
  try {
    return UTF8.decode(body);
  } catch (error) {
    if (error instanceof TypeError) throw badRequest('the body of the request is not valid UTF-8');
    throw error;
  }
}

/**
 * Decodes a whole body.
 * @throws ApiError 400 as decode(); 415 for a kind that has no protobuf form
 */
export function decodeBody(body: Buffer, encoding: Encoding | 'protobuf'): Json {
  if (encoding !== 'protobuf') return decode(bodyText(body), encoding);
  const object = decodeProtobuf(body);
  if (!object) throw unsupportedMediaType(BODY_TYPES);
  return object;
}

/**
 * Decodes a document.
 * @throws ApiError 400 for syntax errors, nesting bombs and keys that would reach an object's prototype.
 */
export function decode(text: string, encoding: Encoding): Json {
  const value = encoding === 'yaml' ? decodeYaml(text) : decodeJson(text);
  checkNesting(value, text.length);
  return value;
}

/**
 * Checks a value that may be stored.
 * @param most how many values it may hold: an alias in YAML counts for all that it stands for
 * @throws ApiError 400 for nesting bombs and keys that would reach an object's prototype
 */
export function checkNesting(value: Json, most: number): void {
  checkDepth(value, DEPTH_LIMIT, { values: most + 1 });
}

function decodeJson(text: string): Json {
  try {
    return JSON.parse(text) as Json;
  } catch (error) {
    // Nesting beyond the engine's stack.
    if (error instanceof RangeError) throw badRequest('the body of the request is nested too deeply');
    if (error instanceof SyntaxError)
      throw badRequest(`couldn't get version/kind; json parse error: ${explain(error, text)}`);
    throw error;
  }
}

/** A syntax error in Go's words, as far as they can be told from V8's. */
function explain(error: SyntaxError, text: string): string {
  const position = Number(/at position (\d+)/.exec(error.message)?.[1] ?? -1);
  if (error.message.startsWith('Unexpected end') || position >= text.length) return 'unexpected end of JSON input';
  const token = /^Unexpected token '(.+?)'/s.exec(error.message)?.[1];
  return token === undefined ? error.message : `invalid character '${token}' looking for beginning of value`;
}

/** What is wrong and where; the exception's own message quotes the line, which may be as long as the body. */
function explainYaml({ reason, mark }: YAMLException): string {
  return mark && mark.line > 0 ? `line ${mark.line + 1}: ${reason}` : reason;
}

function decodeYaml(text: string): Json {
  try {
    return (load(text, { schema: CORE_SCHEMA }) ?? null) as Json;
  } catch (error) {
    if (error instanceof YAMLException) throw badRequest(`error converting YAML to JSON: yaml: ${explainYaml(error)}`);
    if (error instanceof RangeError) throw badRequest('the body of the request is nested too deeply');
    throw error;
  }
}

function checkDepth(value: Json | undefined, depth: number, left: { values: number }): void {
  if (left.values-- === 0) throw badRequest('the body of the request holds too many aliases');
  if (typeof value !== 'object' || value === null) return;
  if (depth === 0) throw badRequest('the body of the request is nested too deeply');
  if (Array.isArray(value)) {
    for (const item of value) checkDepth(item, depth - 1, left);
    return;
  }
  // The only key whose assignment does not make a property; no Kubernetes type has it.
  if (Object.hasOwn(value, '__proto__')) throw badRequest('unsupported key "__proto__" in the body of the request');
  for (const key in value) checkDepth(value[key], depth - 1, left);
}

/** How many keys the objects of a JSON text have: its colons outside of strings. */
function countKeysIn(text: string): number {
  let keys = 0;
  let inString = false;
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index);
    if (code === QUOTE) inString = !inString;
    else if (inString) index += code === BACKSLASH ? 1 : 0;
    else if (code === COLON) keys++;
  }
  return keys;
}

const [QUOTE, BACKSLASH, COLON] = [0x22, 0x5c, 0x3a];

function countKeys(value: Json): number {
  if (typeof value !== 'object' || value === null) return 0;
  let keys = 0;
  if (Array.isArray(value)) for (const item of value) keys += countKeys(item);
  else for (const key in value) keys += 1 + countKeys(value[key] ?? null);
  return keys;
}

/**
 * Duplicate keys in a JSON text, as paths ("spec.power").
 * @param value what JSON.parse made of the text: where no key was lost, there is no duplicate to look for
 */
export function duplicateKeys(text: string, value: Json): string[] {
  return countKeysIn(text) === countKeys(value) ? [] : findDuplicates(text);
}

/** Duplicate keys in the JSON text, as paths ("spec.power"): Go's strict decoder reports them, JSON.parse drops them. */
function findDuplicates(text: string): string[] {
  const found: string[] = [];
  type Frame = { object: boolean; keys: Set<string>; key: string; index: number };
  const stack: Frame[] = [];
  const path = () =>
    stack.reduce(
      (whole, frame) => (frame.object ? `${whole}${whole ? '.' : ''}${frame.key}` : `${whole}[${frame.index}]`),
      '',
    );
  const tokens = /"(?:[^"\\]|\\.)*"|[{}[\],]/g;
  let expectKey = false;
  for (let match = tokens.exec(text); match; match = tokens.exec(text)) {
    const token = match[0];
    const top = stack[stack.length - 1];
    if (token === '{' || token === '[') {
      stack.push({ object: token === '{', keys: new Set(), key: '', index: 0 });
      expectKey = token === '{';
    } else if (token === '}' || token === ']') {
      stack.pop();
      expectKey = false;
    } else if (token === ',') {
      if (top?.object) expectKey = true;
      else if (top) top.index++;
    } else if (expectKey && top) {
      top.key = JSON.parse(token) as string;
      expectKey = false;
      if (top.keys.has(top.key)) found.push(path());
      top.keys.add(top.key);
    }
  }
  return found;
}
