// Label selectors as the query string writes them: "a=b,c!=d,e in (x,y),f,!g,h>3" (apimachinery labels.Parse).
import { labelValue, qualifiedName } from '../resources/names.ts';
import { badRequest } from '../status.ts';

export type LabelSelector = (labels: { readonly [key: string]: string } | undefined) => boolean;

interface Requirement {
  readonly key: string;
  readonly operator: '=' | '!=' | 'in' | 'notin' | 'exists' | '!' | '>' | '<';
  readonly values: readonly string[];
}

const TOKEN = /\s*(!=|==|=|,|\(|\)|!|>|<|[^\s!=,()><]+)\s*/y;

/** @throws ApiError 400 when the text is no selector. */
export function parseLabelSelector(text: string): LabelSelector {
  const requirements = parse(text);
  return (labels) => requirements.every((requirement) => holds(requirement, labels ?? {}));
}

function refuse(why: string): Error {
  return badRequest(`unable to parse requirement: ${why}`);
}

function tokenise(text: string): string[] {
  const tokens: string[] = [];
  TOKEN.lastIndex = 0;
  const end = text.trimEnd().length;
  while (TOKEN.lastIndex < end) {
    const from = TOKEN.lastIndex;
    const match = TOKEN.exec(text);
    if (!match) throw refuse(`unexpected text at ${from}`);
    tokens.push(match[1]!);
  }
  return tokens;
}

const found = (token: string | undefined) => `found '${token ?? ''}'`;

function parse(text: string): Requirement[] {
  const tokens = tokenise(text);
  const requirements: Requirement[] = [];
  if (tokens.length === 0) return requirements;
  for (;;) {
    requirements.push(validated(parseOne(tokens)));
    const next = tokens.shift();
    if (next === undefined) return requirements;
    if (next !== ',') throw refuse(`found '${next}', expected: ',' or 'end of string'`);
    if (tokens.length === 0) throw refuse("found '', expected: identifier after ','");
  }
}

const SYMBOLS = new Set(['!=', '==', '=', ',', '(', ')', '!', '>', '<']);

function parseOne(tokens: string[]): Requirement {
  const absent = tokens[0] === '!';
  if (absent) tokens.shift();
  const key = tokens.shift();
  if (key === undefined || SYMBOLS.has(key)) throw refuse(`${found(key)}, expected: !, identifier, or 'end of string'`);
  if (absent) return { key, operator: '!', values: [] };
  const operator = tokens[0];
  if (operator === undefined || operator === ',') return { key, operator: 'exists', values: [] };
  tokens.shift();
  if (operator === 'in' || operator === 'notin') return { key, operator, values: parseValues(tokens) };
  const operators = { '=': '=', '==': '=', '!=': '!=', '>': '>', '<': '<' } as const;
  const known = operators[operator as keyof typeof operators];
  if (!known) throw refuse(`${found(operator)}, expected: in, notin, =, ==, !=, gt, lt`);
  if (tokens[0] === undefined || tokens[0] === ',') return { key, operator: known, values: [''] };
  const value = tokens.shift()!;
  if (SYMBOLS.has(value)) throw refuse(`${found(value)}, expected: identifier`);
  return { key, operator: known, values: [value] };
}

function parseValues(tokens: string[]): string[] {
  const open = tokens.shift();
  if (open !== '(') throw refuse(`${found(open)}, expected: '('`);
  const values: string[] = [];
  for (;;) {
    const token = tokens.shift();
    if (token === undefined) throw refuse("found '', expected: ',' or ')'");
    if (token === ')') {
      if (values.length === 0) values.push('');
      return values;
    }
    if (token === ',') {
      if (values.length === 0 || tokens[0] === ',' || tokens[0] === ')') values.push('');
    } else if (SYMBOLS.has(token)) throw refuse(`${found(token)}, expected: ',', ')' or identifier`);
    else values.push(token);
  }
}

function validated(requirement: Requirement): Requirement {
  const { key, operator, values } = requirement;
  for (const problem of qualifiedName(key)) throw refuse(`key: Invalid value: ${JSON.stringify(key)}: ${problem}`);
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
