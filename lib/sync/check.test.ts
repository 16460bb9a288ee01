// What may not be applied is told with file, line, object, field, what was expected and what was there.
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { CRDS, readManifests } from '../cli/manifests.ts';
import { createCheck } from './check.ts';
import { syncedKinds } from './kinds.ts';
import { describeProblem, parseManifests } from './manifest.ts';

const definitions = readManifests(CRDS);
const kinds = syncedKinds(definitions);
const check = createCheck(kinds);

function said(text: string): string[] {
  const { manifests, problems } = parseManifests(text, 'a.yaml');
  return [...problems, ...check(manifests)].map(describeProblem);
}

const image = (more = '') => `apiVersion: bmp.dev/v1alpha1
kind: Image
metadata: {name: debian}
spec:
  url: https://example.com/d.raw
  sha256: ${'a'.repeat(64)}
  format: raw
  architecture: x86_64
  bootModes: [UEFI]
${more}`;
const device = (address: string, more = '') => `apiVersion: bmp.dev/v1alpha1
kind: Device
metadata: {name: r1}
spec:
  bmc: {address: "${address}"}
  bootMACAddress: 52:54:00:12:34:56
  site: fra1
${more}`;

test('every kind that people write is synced', () => {
  // Those that the operator alone writes.
  const own = ['Address', 'DeviceInventory', 'Discovery'];
  const synced = new Set([...kinds.values()].map(({ resource }) => resource.kind));
  for (const { spec } of definitions as never as { spec: { names: { kind: string } } }[]) {
    if (!own.includes(spec.names.kind)) assert.ok(synced.has(spec.names.kind), spec.names.kind);
  }
});

test('what is right passes: numbers and strings as quantities, a List, a definition', () => {
  const placement = (cpu: string) =>
    `{apiVersion: bmp.dev/v1alpha1, kind: Placement, metadata: {name: vm, namespace: a}, spec: {resources: {cpu: ${cpu}, memory: 8Gi}}}`;
  for (const text of [image(), device('ipmi://192.0.2.1'), placement('4'), placement('"4"'), placement('500m')])
    assert.equal(said(text), []);
  assert.equal(said(`apiVersion: v1\nkind: List\nitems: [${placement('1')}]`), []);
  assert.equal(check(definitions.map((object) => ({ object, place: { file: 'f', line: 1 }, lineOf: () => 1 }))), []);
});

test('each problem names file, line, object, field, what was expected and what was there', () => {
  assert.equal(said(`${image()}---\n${image('  colour: red\n').replace('debian', 'other')}`), [
    'a.yaml:20 Image/other spec.colour: is no field of this kind',
  ]);
  assert.equal(said(image().replace('format: raw', 'format: iso')), [
    'a.yaml:7 Image/debian spec.format: expected one of raw, qcow2, tar, was "iso"',
  ]);
  assert.equal(said(image().replace('  architecture: x86_64\n', '')), [
    'a.yaml:4 Image/debian spec.architecture: is missing',
  ]);
  assert.equal(said(image().replace('[UEFI]', '[UEFI, PXE]')), [
    'a.yaml:9 Image/debian spec.bootModes[1]: expected one of BIOS, UEFI, was "PXE"',
  ]);
});

test('words that YAML takes for true, as kubectl does, are to be put in quotes', () => {
  const text =
    'apiVersion: bmp.dev/v1alpha1\nkind: Instance\nmetadata: {name: a}\nspec: {image: d, deviceType: t, power: On}\n';
  assert.equal(said(text), ['a.yaml:4 Instance/a spec.power: expected string, was true: in YAML, put it in quotes']);
});

test('values that may be secret are not quoted', () => {
  const secret =
    'apiVersion: v1\nkind: Secret\nmetadata: {name: s, namespace: team}\nstringData: {password: [hunter2]}\n';
  assert.equal(said(secret), ['a.yaml:4 Secret/team/s stringData.password: expected string, was a list']);
  const spoiled = [
    secret,
    secret.replace('[hunter2]', '4711').replace('stringData', 'data'),
    secret.replace('stringData: {password: [hunter2]}', 'data: {password: hunter2}'),
    image().replace('https://example.com', 'ftp2://me:hunter2@x').replace('raw\n', 'raw\n  format2: x\n'),
    device('redfish://admin:hunter2@192.0.2.1'),
  ];
  for (const text of spoiled) {
    assert.ok(said(text).length > 0, text);
    assert.not.match(said(text).join(), /hunter2|4711/);
  }
});

test('other kinds, namespaces where there are none, a status, a claim, and the same object twice', () => {
  assert.match(said('apiVersion: v1\nkind: Pod\nmetadata: {name: a}').join(), 'v1 Pod is no kind that is synced');
  assert.match(
    said(image().replace('{name: debian}', '{name: debian, namespace: a}')).join(),
    'Image has no namespace',
  );
  assert.match(said(`${image()}status: {}\n`).join(), 'status: is no field of this kind');
  assert.match(
    said(device('ipmi://192.0.2.1', '  claimRef: {namespace: a, name: b, uid: c}\n')).join(),
    "a.yaml:8 Device/r1 spec.claimRef: is the scheduler's to write",
  );
  assert.match(said(`${image()}---\n${image()}`).join(), 'stands in a.yaml:1 too');
});

test('a file that was cut off is no YAML, or lacks what is required', () => {
  const whole = device('ipmi://192.0.2.1');
  for (let end = 10; end < whole.indexOf('site: fra1') + 5; end++) {
    assert.ok(said(whole.slice(0, end)).length > 0, whole.slice(0, end));
  }
});

test.run();
