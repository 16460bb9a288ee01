// In which form a command tells what it has found: a table for people, JSON or YAML for programs.
import { dump } from 'js-yaml';
import { text, UsageError, type Values } from './command.ts';

const FORMS = ['table', 'json', 'yaml'] as const;
export type Form = (typeof FORMS)[number];

export const FORM_OPTIONS = { output: { type: 'string', short: 'o' } } as const;
export const FORM_HELP = '  -o, --output FORM      table, json or yaml (default table)';

/** @throws UsageError for a form that is none */
export function formOf(values: Values): Form {
  const word = text(values, 'output') ?? 'table';
  const form = FORMS.find((one) => one === word);
  if (!form) throw new UsageError(`--output takes ${FORMS.join(', ')}, not "${word}"`);
  return form;
}

/** The value for programs; as a table, the lines that `table` makes. */
export function inForm(form: Form, value: unknown, table: () => readonly string[]): string {
  if (form === 'json') return JSON.stringify(value, null, 2);
  if (form === 'yaml') return dump(value, { noRefs: true, lineWidth: 120 }).trimEnd();
  return table().join('\n').trimEnd();
}
