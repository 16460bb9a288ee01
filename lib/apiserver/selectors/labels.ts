// Label selectors as the query string writes them: "a=b,c!=d,e in (x,y),f,!g,h>3" (apimachinery labels.Parse).
import { labelValue, qualifiedName } from '../resources/names.ts';
import { badRequest } from '../status.ts';

export type LabelSelector = (labels: { readonly [key: string]: string } | undefined) => boolean;

interface Requirement {
  readonly key: string;
  readonly operator: '=' | '!=' | 'in' | 'notin' | 'exists' | '!' | '>' | '<';
  readonly values: readonly string[];
}

/** Operators, or whatever stands between them and blanks. */
const TOKEN = /!=|==|[=,()!<>]|[^\s!=,()<>]+/g;

/** @throws ApiError 400 when the text is no selector. */
export function parseLabelSelector(text: string): LabelSelector {
  const requirements = parse(text);
  return (labels) => requirements.every((requirement) => holds(requirement, labels ?? {}));
}

function tokenise(text: string): string[] {
  return text.match(TOKEN) ?? [];
}

const isSymbol = (token: string): boolean => /^[!=<>(),]/.test(token);
const found = (token: string | undefined): string => `found '${token ?? ''}'`;

function parse(text: string): Requirement[] {
  const tokens = tokenise(text);
  const requirements: Requirement[] = [];
  while (tokens.length > 0) {
    const first = tokens[0]!;
    if (isSymbol(first) && first !== '!')
      throw badRequest(`${found(first)}, expected: !, identifier, or 'end of string'`);
    requirements.push(validated(parseOne(tokens)));
    const next = tokens.shift();
    if (next === undefined) break;
    if (next !== ',') throw badRequest(`${found(next)}, expected: ',' or 'end of string'`);
    const after = tokens[0];
    if (after === undefined || (isSymbol(after) && after !== '!')) {
      throw badRequest(`${found(after)}, expected: identifier after ','`);
    }
  }
  return requirements;
}

function refuse(why: string): Error {
  return badRequest(`unable to parse requirement: ${why}`);
}

const OPERATORS: { readonly [token: string]: Requirement['operator'] } = {
  '=': '=',
  '==': '=',
  '!=': '!=',
  '>': '>',
  '<': '<',
  in: 'in',
  notin: 'notin',
};

function parseOne(tokens: string[]): Requirement {
  const absent = tokens[0] === '!';
  if (absent) tokens.shift();
  const key = tokens.shift();
  if (key === undefined || isSymbol(key)) throw refuse(`${found(key)}, expected: identifier`);
  const problems = qualifiedName(key);
  if (problems.length > 0) throw refuse(`<nil>: Invalid value: ${JSON.stringify(key)}: ${problems.join('; ')}`);
  if (absent) return { key, operator: '!', values: [] };
  const token = tokens[0];
  if (token === undefined || token === ',') return { key, operator: 'exists', values: [] };
  tokens.shift();
  const operator = Object.hasOwn(OPERATORS, token) ? OPERATORS[token]! : undefined;
  if (!operator) throw refuse(`${found(token)}, expected: in, notin, =, ==, !=, gt, lt`);
  const values = operator === 'in' || operator === 'notin' ? parseValues(tokens) : [parseValue(tokens)];
  return { key, operator, values };
}

function parseValue(tokens: string[]): string {
  if (tokens[0] === undefined || tokens[0] === ',') return '';
  const value = tokens.shift()!;
  if (isSymbol(value)) throw refuse(`${found(value)}, expected: identifier`);
  return value;
}

/** A set in parentheses. Empty places in it are the empty value. */
function parseValues(tokens: string[]): string[] {
  const open = tokens.shift();
  if (open !== '(') throw refuse(`${found(open)} expected: '('`);
  const first = tokens[0];
  if (first === undefined || (isSymbol(first) && first !== ',' && first !== ')')) {
    throw refuse(`${found(first)}, expected: ',', ')' or identifier`);
  }
  const values = new Set<string>();
  let expectValue = true;
  for (;;) {
    const token = tokens.shift();
    if (token === ')' || token === ',') {
      if (expectValue) values.add('');
      if (token === ')') return [...values];
      expectValue = true;
    } else if (token === undefined || isSymbol(token) || !expectValue) {
      throw refuse(`${found(token)}, expected: ${expectValue ? "',', or identifier" : "',' or ')'"}`);
    } else {
      values.add(token);
      expectValue = false;
    }
  }
}

function validated(requirement: Requirement): Requirement {
  const { key, operator, values } = requirement;
  if (operator === '>' || operator === '<') {
    if (!/^[+-]?\d+$/.test(values[0] ?? '')) {
      throw refuse(
        `values[0]: Invalid value: ${JSON.stringify(values[0])}: for 'Gt', 'Lt' operators, the value must be an integer`,
      );
    }
    return requirement;
  }
  values.forEach((value, index) => {
    const [problem] = labelValue(value);
    if (problem) throw refuse(`values[${index}][${key}]: Invalid value: ${JSON.stringify(value)}: ${problem}`);
  });
  return requirement;
}

function holds({ key, operator, values }: Requirement, labels: { readonly [key: string]: string }): boolean {
  const value = Object.hasOwn(labels, key) ? labels[key] : undefined;
  switch (operator) {
    case '=':
    case 'in':
      return value !== undefined && values.includes(value);
    case '!=':
    case 'notin':
      return value === undefined || !values.includes(value);
    case 'exists':
      return value !== undefined;
    case '!':
      return value === undefined;
    default: {
      if (value === undefined || !/^[+-]?\d+$/.test(value)) return false;
      return operator === '>' ? BigInt(value) > BigInt(values[0]!) : BigInt(value) < BigInt(values[0]!);
    }
  }
}
