// Writes lib/api/generated.ts from crds/: the YAML is the API's source of truth, the types only follow.
//
//   node lib/api/generate.ts           write
//   node lib/api/generate.ts --check   exit 1 when what is there is not what would be written
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { load } from 'js-yaml';
import { compile, type JSONSchema } from 'json-schema-to-typescript';

type Schema = JSONSchema & { [extension: `x-kubernetes-${string}`]: unknown };
interface Definition {
  spec: {
    group: string;
    scope: 'Cluster' | 'Namespaced';
    names: { kind: string; plural: string };
    versions: { name: string; schema: { openAPIV3Schema: Schema } }[];
  };
}

const CRDS = new URL('../../crds/', import.meta.url);
const OUTPUT = new URL('generated.ts', import.meta.url);

/**
 * A structural schema as json-schema-to-typescript understands it: int-or-string becomes a union, closed objects stay
 * closed (the server prunes what it does not know), and everything is read-only, because cached objects are shared.
 */
function translate(schema: Schema, path: string): JSONSchema {
  if (schema['x-kubernetes-int-or-string'])
    return { tsType: 'number | string', description: schema.description } as JSONSchema;
  const out: JSONSchema = { ...schema };
  if (schema.default !== undefined) delete out.default;
  if (path === '.metadata') return { tsType: 'ObjectMeta' };
  if (path === '.apiVersion' || path === '.kind') return { type: 'string' };
  if (schema.properties) {
    out.properties = Object.fromEntries(
      Object.entries(schema.properties).map(([name, child]) => [name, translate(child as Schema, `${path}.${name}`)]),
    );
  }
  if (schema.required && schema.additionalProperties && !schema.properties) {
    // Of a map, keys that are always there.
    const value = translate(schema.additionalProperties as Schema, `${path}.*`);
    out.properties = Object.fromEntries((schema.required as string[]).map((name) => [name, value]));
  }
  if (schema.type === 'object') {
    const open = schema.additionalProperties ?? (schema['x-kubernetes-preserve-unknown-fields'] ? {} : false);
    out.additionalProperties = typeof open === 'object' ? translate(open as Schema, `${path}.*`) : open;
    if (schema['x-kubernetes-preserve-unknown-fields']) return { tsType: 'Readonly<Record<string, unknown>>' };
  }
  if (schema.items) {
    out.items = translate(schema.items as Schema, `${path}[]`);
    delete out.maxItems;
    delete out.minItems;
  }
  return out;
}

async function generate(): Promise<string> {
  const parts = [
    '// Generated from crds/ by `npm run types`. Do not edit.',
    "import type { KubeObject, ObjectMeta } from '../kube/resource.ts';\n",
  ];
  for (const file of readdirSync(CRDS)
    .filter((name) => name.endsWith('.yaml'))
    .sort()) {
    const { spec } = load(readFileSync(new URL(file, CRDS), 'utf8')) as Definition;
    const version = spec.versions[0]!;
    const schema = translate(version.schema.openAPIV3Schema, '');
    schema.required = [...new Set(['apiVersion', 'kind', 'metadata', ...((schema.required as string[]) ?? [])])];
    const source = await compile(schema, spec.names.kind, {
      bannerComment: '',
      additionalProperties: false,
      format: false,
      strictIndexSignatures: true,
    });
    parts.push(
      source.replace(
        `export interface ${spec.names.kind} {`,
        `export interface ${spec.names.kind} extends KubeObject {`,
      ),
    );
  }
  return `${parts.join('\n').trimEnd()}\n`;
}

const wanted = await generate();
if (process.argv.includes('--check')) {
  if (readFileSync(OUTPUT, 'utf8') !== wanted) {
    console.error('lib/api/generated.ts is not what crds/ say: run `npm run types`');
    process.exitCode = 1;
  }
} else {
  writeFileSync(OUTPUT, wanted);
}
