// What a listing means for the Hosts that were made of the one before. Pure.
import type { Host } from '../../lib/api/generated.ts';
import { API_VERSION } from '../../lib/api/resources.ts';
import { setCondition } from '../../lib/runtime/conditions.ts';
import type { Listed, Listing } from './source.ts';

/** On Hosts: the source that they come from. Those without it are people's own. */
export const SOURCE = 'bmp.dev/node-source';

type HostStatus = NonNullable<Host['status']>;

/** A Host as it shall be; a new one has no `observed`. */
export interface Wanted {
  readonly observed: Host | undefined;
  readonly desired: Host;
  readonly status: (observed: Host) => HostStatus;
}

export interface Plan {
  readonly wanted: readonly Wanted[];
  /** Neither listed nor in use. */
  readonly gone: readonly Host[];
  /** Names of nodes for which there is a Host that is not the source's. */
  readonly taken: readonly string[];
}

export function planFor(
  { nodes, unreadable }: Listing,
  hosts: readonly Host[],
  source: string,
  namespace: string,
  now: string,
): Plan {
  const byName = new Map(hosts.map((host) => [host.metadata.name, host]));
  const wanted: Wanted[] = [];
  const taken: string[] = [];
  const listed = new Set<string>();
  for (const node of nodes) {
    listed.add(node.name);
    const observed = byName.get(node.name);
    if (observed && !isOf(source, observed)) taken.push(node.name);
    else {
      const status = (host: Host) => told(host, node.ready, now);
      wanted.push({ observed, desired: hostOf(node, observed, source, namespace), status });
    }
  }
  const gone: Host[] = [];
  for (const host of hosts) {
    const { name } = host.metadata;
    if (!isOf(source, host) || listed.has(name)) continue;
    const problem = unreadable.get(name);
    const ready =
      problem === undefined
        ? ({
            status: 'False',
            reason: 'NotListed',
            message: 'its source lists it no longer: what it has stays',
          } as const)
        : undefined;
    if (ready && (host.status?.allocated?.claims ?? []).length === 0) gone.push(host);
    else
      wanted.push({
        observed: host,
        desired: host,
        status: (latest) => (ready ? told(latest, ready, now) : suspect(latest, problem!, now)),
      });
  }
  return { wanted, gone, taken };
}

export const isOf = (source: string, { metadata }: Host): boolean => metadata.labels?.[SOURCE] === source;

function hostOf(node: Listed, observed: Host | undefined, source: string, namespace: string): Host {
  const metadata = observed?.metadata ?? { name: node.name, namespace };
  return {
    ...observed,
    apiVersion: API_VERSION,
    kind: 'Host',
    metadata: { ...metadata, labels: { ...node.labels, [SOURCE]: source } },
    spec: node.spec,
  };
}

function told(host: Host, ready: Listed['ready'], now: string): HostStatus {
  return withConditions(
    host,
    { Ready: ready, Synced: { status: 'True', reason: 'Listed', message: 'is as its source says' } },
    now,
  );
}

/** The source says nothing, or nothing that makes sense: what was known last goes on, and people are told. */
export const suspect = (host: Host, problem: string, now: string): HostStatus =>
  withConditions(
    host,
    { Synced: { status: 'Unknown', reason: 'SourceSilent', message: `${problem}: goes by what was known last` } },
    now,
  );

function withConditions(
  { metadata, status }: Host,
  conditions: Readonly<Record<string, Listed['ready']>>,
  now: string,
): HostStatus {
  const observedGeneration = metadata.generation;
  const all = Object.entries(conditions).reduce(
    (list, [type, update]) => setCondition(list, { type, ...update, observedGeneration }, now),
    (status?.conditions ?? []) as ReturnType<typeof setCondition>,
  );
  return {
    ...status,
    ...(observedGeneration !== undefined && { observedGeneration }),
    conditions: [...all] as NonNullable<HostStatus['conditions']>,
  };
}
