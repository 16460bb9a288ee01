// Files mean what they mean to kubectl, and no error quotes them.
import { spawnSync } from 'node:child_process';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { peerTest } from '../testing/peers.ts';
import { parseManifests } from './manifest.ts';

/** Words and numbers that YAML 1.1, YAML 1.2 and Go's reader take for different things. */
const SCALARS =
  `y Yes on OFF N no True ~ null 0644 0o644 08 0b11 0x1F 1_000 +1 -0 12:30:45 190:20:30 52:54:00:12:34:56 1e3
  1e+3 0.1e1 .5 1. 1.50 685_230.15 2001-01-01 2001-01-01T10:00:00Z = _1 1.2.3 0x 0b2 --1 1e "on" !!str\u00a012 4Gi 500m`
    .split(/[ \n]+/)
    .map((word) => word.replace('\u00a0', ' '));

const CONFIG_MAP = `apiVersion: v1
kind: ConfigMap
metadata: {name: a}
base: &base {x: 1, 0: zero, on: key}
merged: {<<: *base, z: 3}
binary: !!binary aGVsbG8=
text: |
  two
  lines
list: [1, two, {three: 3}]
data:
${SCALARS.map((word, index) => `  v${index}: ${word}`).join('\n')}
`;

peerTest('kubectl', 'kubernetes-client')('what is read is what kubectl reads', () => {
  const { stdout, stderr } = spawnSync('kubectl', ['annotate', '--local', '-f', '-', 'a=b', '-o', 'json'], {
    input: CONFIG_MAP,
    encoding: 'utf8',
  });
  assert.is(stderr, '');
  const { metadata: _, ...kubectls } = JSON.parse(stdout);
  const { manifests, problems } = parseManifests(CONFIG_MAP, 'a.yaml');
  assert.equal(problems, []);
  const { metadata: __, ...ours } = manifests[0]!.object;
  assert.equal(ours, kubectls);
});

test('documents, lists, comments and JSON; each with its lines', () => {
  const text = `# nothing
---
apiVersion: v1
kind: Secret
metadata: {name: a}
---
---
apiVersion: v1
kind: List
items:
  - apiVersion: v1
    kind: Secret
    metadata:
      name: b
      labels: {a/b: c}
`;
  const { manifests, problems } = parseManifests(text, 'x.yaml');
  assert.equal(problems, []);
  assert.equal(
    manifests.map(({ object, place }) => [object.metadata.name, place.line]),
    [
      ['a', 3],
      ['b', 11],
    ],
  );
  const { lineOf } = manifests[1]!;
  assert.equal(['/metadata', '/metadata/name', '/metadata/labels/a~1b', '/spec/x'].map(lineOf), [13, 14, 15, 11]);
  assert.is(
    parseManifests('{"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "a"}}', 'a.json').manifests.length,
    1,
  );
});

test('what is no object is told with its line', () => {
  const said = (text: string) => parseManifests(text, 'f').problems.map(({ line, message }) => `${line} ${message}`);
  assert.equal(said('a\n'), ['1 is no object with apiVersion, kind and metadata']);
  assert.equal(said('# x\n\nkind: Image'), ['3 has no apiVersion']);
  assert.equal(said('{apiVersion: v1, kind: Secret}'), ['1 has no metadata.name']);
  assert.match(said('{apiVersion: v1, kind: Secret, metadata: {generateName: a-}}').join(), 'generateName');
  assert.match(said('a: 1\nb: [').join(), /^\d is no YAML: /);
  assert.match(said('a: 1\na: 2').join(), '2 is no YAML: duplicated mapping key');
  assert.equal(said('apiVersion: v1\0'), ['1 is no UTF-8 text']);
  const bomb = `a: &a [1]\n${Array.from({ length: 1100 }, () => '? *a\n').join('')}`;
  assert.ok(said(bomb).length > 0);
});

test('no error quotes the text: it may be a secret', () => {
  const SPOILED = [
    'password: "hunter2',
    'password: hunter2\n  x: y',
    'a: *hunter2',
    'hunter2: 1\nhunter2: 2',
    '!<hunter2> a',
    '!!hunter2 a',
    '- @hunter2',
    'a: b: hunter2',
    '\thunter2: x',
    '{hunter2',
    'x: |hunter2\n foo',
    'hunter2',
    'x: "\\hunter2"',
    '%TAG ! hunter2 x y\n---\na',
    '&hunter2 &b c',
  ];
  for (const text of SPOILED) {
    const { problems } = parseManifests(text, 'f');
    assert.ok(problems.length > 0, text);
    assert.not.match(JSON.stringify(problems), 'hunter2', text);
  }
});

test.run();
