// The nodes controller: keeps a Host for each machine that a source of nodes lists, in one namespace.
//
// It writes what a Host is and whether it is ready, never its ledger; both are guarded by the resourceVersion. A Host goes only
// when its source, answering, lists it no longer and its ledger is empty in the very version that is deleted: as long as
// somebody has a place there it stays, and takes nothing new. A source that does not answer changes nothing but what people
// are told.
import type { Host } from '../../lib/api/generated.ts';
import { HOSTS } from '../../lib/api/resources.ts';
import { replaceStatus, writeObject } from '../../lib/kube/apply.ts';
import type { KubeClient } from '../../lib/kube/client.ts';
import { isAlreadyExists, isConflict, isNotFound } from '../../lib/kube/errors.ts';
import type { Store } from '../../lib/kube/store.ts';
import type { Log } from '../../lib/observe/log.ts';
import { type Clock, timestamp } from '../../lib/runtime/clock.ts';
import { type Controller, createController } from '../../lib/runtime/controller.ts';
import { requeue } from '../../lib/runtime/reconcile.ts';
import { atStart, watch, whenChanged } from '../../lib/runtime/source.ts';
import { isOf, type Plan, planFor, suspect, type Wanted } from './plan.ts';
import { type NodeSource, SourceError } from './source.ts';

export interface NodesDeps {
  readonly client: KubeClient;
  /** Of the namespace, at least. */
  readonly hosts: Store<Host>;
  readonly source: NodeSource;
  readonly namespace: string;
  readonly log: Log;
  readonly clock: Clock;
}

/** All share one key: a look is at everything. */
export const KEY = 'nodes';
/** Somebody else wrote first: the cache is about to show it. */
const AGAIN_MS = 200;

export function createNodesController({ client, hosts, source, namespace, log, clock }: NodesDeps): Controller {
  const mine = () => [...hosts.values()].filter(({ metadata }) => metadata.namespace === namespace);
  let silence: string | undefined;

  async function planned(signal: AbortSignal): Promise<Plan> {
    const now = timestamp(clock.now());
    try {
      const plan = planFor(await source.list(signal), mine(), source.name, namespace, now);
      if (silence !== undefined) log.info({ source: source.name }, 'the source of nodes answers again');
      silence = undefined;
      return plan;
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof SourceError)) throw error;
      const { message } = error;
      if (silence !== message)
        log.error({ source: source.name, err: error }, 'no nodes from their source: what was known last goes on');
      silence = message;
      const wanted = mine()
        .filter((host) => isOf(source.name, host))
        .map((host) => ({ observed: host, desired: host, status: (latest: Host) => suspect(latest, message, now) }));
      return { wanted, gone: [], taken: [] };
    }
  }

  async function bring({ observed, desired, status }: Wanted, signal: AbortSignal): Promise<void> {
    const written = observed
      ? await writeObject(client, HOSTS, observed, desired, { signal })
      : await client.create(HOSTS, desired, { signal });
    await replaceStatus(client, HOSTS, written, status(written), { signal });
  }

  async function remove({ metadata }: Host, signal: AbortSignal): Promise<void> {
    const { uid, resourceVersion } = metadata;
    await client.delete(HOSTS, metadata, { uid, resourceVersion, signal });
  }

  /** False when somebody else was first. */
  async function done(attempt: Promise<void>): Promise<boolean> {
    try {
      await attempt;
      return true;
    } catch (error) {
      if (isConflict(error) || isAlreadyExists(error) || isNotFound(error)) return false;
      throw error;
    }
  }

  return createController({
    name: 'nodes',
    concurrency: 1,
    watches: [watch(hosts, { keys: () => [KEY], when: whenChanged(matter) }), atStart(KEY), ...source.wakes],
    async reconcile(_request, signal) {
      const { wanted, gone, taken } = await planned(signal);
      for (const name of taken)
        log.warn({ name, namespace }, 'a Host of that name is not of the source of nodes: left as it is');
      let isAll = true;
      for (const each of wanted) isAll = (await done(bring(each, signal))) && isAll;
      for (const host of gone) isAll = (await done(remove(host, signal))) && isAll;
      return requeue(isAll ? source.everyMs : AGAIN_MS);
    },
  });
}

/** What of a Host a look goes by: who changes it by hand, and whether its ledger has become empty. */
const matter = ({ metadata, status }: Host) => ({
  generation: metadata.generation,
  labels: metadata.labels,
  isEmpty: (status?.allocated?.claims ?? []).length === 0,
});
