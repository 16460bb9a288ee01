// Makes answers of different servers comparable: what is random or counts on its own becomes a placeholder, numbered by first
// appearance, so that two equal values stay equal and two different ones different.
import { asText, isObject, type Json, type JsonObject } from '../json.ts';

const UUID = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g;
const INSTANT = /\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?Z/g;
const AGE = /^\d+[smhdy](\d+[smhdy])?$/;
/** Instants of cases' own data must survive: they lie in years that no test runs in. */
const OWN_INSTANT = /^(19|200|209)/;
const VERSION_TEXTS = [
  /(the ResourceVersion in the precondition \()(\d+)(\) does not match the ResourceVersion in record \()(\d+)(\))/g,
  /(Too large resource version: )(\d+)(, current: )(\d+)/g,
  /(too old resource version: )(\d+)( \()(\d+)(\))/g,
  /(ResourceVersion in precondition: )(\d+)(, ResourceVersion in object meta: )(\d+)/g,
  /(\\?"resourceVersion\\?":\\?")(\d+)(\\?")()/g,
  /(The provided resource version is no longer available: )(\d+)( \()(\d+)(\))/g,
];

const isList = (value: JsonObject): boolean => Array.isArray(value['items']) || Array.isArray(value['rows']);

/** Some servers check fields in random order: the order of causes is nobody's promise. */
function sortCauses(status: JsonObject): JsonObject {
  const details = status['details'];
  const causes = isObject(details) && Array.isArray(details['causes']) ? details['causes'] : [];
  if (causes.length < 2 || !isObject(details)) return status;
  // Some servers also tell one refusal twice.
  const sorted = [...new Set(causes.map((cause) => JSON.stringify(cause)))].sort();
  const message = asText(status['message']).replace(/ is invalid: \[.*\]$/s, ' is invalid: [<causes>]');
  return { ...status, message, details: { ...details, causes: sorted.map((text) => JSON.parse(text) as Json) } };
}

export class Normaliser {
  readonly #names: readonly (readonly [string, string])[];
  readonly #seen = new Map<string, string>();
  readonly #counts = new Map<string, number>();

  /** @param names texts of this run and what stands for them: the namespace's name, for one */
  constructor(names: { readonly [text: string]: string }) {
    this.#names = Object.entries(names);
  }

  #placeholder(kind: string, value: string): string {
    const key = `${kind} ${value}`;
    let found = this.#seen.get(key);
    if (!found) {
      const count = (this.#counts.get(kind) ?? 0) + 1;
      this.#counts.set(kind, count);
      found = `<${kind} ${count}>`;
      this.#seen.set(key, found);
    }
    return found;
  }

  /** A list's version counts every write of the cluster, so that it says nothing about the case. */
  #listMetadata(metadata: Json | undefined): Json {
    if (!isObject(metadata)) return this.json(metadata);
    const { resourceVersion, ...rest } = metadata;
    const shown = this.json(rest) as JsonObject;
    return resourceVersion ? { ...shown, resourceVersion: '<list version>' } : shown;
  }

  #cell(value: Json): Json {
    return typeof value === 'string' && AGE.test(value) ? '<age>' : this.json(value);
  }

  text(value: string): string {
    let result = value;
    for (const [name, placeholder] of this.#names) result = result.replaceAll(name, placeholder);
    result = result.replace(UUID, (uuid) => this.#placeholder('uid', uuid));
    result = result.replace(INSTANT, (instant) => (OWN_INSTANT.test(instant) ? instant : '<time>'));
    for (const pattern of VERSION_TEXTS) {
      result = result.replace(
        pattern,
        (_, before: string, _first: string, between: string, _second: string, after?: string) =>
          [before, '<n>', between, '<n>', typeof after === 'string' ? after : ''].join(''),
      );
    }
    return result;
  }

  json(value: Json | undefined, key = ''): Json {
    if (typeof value === 'string') {
      if (key === 'resourceVersion' && /^\d+$/.test(value) && value !== '0') return this.#placeholder('version', value);
      if (key === 'continue' && value !== '') return '<continue>';
      if (key === 'serverAddress') return '<address>';
      return this.text(value);
    }
    if (Array.isArray(value)) return value.map((item) => (key === 'cells' ? this.#cell(item) : this.json(item)));
    if (!isObject(value)) return value ?? null;
    if (value['type'] === 'BOOKMARK' && isObject(value['object'])) {
      const { metadata, ...rest } = value['object'];
      return {
        type: 'BOOKMARK',
        object: { ...(this.json(rest) as JsonObject), metadata: this.#listMetadata(metadata) },
      };
    }
    const result: JsonObject = {};
    for (const name of Object.keys(value).sort()) {
      const item = value[name];
      result[this.text(name)] = name === 'metadata' && isList(value) ? this.#listMetadata(item) : this.json(item, name);
    }
    return sortCauses(result);
  }
}
