// One file's text as objects, each with the lines that it stands on.
//
// Read as kubectl reads it, so that the same files mean the same everywhere: YAML 1.1, where `yes`, `on` and `y` are true and
// 0644 is a number to the base of 8, but without timestamps and numbers to the base of 60, as which a MAC address would be
// read. Nothing of the text is ever quoted in an error: it may be a Secret's.
import {
  constructFromEvents,
  defineScalarTag,
  NOT_RESOLVED,
  parseEvents,
  Schema,
  YAML11_SCHEMA,
  YAMLException,
} from 'js-yaml';
import type { KubeObject } from '../kube/resource.ts';
import { linesOf, nearest } from './lines.ts';

/** Where something stands. Lines count from 1. */
export interface Place {
  readonly file: string;
  readonly line: number;
}

export interface Manifest {
  readonly object: KubeObject;
  readonly place: Place;
  /** The line of a field, as RFC 6901 names it (`/spec/disks/0`); where there is none, of what is around it. */
  readonly lineOf: (pointer: string) => number;
}

/** What is wrong, and where. Never quotes a Secret. */
export interface Problem extends Place {
  /** `Device/r1-07`, as far as it can be told. */
  readonly object?: string | undefined;
  /** `spec.bmc.address` */
  readonly field?: string | undefined;
  readonly message: string;
}

export interface Parsed {
  readonly manifests: readonly Manifest[];
  readonly problems: readonly Problem[];
}

/** One line for people. */
export function describeProblem({ file, line, object, field, message }: Problem): string {
  const what = [object, field].filter((part) => part !== undefined && part !== '').join(' ');
  return `${file}:${line}${what && ` ${what}`}: ${message}`;
}

const INTEGER = /^([-+]?)(?:0b([01]+)|0x([0-9a-f]+)|0o?([0-7]+)|([1-9][0-9]*|0))$/i;
const FLOAT = /^[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)(e[-+]?[0-9]+)?$/i;
const BASES = [2, 16, 8, 10];

function numberOf(source: string): number | typeof NOT_RESOLVED {
  if (!/^[-+.0-9]/.test(source)) return NOT_RESOLVED;
  const plain = source.replaceAll('_', '');
  const [, sign, ...digits] = INTEGER.exec(plain) ?? [];
  const base = digits.findIndex((part) => part !== undefined);
  if (base >= 0) return (sign === '-' ? -1 : 1) * Number.parseInt(digits[base]!, BASES[base]);
  return FLOAT.test(plain) ? Number(plain) : NOT_RESOLVED;
}

const scalar = <T>(name: string, implicit: boolean, resolve: (source: string) => T | typeof NOT_RESOLVED) =>
  defineScalarTag<T>(`tag:yaml.org,2002:${name}`, { implicit, resolve, identify: () => false });

const REPLACED = /:(int|float|timestamp|binary|omap|pairs|set)$/;
const SCHEMA = new Schema([
  ...YAML11_SCHEMA.tags.filter(({ tagName }) => !REPLACED.test(tagName)),
  scalar('int', true, numberOf),
  scalar('float', true, numberOf),
  scalar('binary', false, (source) => Buffer.from(source, 'base64').toString()),
]);

/** The objects of a file. A list (`kind: List`) stands for its items. */
export function parseManifests(text: string, file: string): Parsed {
  const place = { file, line: 1 };
  // A file that is being written may end in the middle of a character, or begin with zeros.
  if (/[\0\uFFFD]/.test(text)) return { manifests: [], problems: [{ ...place, message: 'is no UTF-8 text' }] };
  try {
    const events = parseEvents(text, {});
    const values = constructFromEvents(events, { source: text, schema: SCHEMA, maxAliases: 1000 });
    const lines = linesOf(text, events);
    const manifests: Manifest[] = [];
    const problems: Problem[] = [];
    for (const [index, value] of values.entries()) {
      if (value === null || value === undefined) continue;
      for (const [at, object] of itemsOf(value)) {
        const lineOf = (pointer: string) => nearest(lines[index]!, at + pointer);
        const line = lineOf('');
        const problem = malformed(object);
        if (problem === undefined) manifests.push({ object: object as KubeObject, place: { file, line }, lineOf });
        else problems.push({ file, line, message: problem });
      }
    }
    return { manifests, problems };
  } catch (error) {
    if (!(error instanceof YAMLException)) throw error;
    // Its message quotes the lines around, and its reason the name of a key, an anchor or a tag.
    const line = (error.mark?.line ?? 0) + 1;
    const message = `is no YAML: ${error.reason.replace(/["'`<*&!].*/s, '').trim() || 'not understood'}`;
    return { manifests: [], problems: [{ file, line, message }] };
  }
}

/** Items of a List with their pointers; anything else is its own only item. */
function itemsOf(value: unknown): [pointer: string, item: unknown][] {
  if (!isRecord(value) || !/^[A-Za-z]*List$/.test(String(value.kind)) || !Array.isArray(value.items))
    return [['', value]];
  return value.items.map((item, index) => [`/items/${index}`, item]);
}

function malformed(value: unknown): string | undefined {
  if (!isRecord(value)) return 'is no object with apiVersion, kind and metadata';
  for (const field of ['apiVersion', 'kind'] as const) {
    if (typeof value[field] !== 'string' || value[field] === '') return `has no ${field}`;
  }
  const { metadata } = value;
  if (isRecord(metadata) && typeof metadata.name === 'string' && metadata.name !== '') return undefined;
  return isRecord(metadata) && metadata.generateName !== undefined
    ? 'has metadata.generateName: another one would be made each time'
    : 'has no metadata.name';
}

export const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
