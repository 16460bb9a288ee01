// A spreadsheet as rows of text: CSV as any program exports it, or the first sheet of an XLSX file.
import { readFile, stat } from 'node:fs/promises';
import { extname } from 'node:path';
import { CsvError, parse } from 'csv-parse/sync';
import { readSheet as readXlsx } from 'read-excel-file/node';

const LARGEST_BYTES = 16 * 2 ** 20;
/** What programs put between cells, depending on the country that they are set to. */
const SEPARATORS = [',', ';', '\t'] as const;

export interface Row {
  /** Line of the file, or row of the sheet; from 1. */
  readonly line: number;
  /** Without the white space around them. */
  readonly cells: readonly string[];
}

/** The rows that say anything, the header first. @throws Error naming the file, never quoting it: passwords are in it */
export async function readSheet(path: string): Promise<Row[]> {
  const { size } = await stat(path);
  if (size > LARGEST_BYTES) throw new Error(`${path}: has ${size} bytes, expected at most ${LARGEST_BYTES}`);
  const content = await readFile(path);
  const rows = extname(path).toLowerCase() === '.xlsx' ? await xlsxRows(path, content) : csvRows(path, content);
  return rows.filter(({ cells }) => cells.some((cell) => cell !== ''));
}

function csvRows(path: string, content: Buffer): Row[] {
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(content);
  } catch (error) {
    throw new Error(`${path}: is neither UTF-8 text nor named .xlsx`, { cause: error });
  }
  const header = text.slice(0, text.search(/\r|\n|$/));
  const count = (separator: string) => header.split(separator).length;
  const delimiter = SEPARATORS.reduce((best, one) => (count(one) > count(best) ? one : best));
  try {
    const parsed = parse(text, { delimiter, trim: true, relax_column_count: true, info: true });
    return (parsed as unknown as { record: string[]; info: { lines: number } }[]).map(({ record, info }) => ({
      line: info.lines,
      cells: record,
    }));
  } catch (error) {
    if (!(error instanceof CsvError)) throw error;
    throw new Error(`${path}: is no CSV: ${error.code}, near line ${Number(error.lines)}`);
  }
}

/** A cell of a sheet; dates, which no column holds, as they are written most exactly. */
function textOf(cell: unknown): string {
  if (cell instanceof Date) return cell.toISOString();
  return typeof cell === 'string' || typeof cell === 'number' || typeof cell === 'boolean' ? String(cell).trim() : '';
}

async function xlsxRows(path: string, content: Buffer): Promise<Row[]> {
  try {
    const rows = await readXlsx(content);
    return rows.map((cells, index) => ({
      line: index + 1,
      cells: cells.map(textOf),
    }));
  } catch (error) {
    throw new Error(`${path}: is no XLSX that can be read`, { cause: error });
  }
}
