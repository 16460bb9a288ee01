// `bmp sync`: a folder of manifests kept applied, for those who have no GitOps tool in their cluster.
import { createHash } from 'node:crypto';
import { realpathSync } from 'node:fs';
import { basename, resolve } from 'node:path';
import { systemClock } from '../../runtime/clock.ts';
import { applySet } from '../../sync/apply-set.ts';
import { createCheck } from '../../sync/check.ts';
import { keepSynced, syncOnce } from '../../sync/keep.ts';
import { syncedKinds } from '../../sync/kinds.ts';
import { Sync } from '../../sync/pass.ts';
import { CLUSTER_HELP, CLUSTER_OPTIONS, onCluster } from '../cluster.ts';
import { type Command, text, UsageError, untilInterrupted, whole } from '../command.ts';
import { CRDS, readManifests } from '../manifests.ts';

const RESYNC_SECONDS = 30;
const PRUNE_SECONDS = 5;
const ONCE_SECONDS = 600;
const LONGEST_SECONDS = 86_400;

const help = `Usage: bmp sync DIR [options]

Applies a folder of manifests as it changes, as its files say and in an order that works: namespaces, definitions, Secrets,
Sites, DeviceTypes and Images, Devices, Instances, Placements. All of it is checked first, and nothing is applied while
anything is wrong. What somebody changes in the cluster is put back; what leaves the folder is deleted, in the other order,
but for namespaces and definitions. Which objects came from the folder is kept as an ApplySet, in a ConfigMap in the
namespace of what names none.

  --once                 end when the cluster is at what the folder says: exit 0, or 1 when that is refused
  --dry-run              say what would change, ask the server whether it would take it, and change nothing; ends, too
  --prune=false          leave in the cluster what leaves the folder
  --prune-after SECONDS  delete only what has been out of the folder for so long (default ${PRUNE_SECONDS}; 0 with --once)
  --resync SECONDS       look at everything again so often (default ${RESYNC_SECONDS})
  --name NAME            of the ConfigMap (default: from the folder's path; with it, a folder may move)
  --timeout SECONDS      of --once (default ${ONCE_SECONDS})
${CLUSTER_HELP}

Example:
  bmp sync examples/01-first-instance --dry-run`;

/** Two folders never share a set by chance. */
function nameFor(folder: string): string {
  const path = realpathSync(folder);
  const word = basename(path)
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .slice(0, 40)
    .replace(/^-|-$/g, '');
  return `bmp-sync-${word || 'root'}-${createHash('sha256').update(path).digest('hex').slice(0, 8)}`;
}

export const sync: Command = {
  name: 'sync',
  summary: 'keep a folder of manifests applied',
  help,
  options: {
    ...CLUSTER_OPTIONS,
    once: { type: 'boolean' },
    'dry-run': { type: 'boolean' },
    prune: { type: 'string' },
    'prune-after': { type: 'string' },
    resync: { type: 'string' },
    name: { type: 'string' },
    timeout: { type: 'string' },
  },
  operands: { least: 1, most: 1 },
  async run(values, _startOperator, [directory = '.']) {
    const prune = text(values, 'prune') ?? 'true';
    if (prune !== 'true' && prune !== 'false') throw new UsageError(`--prune takes true or false, not "${prune}"`);
    const name = text(values, 'name');
    if (name !== undefined && !/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/.test(name))
      throw new UsageError(`--name takes small letters, digits and "-", not "${name}"`);
    const dryRun = values['dry-run'] === true;
    const isOnce = values.once === true || dryRun;
    const seconds = (option: string, otherwise: number, least = 0) =>
      whole(values, option, least, LONGEST_SECONDS, otherwise);
    const folder = resolve(directory);
    const kinds = syncedKinds(readManifests(CRDS));
    const print = (line: string) => console.log(line);
    const pruneAfterMs = seconds('prune-after', isOnce ? 0 : PRUNE_SECONDS) * 1000;
    const resyncMs = seconds('resync', RESYNC_SECONDS, 1) * 1000;
    const deadlineMs = seconds('timeout', ONCE_SECONDS, 1) * 1000;
    const { signal } = untilInterrupted();
    const clock = systemClock;
    const now = () => clock.monotonic();
    return onCluster(values, async ({ client, namespace }) => {
      const set = applySet(name ?? nameFor(folder), namespace);
      const pass = new Sync({ client, kinds, set, dryRun, prune: prune === 'true', pruneAfterMs, now, print });
      const keep = { folder, sync: pass, check: createCheck(kinds), clock, random: Math.random, print, resyncMs };
      if (isOnce) return (await syncOnce(keep, AbortSignal.any([signal, AbortSignal.timeout(deadlineMs)]))) ? 0 : 1;
      print(`keeping ${directory} applied, as ConfigMap ${set.namespace}/${set.name} tells; Ctrl-C ends it`);
      await keepSynced(keep, signal);
      return 130;
    });
  },
};
