// How others read the state of our objects, each by its own rules: kstatus (Flux and other tools of Kubernetes' SIG CLI),
// `kubectl wait`, and Argo CD by the health scripts of manifests/argocd, run by a real Lua.
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import type { KubeObject } from '../../lib/kube/resource.ts';

export type Reading = 'Current' | 'InProgress' | 'Failed' | 'Terminating';

interface Observable extends KubeObject {
  readonly status?: {
    readonly observedGeneration?: number;
    readonly conditions?: readonly {
      readonly type: string;
      readonly status: string;
      readonly observedGeneration?: number;
    }[];
  };
}

const findCondition = ({ status }: Observable, type: string) =>
  status?.conditions?.find((condition) => condition.type === type);

/** https://github.com/kubernetes-sigs/cli-utils/blob/master/pkg/kstatus/README.md, of kinds that it has no rules for. */
export function kstatusOf(object: Observable): Reading {
  const { metadata, status } = object;
  const is = (type: string, state: string) => findCondition(object, type)?.status === state;
  if (metadata.deletionTimestamp !== undefined) return 'Terminating';
  if (status?.observedGeneration !== undefined && status.observedGeneration !== metadata.generation)
    return 'InProgress';
  if (is('Reconciling', 'True')) return 'InProgress';
  if (is('Stalled', 'True')) return 'Failed';
  return is('Ready', 'False') || is('Ready', 'Unknown') ? 'InProgress' : 'Current';
}

/** Whether `kubectl wait --for=condition=Ready` ends at this object: what was told of an older generation does not count. */
export function isWaitMet(object: Observable): boolean {
  const ready = findCondition(object, 'Ready');
  const observed = ready?.observedGeneration ?? object.status?.observedGeneration ?? Number.POSITIVE_INFINITY;
  return ready?.status === 'True' && observed >= (object.metadata.generation ?? 0);
}

export interface Health {
  readonly status: string;
  readonly message: string;
}

const SCRIPTS = new URL('../../manifests/argocd/', import.meta.url);

/** Argo CD's view. */
export function healthOf(object: KubeObject): Health {
  const script = readFileSync(new URL(`${object.kind.toLowerCase()}.lua`, SCRIPTS), 'utf8');
  const input = `obj = ${lua(object)}
    local health = (function() ${script} end)()
    io.write(health.status, "\\n", health.message or "")`;
  const { stdout, stderr, status } = spawnSync('lua5.3', ['-'], { input, encoding: 'utf8' });
  if (status !== 0) throw new Error(`the script of ${object.kind} failed: ${stderr}`);
  const [state = '', ...message] = stdout.split('\n');
  return { status: state, message: message.join('\n') };
}

/** A Lua expression for a JSON value. JSON's strings are Lua's, but for escapes by code point. */
function lua(value: unknown): string {
  if (Array.isArray(value)) return `{${value.map(lua).join(', ')}}`;
  if (typeof value !== 'object' || value === null)
    return (JSON.stringify(value) ?? 'nil').replace(/\\u([0-9a-f]{4})/g, '\\u{$1}');
  return `{${Object.entries(value)
    .map(([key, inner]) => `[${JSON.stringify(key)}] = ${lua(inner)}`)
    .join(', ')}}`;
}
