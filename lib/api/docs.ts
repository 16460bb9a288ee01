// Writes docs/ from the tables in the code: what people look up, and what must not be told otherwise there.
//
//   node lib/api/docs.ts           write
//   node lib/api/docs.ts --check   exit 1 when what is there is not what would be written
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { type Meaning, REASONS, type Retry } from './reasons.ts';

const DOCS = new URL('../../docs/', import.meta.url);

const AGAIN: Record<Retry, string> = { no: '', itself: 'by itself', change: 'when something changes' };
const cell = (text: string) => text.replaceAll('|', '\\|');

function row([reason, { on, meaning, remedy, retry }]: [string, Meaning]): string {
  return `| \`${reason}\` | ${on.join(', ')} | ${cell(meaning)} | ${cell(remedy)} | ${AGAIN[retry]} |`;
}

function reasonsPage(): string {
  const parts = Object.entries(REASONS).map(([kind, reasons]) => {
    const rows = Object.entries(reasons)
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(row);
    return [`## ${kind}`, '', '| reason | on | means | what to do | tried again |', '|---|---|---|---|---|', ...rows];
  });
  return [
    '<!-- Generated from lib/api/reasons.ts by `npm run docs`. Do not edit. -->',
    '# Reasons',
    '',
    'What can stand as `reason` in a condition or an event, by the kind of the object. What stands on `Ready` stands on',
    '`Reconciling` or `Stalled` as well while the object is not as it is wanted.',
    ...parts.flatMap((lines) => ['', ...lines]),
    '',
  ].join('\n');
}

const PAGES: Readonly<Record<string, () => string>> = { 'reasons.md': reasonsPage };

if (import.meta.main) {
  mkdirSync(DOCS, { recursive: true });
  for (const [name, make] of Object.entries(PAGES)) {
    const file = new URL(name, DOCS);
    const page = make();
    const isCurrent = existsSync(file) && readFileSync(file, 'utf8') === page;
    if (isCurrent) continue;
    if (process.argv.includes('--check')) {
      console.error(`docs/${name} is not what the code says: run \`npm run docs\``);
      process.exitCode = 1;
    } else writeFileSync(file, page);
  }
}
