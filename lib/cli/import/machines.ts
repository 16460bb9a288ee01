// Rows of a spreadsheet as Devices and Secrets, with everything that is wrong with them told by cell. Pure.
import { API_VERSION } from '../../api/resources.ts';
import type { KubeObject } from '../../kube/resource.ts';
import type { Check } from '../../sync/check.ts';
import type { Manifest } from '../../sync/manifest.ts';
import { COLUMNS, type Column, columnOf } from './columns.ts';
import type { Row } from './sheet.ts';

export interface Machine {
  readonly line: number;
  readonly device: KubeObject;
  /** With the BMC's login; none: the Site's is used. */
  readonly secret: KubeObject | undefined;
}

export interface Defaults {
  /** For rows that name no Site. */
  readonly site: string | undefined;
  /** The operator's, where the Secrets go. */
  readonly namespace: string;
}

export interface Import {
  readonly machines: readonly Machine[];
  /** `line 7, boot mac: …`; none: it may be applied. */
  readonly problems: readonly string[];
}

const told = (line: number, title: string, text: string): string => `line ${line}, ${title}: ${text}`;

/** Which cell is of which column; what is no column of ours is an error: a misspelt one would be left out without a word. */
function headerOf({ line, cells }: Row): { columns: (Column | undefined)[]; problems: string[] } {
  const columns = cells.map(columnOf);
  const problems: string[] = [];
  for (const [index, column] of columns.entries()) {
    const title = cells[index]!;
    if (!column && title !== '')
      problems.push(
        told(line, title, `is no column that is known: ${COLUMNS.map(({ title: own }) => own).join(', ')}`),
      );
    if (column && columns.indexOf(column) !== index)
      problems.push(told(line, title, `there are two columns of ${column.title}`));
  }
  for (const column of COLUMNS)
    if (column.required && !columns.includes(column)) problems.push(told(line, column.title, 'this column is missing'));
  return { columns, problems };
}

type Tree = Record<string, unknown>;

/** Puts a value where the path leads. */
function put(tree: Tree, path: readonly string[], value: unknown): void {
  const [first, ...rest] = path as [string, ...string[]];
  if (rest.length === 0) {
    tree[first] = value;
    return;
  }
  tree[first] ??= {};
  put(tree[first] as Tree, rest, value);
}

/** One row as objects; undefined with what is wrong, where it cannot be one. */
function machineOf(
  row: Row,
  columns: readonly (Column | undefined)[],
  defaults: Defaults,
  problems: string[],
): Machine {
  const device: Tree = { apiVersion: API_VERSION, kind: 'Device' };
  const secret: Tree = { apiVersion: 'v1', kind: 'Secret' };
  for (const [index, cell] of row.cells.entries()) {
    const column = columns[index];
    if (!column && cell !== '') problems.push(told(row.line, `column ${index + 1}`, 'has no header'));
    if (!column || cell === '') continue;
    const value = column.read ? column.read(cell) : cell;
    if (value === undefined) problems.push(told(row.line, column.title, `expected ${column.expected}, was "${cell}"`));
    else put(column.of === 'Device' ? device : secret, column.field, value);
  }
  const { metadata, spec = {} } = device as { metadata?: { name: string }; spec?: Tree };
  if (defaults.site !== undefined) spec.site ??= defaults.site;
  device.spec = spec;
  const login = secret.stringData as { username?: string; password?: string } | undefined;
  if (!login || !metadata) return { line: row.line, device: device as unknown as KubeObject, secret: undefined };
  for (const key of ['username', 'password'] as const)
    if (login[key] === undefined)
      problems.push(told(row.line, `bmc ${key}`, 'is empty, and the other half of the login is not'));
  const name = `${metadata.name}-bmc`;
  put(device, ['spec', 'bmc', 'credentialsRef', 'name'], name);
  secret.metadata = { name, namespace: defaults.namespace };
  return { line: row.line, device: device as unknown as KubeObject, secret: secret as unknown as KubeObject };
}

/** Names, numbers and addresses that two machines cannot share. */
const UNIQUE = ['name', 'bmc address', 'serial number', 'boot mac'];

function duplicates(rows: readonly Row[], columns: readonly (Column | undefined)[]): string[] {
  return UNIQUE.flatMap((title) => {
    const index = columns.findIndex((column) => column?.title === title);
    const first = new Map<string, number>();
    return rows.flatMap(({ line, cells }) => {
      const column = columns[index];
      const cell = cells[index];
      if (!column || !cell) return [];
      const value = String(column.read?.(cell) ?? cell);
      const other = first.get(value);
      if (other === undefined) first.set(value, line);
      return other === undefined ? [] : [told(line, title, `"${cell}" stands in line ${other} too`)];
    });
  });
}

/** `spec.bmc.address` as the column that fills it. */
const titleOf = (field: string | undefined, kind: string): string =>
  COLUMNS.find(({ field: path, of }) => of === kind && path.join('.') === field)?.title ?? field ?? kind;

/** The rows as objects, checked against the schemas of their kinds by `check`. */
export function readMachines(rows: readonly Row[], check: Check, defaults: Defaults): Import {
  const [header, ...body] = rows;
  if (!header) return { machines: [], problems: ['the sheet is empty: expected a header and a row for each machine'] };
  const { columns, problems } = headerOf(header);
  if (problems.length > 0) return { machines: [], problems };
  const machines = body.map((row) => machineOf(row, columns, defaults, problems));
  // Cells that could not be read have been told of.
  const unread = new Set(problems.map((problem) => problem.split(':', 1)[0]));
  const manifests = machines.flatMap(({ line, device, secret }): Manifest[] =>
    [device, ...(secret ? [secret] : [])].map((object) => ({
      object: 'metadata' in object ? object : ({ ...(object as object), metadata: {} } as KubeObject),
      place: { file: '', line },
      lineOf: () => line,
    })),
  );
  const twice = duplicates(body, columns);
  const broken = manifests
    // One at a time: what stands in two rows is told by cell.
    .flatMap((manifest) => check([manifest]))
    .map(({ line, object, field, message }) => ({ line, title: titleOf(field, object?.split('/')[0] ?? ''), message }))
    // The Secret's name is made of the Device's, which is told of.
    .filter(({ line, title }) => title !== 'metadata.name' && !unread.has(`line ${line}, ${title}`))
    .map(({ line, title, message }) => told(line, title, message));
  return { machines, problems: [...problems, ...twice, ...broken] };
}
