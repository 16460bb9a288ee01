// The JSONPath of printer columns (k8s.io/client-go/util/jsonpath, the part that CRDs may use): fields, indexes, wildcards and
// filters such as .status.conditions[?(@.type=="Ready")].status.
import { isObject, type Json } from '../json.ts';

type Step = (values: Json[]) => Json[];

export type JsonPath = (root: Json) => Json[];

/** A path that cannot be read. */
export class JsonPathError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'JsonPathError';
  }
}

/** @throws JsonPathError when the path cannot be read. */
export function compileJsonPath(text: string): JsonPath {
  const inner = text.replace(/^\{(.*)\}$/s, '$1').replace(/^\$/, '');
  const steps = parse(inner);
  return (root) => steps.reduce((values, step) => step(values), [root]);
}

const FIELD = /\.((?:[^.[\]\\]|\\.)+)/y;
const BRACKET = /\[\s*(?:'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)"|(\*)|(-?\d*:-?\d*|-?\d+)|\?\((.*?)\))\s*\]/sy;

function parse(text: string): Step[] {
  const steps: Step[] = [];
  let position = 0;
  const source = text.startsWith('.') || text.startsWith('[') || text === '' ? text : `.${text}`;
  while (position < source.length) {
    if (source.startsWith('..', position)) throw new JsonPathError(`unsupported recursive descent in ${text}`);
    FIELD.lastIndex = position;
    BRACKET.lastIndex = position;
    const field = FIELD.exec(source);
    const bracket = field ? null : BRACKET.exec(source);
    if (field) {
      const name = field[1]!.replace(/\\(.)/g, '$1');
      position += field[0].length;
      steps.push(name === '*' ? wildcard : property(name));
    } else if (bracket) {
      const [whole, single, double, star, range, filter] = bracket;
      position += whole.length;
      if (star) steps.push(wildcard);
      else if (range !== undefined) steps.push(range.includes(':') ? slice(range) : index(Number(range)));
      else if (filter !== undefined) steps.push(select(filter));
      else steps.push(property((single ?? double ?? '').replace(/\\(.)/g, '$1')));
    } else if (source === '.') {
      position = 1;
    } else throw new JsonPathError(`cannot read ${text} at ${position}`);
  }
  return steps;
}

const property =
  (name: string): Step =>
  (values) =>
    values.flatMap((value) => {
      const found = isObject(value) && Object.hasOwn(value, name) ? value[name] : undefined;
      return found === undefined ? [] : [found];
    });

const wildcard: Step = (values) =>
  values.flatMap((value) =>
    Array.isArray(value) ? value : isObject(value) ? Object.values(value).filter((item) => item !== undefined) : [],
  );

const index =
  (position: number): Step =>
  (values) =>
    values.flatMap((value) => {
      const found = Array.isArray(value) ? value.at(position) : undefined;
      return found === undefined ? [] : [found];
    });

function slice(range: string): Step {
  const [from = '', to = ''] = range.split(':');
  return (values) =>
    values.flatMap((value) =>
      Array.isArray(value) ? value.slice(from === '' ? 0 : Number(from), to === '' ? undefined : Number(to)) : [],
    );
}

/** A filter over a list: @.path OPERATOR literal, or @.path alone for "is there". */
function select(filter: string): Step {
  const match = /^\s*@(.*?)\s*(?:(==|!=|<=|>=|<|>)\s*(.+?))?\s*$/s.exec(filter);
  if (!match) throw new JsonPathError(`cannot read filter ${filter}`);
  const [, path = '', operator, literal] = match;
  const inner = compileJsonPath(path);
  if (operator === undefined || literal === undefined) {
    return (values) => wildcard(values).filter((item) => inner(item).length > 0);
  }
  const wanted = parseLiteral(literal);
  return (values) => wildcard(values).filter((item) => inner(item).some((value) => holds(value, operator, wanted)));
}

function parseLiteral(text: string): Json {
  const quoted = /^'(.*)'$|^"(.*)"$/s.exec(text);
  if (quoted) return quoted[1] ?? quoted[2] ?? '';
  if (text === 'true' || text === 'false') return text === 'true';
  const number = Number(text);
  if (Number.isNaN(number)) throw new JsonPathError(`cannot read literal ${text}`);
  return number;
}

function holds(value: Json, operator: string, wanted: Json): boolean {
  if (operator === '==') return value === wanted;
  if (operator === '!=') return value !== wanted;
  const comparable = typeof value === typeof wanted && (typeof value === 'number' || typeof value === 'string');
  if (!comparable) return false;
  const [left, right] = [value as number, wanted as number];
  if (operator === '<') return left < right;
  if (operator === '<=') return left <= right;
  return operator === '>' ? left > right : left >= right;
}
