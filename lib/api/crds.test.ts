// The definitions themselves: what people read with `kubectl explain`, and what both old and new clusters accept.
import { readdirSync, readFileSync } from 'node:fs';
import { load } from 'js-yaml';
import { test } from 'uvu';
import * as assert from 'uvu/assert';

interface Schema {
  description?: string;
  type?: string;
  pattern?: string;
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

test('no mount point leads out of where it is', () => {
  const spec = (plural: string) =>
    definitions
      .filter(({ spec: { names } }) => names.plural === plural)
      .flatMap((each) => [...fields(schemaOf(each), '')]);
  const patterns = ['images', 'instances']
    .flatMap(spec)
    .filter(([path]) => path.startsWith('.spec') && path.endsWith('.mountPoint'))
    .map(([, { pattern }]) => new RegExp(pattern!));
  assert.is(patterns.length, 2);
  for (const pattern of patterns) {
    for (const path of ['/srv', '/srv/data-1', '/var/lib/a.b_c']) assert.ok(pattern.test(path), path);
    for (const path of ['/srv/..', '/../etc', '/./srv', 'srv', '/srv/', '//srv', ''])
      assert.not.ok(pattern.test(path), path);
  }
});

test.run();
