// The definitions themselves: what people read with `kubectl explain`, and what both old and new clusters accept.
import { readdirSync, readFileSync } from 'node:fs';
import { load } from 'js-yaml';
import { test } from 'uvu';
import * as assert from 'uvu/assert';

interface Schema {
  description?: string;
  type?: string;
  properties?: Record<string, Schema>;
  items?: Schema;
  additionalProperties?: Schema;
  required?: string[];
  'x-kubernetes-int-or-string'?: boolean;
}
interface Definition {
  metadata: { name: string };
  spec: {
    names: { plural: string; categories?: string[] };
    versions: { schema: { openAPIV3Schema: Schema }; additionalPrinterColumns?: { jsonPath: string }[] }[];
  };
}

const FOLDER = new URL('../../crds/', import.meta.url);
const definitions = readdirSync(FOLDER)
  .filter((file) => file.endsWith('.yaml'))
  .map((file) => load(readFileSync(new URL(file, FOLDER), 'utf8')) as Definition);
const schemaOf = (definition: Definition) => definition.spec.versions[0]!.schema.openAPIV3Schema;

function* fields(schema: Schema, path: string): Generator<[path: string, schema: Schema]> {
  for (const [name, child] of Object.entries(schema.properties ?? {})) {
    if (path === '' && ['apiVersion', 'kind', 'metadata'].includes(name)) continue;
    yield [`${path}.${name}`, child];
    yield* fields(child, `${path}.${name}`);
  }
  if (schema.additionalProperties) {
    for (const name of schema.required ?? []) yield [`${path}.${name}`, schema];
  }
  if (schema.items) yield* fields(schema.items, `${path}[]`);
}

for (const definition of definitions) {
  const { plural, categories } = definition.spec.names;

  test(`kubectl explain says something of every field of ${plural}`, () => {
    const silent = [...fields(schemaOf(definition), '')]
      .filter(([, schema]) => !schema.description)
      .map(([path]) => path);
    assert.equal(silent, []);
  });

  test(`${plural} show up in kubectl get bmp`, () => assert.ok(categories?.includes('bmp')));

  test(`no column of ${plural} points at a field that is not there`, () => {
    const known = new Set([...fields(schemaOf(definition), '')].map(([path]) => path.replaceAll('[]', '')));
    for (const { jsonPath } of definition.spec.versions[0]!.additionalPrinterColumns ?? []) {
      if (jsonPath.startsWith('.metadata')) continue;
      const plain = jsonPath.replace(/\[[^\]]*\]/g, '');
      assert.ok(known.has(plain), `${jsonPath} is no field`);
    }
  });
}

test.run();
