// How Argo CD and Flux read our objects: the health scripts of manifests/argocd run by a real Lua, and kstatus, on objects
// that were recorded as the operator left them.
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { load } from 'js-yaml';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { KubeObject } from '../../lib/kube/resource.ts';
import { peerTest } from '../../lib/testing/peers.ts';
import { kstatusOf, type Reading } from './kstatus.ts';

const FOLDER = new URL('../../manifests/argocd/', import.meta.url);

interface Status {
  readonly observedGeneration?: number;
  readonly conditions?: readonly { readonly type: string; readonly status: string }[];
  readonly phase?: string;
  readonly operation?: object;
  readonly error?: object;
}
interface Recorded {
  readonly health: string;
  readonly kstatus?: Reading;
  readonly object: KubeObject & { readonly spec?: object; readonly status?: Status };
}
const recorded = load(readFileSync(new URL('recorded.yaml', FOLDER), 'utf8')) as Recorded[];
const found = (kind: string, phase: string): Recorded['object'] =>
  recorded.find(({ object }) => object.kind === kind && object.status?.phase === phase)!.object;

/** A Lua expression for a JSON value. JSON's strings are Lua's, but for escapes by code point. */
function lua(value: unknown): string {
  if (Array.isArray(value)) return `{${value.map(lua).join(', ')}}`;
  if (typeof value !== 'object' || value === null)
    return (JSON.stringify(value) ?? 'nil').replace(/\\u([0-9a-f]{4})/g, '\\u{$1}');
  return `{${Object.entries(value)
    .map(([key, inner]) => `[${JSON.stringify(key)}] = ${lua(inner)}`)
    .join(', ')}}`;
}

interface Health {
  readonly status: string;
  readonly message: string;
}

function healthOf(object: KubeObject): Health {
  const script = readFileSync(new URL(`${object.kind.toLowerCase()}.lua`, FOLDER), 'utf8');
  const input = `obj = ${lua(object)}
    local health = (function() ${script} end)()
    io.write(health.status, "\\n", health.message or "")`;
  const { stdout, stderr, status } = spawnSync('lua5.3', ['-'], { input, encoding: 'utf8' });
  assert.is(status, 0, stderr);
  const [state = '', ...message] = stdout.split('\n');
  return { status: state, message: message.join('\n') };
}

const withLua = peerTest('lua5.3', 'lua5.3');

withLua('health of what was recorded', () => {
  for (const { object, health } of recorded) {
    const told = `${object.kind} ${object.status?.phase ?? 'new'}`;
    assert.is(healthOf(object).status, health, told);
    assert.is.not(healthOf(object).message, '', told);
  }
});

withLua('what a spec asked for since the last look is on its way, whatever the status says', () => {
  for (const [kind, phase] of [
    ['Device', 'Available'],
    ['Instance', 'Running'],
    ['Placement', 'Bound'],
  ] as const) {
    const object = found(kind, phase);
    assert.is(healthOf({ ...object, metadata: { ...object.metadata, generation: 99 } }).status, 'Progressing', kind);
  }
});

withLua('an error: on its way while it is tried again, in trouble when it is not', () => {
  const creating = recorded.find(({ object }) => object.kind === 'Device' && object.status?.operation)!.object;
  const error = { code: 'AgentSilent', message: 'nothing heard for 120 s', count: 2 };
  const failing = (more: object, operation: unknown) => {
    const { operation: _, error: __, ...status } = { ...creating.status };
    return healthOf({
      ...creating,
      status: { ...status, ...(operation ? { operation } : {}), error: { ...error, ...more } },
    } as KubeObject);
  };
  assert.equal(failing({}, { kind: 'Create' }), {
    status: 'Progressing',
    message: 'AgentSilent: nothing heard for 120 s',
  });
  assert.is(failing({ permanent: true }, { kind: 'Create' }).status, 'Degraded');
  assert.is(failing({}, undefined).status, 'Degraded');
});

withLua('what waits for a person', () => {
  const device = found('Device', 'Available');
  const removed = { ...device, status: { ...device.status, phase: 'Removed' } };
  assert.is(healthOf(removed).status, 'Suspended');
  const instance = found('Instance', 'Running');
  const conditions = [{ type: 'ReinstallRequired', status: 'True', message: 'debian-13 is wanted' }];
  assert.equal(healthOf({ ...instance, status: { ...instance.status, conditions } } as KubeObject), {
    status: 'Suspended',
    message: 'debian-13 is wanted',
  });
  const failed = { ...instance, status: { ...instance.status, phase: 'Failed' } };
  assert.is(healthOf(failed).status, 'Degraded');
});

test('kstatus reads them as they are', () => {
  const read = recorded.filter(({ kstatus }) => kstatus !== undefined);
  assert.ok(read.length > 0);
  for (const { object, kstatus } of read) {
    assert.is(kstatusOf(object), kstatus, `${object.kind} ${object.status?.phase ?? 'new'}`);
  }
});

test.run();
