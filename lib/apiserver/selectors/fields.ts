// Field selectors: "metadata.name=a,status.phase!=Running" (apimachinery fields.ParseSelector).
import { at, type KubeObject } from '../json.ts';
import { badRequest } from '../status.ts';

export interface FieldSelector {
  readonly matches: (object: KubeObject) => boolean;
  /** The only name that can match, when the selector says so: then a list is a look-up. */
  readonly name: string | undefined;
}

interface Term {
  readonly field: string;
  readonly negated: boolean;
  readonly value: string;
}

/** The value of a field for selection: absent is "", everything else its text. */
export function fieldValue(object: KubeObject, field: string): string {
  // Of an event's source, its component is meant.
  const value = at(object as never, (field === 'source' ? 'source.component' : field).split('.'));
  if (value === undefined || value === null) return '';
  return typeof value === 'string' ? value : JSON.stringify(value);
}

/**
 * @param fields which fields the resource can be selected by, beside metadata.name and metadata.namespace; undefined for kinds
 *   that have no such fields at all, which the API words in another way
 * @throws ApiError 400 for a field that cannot be selected by, or broken syntax
 */
export function parseFieldSelector(text: string, fields: readonly string[] | undefined): FieldSelector {
  const terms = splitTerms(text).map(parseTerm);
  for (const { field } of terms) {
    if (field === 'metadata.name' || field === 'metadata.namespace' || fields?.includes(field)) continue;
    throw badRequest(
      fields
        ? `field label not supported: ${field}`
        : `${JSON.stringify(field)} is not a known field selector: only "metadata.name", "metadata.namespace"`,
    );
  }
  return {
    matches: (object) => terms.every((term) => (fieldValue(object, term.field) === term.value) !== term.negated),
    name: terms.find((term) => term.field === 'metadata.name' && !term.negated)?.value,
  };
}

/** Splits at commas that no backslash escapes. Empty terms mean nothing. */
function splitTerms(text: string): string[] {
  return text.match(/(?:[^,\\]|\\.)+/g)?.filter((term) => term !== '') ?? [];
}

function parseTerm(text: string): Term {
  const match = /^(.*?)(!=|==|=)(.*)$/s.exec(text);
  if (!match) throw badRequest(`invalid selector: '${text}'; can't understand '${text}'`);
  const [, field = '', operator, value = ''] = match;
  return { field, negated: operator === '!=', value: unescaped(value) };
}

function unescaped(value: string): string {
  return value.replace(/\\(.?)|[,=]/gs, (found, escaped?: string) => {
    if (escaped === undefined) {
      throw badRequest(`invalid field selector: unescaped character in value: ${found.codePointAt(0)}`);
    }
    if (escaped === '' || !'\\,='.includes(escaped)) {
      throw badRequest(`invalid field selector: invalid escape sequence: ${found}`);
    }
    return escaped;
  });
}
