// In which form a command tells what it has found: a table for people, JSON or YAML for programs.
import { dump } from 'js-yaml';
import { text, UsageError, type Values } from './command.ts';

const FORMS = ['table', 'json', 'yaml'] as const;
export type Form = (typeof FORMS)[number];

export const FORM_OPTIONS = { output: { type: 'string', short: 'o' } } as const;
export const FORM_HELP = '  -o, --output FORM      table, json or yaml (default table)';

/** One of these three, or of `more` that the command has. @throws UsageError for a form that is none */
export function formOf<F extends string = never>(values: Values, ...more: readonly F[]): Form | F {
  const forms: readonly (Form | F)[] = [...FORMS, ...more];
  const word = text(values, 'output') ?? 'table';
  const form = forms.find((one) => one === word);
  if (!form) throw new UsageError(`--output takes ${forms.join(', ')}, not "${word}"`);
  return form;
}

const FIRST = ['apiVersion', 'kind', 'metadata', 'spec'];

/** Objects of the API with their fields in the order in which people read them, whatever the server's is. */
function inReadingOrder(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(inReadingOrder);
  if (typeof value !== 'object' || value === null) return value;
  const keys = Object.keys(value);
  const first = keys.includes('kind') ? FIRST.filter((key) => keys.includes(key)) : [];
  const order = [...first, ...keys.filter((key) => !first.includes(key))];
  return Object.fromEntries(order.map((key) => [key, inReadingOrder((value as Record<string, unknown>)[key])]));
}

/** The value for programs; as a table, the lines that `table` makes. */
export function inForm(form: Form, value: unknown, table: () => readonly string[]): string {
  if (form === 'json') return JSON.stringify(inReadingOrder(value), null, 2);
  if (form === 'yaml') return dump(inReadingOrder(value), { noRefs: true, lineWidth: 120 }).trimEnd();
  return table().join('\n').trimEnd();
}
