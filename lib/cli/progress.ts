// Waiting for an object, and showing meanwhile how far it is: a line that is redrawn, or a line per change where nobody looks.
import type { Device, Instance, Placement } from '../api/generated.ts';
import { isNotFound } from '../kube/errors.ts';
import { createReflector } from '../kube/reflector.ts';
import { type KubeObject, keyOf } from '../kube/resource.ts';
import { createLogger } from '../observe/logger.ts';
import { findCondition } from '../runtime/conditions.ts';
import { type Cluster, nameOf, type Target } from './cluster.ts';

export type Seen = Device | Instance | Placement;

/** Ended, well or not; undefined while it goes on. */
export type Verdict = { readonly code: 0 | 1; readonly message: string } | undefined;

const BAR = 24;

/** `[#####     ]  38%  write-image 4/8, about 1 min left`; the estimate supposes that it goes on as it went. */
export function progressBar(percent: number, text: string): string {
  const full = Math.round((percent / 100) * BAR);
  return `[${'#'.repeat(full)}${' '.repeat(BAR - full)}] ${String(percent).padStart(3)}%  ${text}`;
}

/** What the object does, in one line. */
export function doing(object: Seen): string {
  const name = nameOf(object);
  if (object.kind === 'Placement') return `${name}  ${object.status?.phase ?? 'New'}`;
  const { phase = 'New' } = object.status ?? {};
  const at = object.kind === 'Device' ? (object as Device).status?.operation : (object as Instance).status?.progress;
  const error = object.kind === 'Device' ? (object as Device).status?.error : undefined;
  const end = at?.expectedEnd === undefined ? '' : `, until about ${at.expectedEnd.slice(11, 16)} UTC`;
  const step = at ? `  ${progressBar(at.percent ?? 0, `${at.step} ${at.index}/${at.total}${end}`)}` : '';
  const drained = findCondition(object.status?.conditions, 'Drained');
  const leaving = drained?.status === 'False' ? `  ${drained.message}` : '';
  return `${name}  ${phase}${step}${leaving}${error ? `  ${error.code}: ${error.message}` : ''}`;
}

export interface Waiting {
  readonly timeoutMs: number;
  readonly judge: (object: Seen) => Verdict;
  readonly out: NodeJS.WriteStream;
}

/** Follows the object until it is judged, it is gone, or the time is up. @returns the exit code */
export async function waitFor(cluster: Cluster, target: Target, { timeoutMs, judge, out }: Waiting): Promise<0 | 1> {
  const { client } = cluster;
  const stop = new AbortController();
  const reflector = createReflector({
    client,
    resource: target.resource,
    namespace: target.namespace,
    fieldSelector: `metadata.name=${target.name}`,
    log: createLogger({ level: 'warn' }),
  });
  const running = reflector.run(stop.signal);
  let shown = '';
  const show = (line: string) => {
    if (line === shown) return;
    shown = line;
    out.write(out.isTTY ? `\r${line.slice(0, (out.columns ?? 120) - 1)}\u001b[K` : `${line}\n`);
  };
  const verdict = await new Promise<NonNullable<Verdict>>((resolve) => {
    const late = setTimeout(() => {
      const seconds = timeoutMs / 1000;
      resolve({ code: 1, message: `not within ${seconds} s; it goes on by itself: bmp describe shows how far it is` });
    }, timeoutMs);
    const look = () => {
      const object = reflector.store.get(keyOf(target)) as Seen | undefined;
      if (!object) return reflector.store.hasSynced() ? resolve({ code: 1, message: 'it is gone' }) : undefined;
      show(doing(object));
      const judged = judge(object);
      if (judged) resolve(judged);
    };
    reflector.store.subscribe(look);
    void reflector.store.synced(stop.signal).then(look, () => resolve({ code: 1, message: 'nothing was seen' }));
    stop.signal.addEventListener('abort', () => clearTimeout(late), { once: true });
  });
  stop.abort(new Error('seen'));
  await running;
  if (out.isTTY) out.write('\n');
  out.write(`${target.resource.kind.toLowerCase()}/${target.name}: ${verdict.message}\n`);
  return verdict.code;
}

/** The object as it is now. @throws Error naming it where there is none */
export async function read<T extends KubeObject>({ client }: Cluster, target: Target): Promise<T> {
  try {
    return (await client.get(target.resource, target)) as T;
  } catch (error) {
    if (!isNotFound(error)) throw error;
    const where = target.namespace === undefined ? '' : ` in namespace ${target.namespace}`;
    throw new Error(`there is no ${target.resource.kind.toLowerCase()} "${target.name}"${where}`, { cause: error });
  }
}
