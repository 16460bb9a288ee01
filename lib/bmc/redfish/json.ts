// Reading what a Redfish service sends: nothing is believed before it was looked at.

export type Json = Readonly<Record<string, unknown>>;

/** What a service sent is not what Redfish says it must be. */
export class ShapeError extends Error {
  override readonly name = 'ShapeError';
}

/** The object that these bytes are the JSON of. */
export function parse(bytes: Buffer, what: string): Json {
  return asObject(parsed(bytes, what), what);
}

function parsed(bytes: Buffer, what: string): unknown {
  try {
    return JSON.parse(bytes.toString('utf8'));
  } catch {
    // What the parser says would quote the answer, which may hold a session's token.
    throw new ShapeError(`${what} is not JSON`);
  }
}

export function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function asObject(value: unknown, what: string): Json {
  if (!isObject(value)) throw new ShapeError(`${what} is not an object`);
  return value;
}

/** A text that is there and not empty; anything else is as if it were absent, as Redfish's null is. */
export function text(json: Json, key: string): string | undefined {
  const value = json[key];
  return typeof value === 'string' && value.trim() !== '' ? value.trim() : undefined;
}

export function number(json: Json, key: string): number | undefined {
  const value = json[key];
  return typeof value === 'number' && Number.isFinite(value) ? value : undefined;
}

/** The object under a key; an empty one where there is none. */
export function child(json: Json, key: string): Json {
  const value = json[key];
  return isObject(value) ? value : {};
}

export function objects(json: Json, key: string): Json[] {
  const value = json[key];
  return Array.isArray(value) ? value.filter(isObject) : [];
}

export function texts(json: Json, key: string): string[] {
  const value = json[key];
  return Array.isArray(value) ? value.filter((item) => typeof item === 'string') : [];
}

/** What a table of ours has under a name that came from outside: "constructor" is no entry, although every object has one. */
export function entryOf<T>(table: Readonly<Record<string, T>>, name: string | undefined): T | undefined {
  return name !== undefined && Object.hasOwn(table, name) ? table[name] : undefined;
}

/** Every path of a Redfish service lies under /redfish/; one that leads elsewhere is not followed. */
export function path(value: unknown): string | undefined {
  if (typeof value !== 'string') return undefined;
  const inside = /^\/redfish\/[\w!$&'()*+,;=:@%./~?#-]*$/.test(value) && !value.includes('/../');
  return inside ? value : undefined;
}

/** The path that a link property holds: {"Systems": {"@odata.id": "/redfish/v1/Systems"}}. */
export function link(json: Json, key: string): string | undefined {
  return path(child(json, key)['@odata.id']);
}

/** The paths of a collection's members, in its order. */
export function memberPaths(collection: Json, key = 'Members'): string[] {
  return objects(collection, key)
    .map((member) => path(member['@odata.id']))
    .filter((member) => member !== undefined);
}
