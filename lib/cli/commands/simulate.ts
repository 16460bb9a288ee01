// `bmp simulate`: where Placements would go if they came now, one after the other; nothing is made of it.
import { readFileSync } from 'node:fs';
import { text as readText } from 'node:stream/consumers';
import { loadAll } from 'js-yaml';
import type { CapacityQuota, Placement } from '../../api/generated.ts';
import { QuantityError } from '../../api/quantity.ts';
import { API_VERSION } from '../../api/resources.ts';
import { InvalidInputError } from '../../scheduler/errors.ts';
import { Allowance, placementAmounts } from '../../scheduler/kubernetes/allowance.ts';
import type { Decision } from '../../scheduler/types.ts';
import { CLUSTER_HELP, CLUSTER_OPTIONS, onCluster } from '../cluster.ts';
import { type Command, text, UsageError, whole } from '../command.ts';
import {
  configurationOf,
  readSnapshot,
  SCHEDULER_HELP,
  SCHEDULER_OPTIONS,
  type Schedule,
  scheduleOf,
} from '../scheduling.ts';
import { outputOf } from './why.ts';

const MOST = 100_000;

/** The Placements of a file of YAML or JSON, each `count` times, with names of their own. @throws UsageError */
export function wantedIn(content: string, count: number, namespace: string): Placement[] {
  const documents = loadAll(content).flatMap((document) => {
    const items = (document as { items?: unknown } | null)?.items;
    return Array.isArray(items) ? (items as unknown[]) : [document];
  });
  const placements = documents.filter((document) => document !== null && document !== undefined).map(asPlacement);
  if (placements.length === 0) throw new UsageError('the file holds no Placement');
  if (placements.length * count > MOST) throw new UsageError(`takes ${MOST} Placements at most`);
  return placements.flatMap((placement, index) =>
    Array.from({ length: count }, (_, copy) => {
      const name = placement.metadata?.name ?? `placement-${index + 1}`;
      const unique = count === 1 ? name : `${name}-${copy + 1}`;
      const metadata = { ...placement.metadata, name: unique, namespace, uid: `simulated-${index}-${copy}` };
      return { ...placement, metadata };
    }),
  );
}

function asPlacement(document: unknown): Placement {
  const { apiVersion, kind, spec } = document as Partial<Placement>;
  if (apiVersion !== API_VERSION || kind !== 'Placement') {
    throw new UsageError(`takes ${API_VERSION} Placements, not ${String(apiVersion)} ${String(kind)}`);
  }
  if (spec?.resources === undefined) throw new UsageError('a Placement in it has no spec.resources');
  if (spec.from !== undefined) throw new UsageError('a Placement in it takes up a reservation: its place is held');
  return document as Placement;
}

/** One answer for each, as if they came in this order, gangs together; those that find no place take none from the others. */
export function simulated(
  { scheduler, request }: Schedule,
  placements: readonly Placement[],
  quotas: readonly CapacityQuota[] = [],
): Decision[] {
  const allowance = new Allowance(quotas);
  const requests = placements.map(request);
  const claims = requests.map(({ id, resources }, index) => ({
    uid: id,
    kind: 'Placement' as const,
    name: placements[index]!.metadata.name,
    amounts: placementAmounts(resources),
  }));
  return scheduler.simulate(requests, {
    refusal: (indexes) => allowance.refusal(indexes.map((index) => claims[index]!)),
    passed: (indexes) => {
      for (const index of indexes) allowance.enter(claims[index]!);
    },
  });
}

export const simulate: Command = {
  name: 'simulate',
  summary: 'tell where placements would go, without making them',
  help: `Usage: bmp simulate -f FILE [options]

Tells for each Placement in a file where it would go now, one after the other, or why nowhere. It works on what the cluster
holds at this moment, its quotas too, and changes nothing. Members of a gang all get a place, or none does. The exit code is 0 when all would get a place, 1 otherwise.

  -f, --filename FILE    YAML or JSON with Placements; - for the standard input
  --count N              each of them that many times (default 1)
  -o, --output FORM      text or json (default text)
${SCHEDULER_HELP}
${CLUSTER_HELP}

Example: bmp simulate -f vm.yaml --count 1000`,
  options: {
    ...CLUSTER_OPTIONS,
    ...SCHEDULER_OPTIONS,
    filename: { type: 'string', short: 'f' },
    count: { type: 'string' },
    output: { type: 'string', short: 'o' },
  },
  async run(values) {
    const form = outputOf(values);
    const file = text(values, 'filename');
    if (file === undefined) throw new UsageError('needs -f FILE');
    const configuration = configurationOf(values);
    const count = whole(values, 'count', 1, MOST, 1);
    const content = file === '-' ? await readText(process.stdin) : readFileSync(file, 'utf8');
    return onCluster(values, async ({ client, namespace }) => {
      const wanted = wantedIn(content, count, namespace);
      const snapshot = await readSnapshot(client, namespace);
      const decisions = decided(scheduleOf(snapshot, configuration), wanted, snapshot.quotas);
      const answers = decisions.map(({ node, unschedulable, ...rest }, index) => ({
        placement: wanted[index]!.metadata.name,
        ...(node === undefined ? { reason: unschedulable!.message } : { nodeName: node, ...rest }),
      }));
      const placed = decisions.filter(({ node }) => node !== undefined).length;
      if (form === 'json') console.log(JSON.stringify({ asked: wanted.length, placed, answers }, null, 2));
      else {
        for (const { placement, ...answer } of answers) {
          console.log(`${placement}: ${'reason' in answer ? answer.reason : answer.nodeName}`);
        }
        console.log(`${placed} of ${wanted.length} would get a place`);
      }
      return placed === wanted.length ? 0 : 1;
    });
  },
};

/** What is wrong with a Placement in the file is the file's fault. */
function decided(schedule: Schedule, wanted: readonly Placement[], quotas: readonly CapacityQuota[]): Decision[] {
  try {
    return simulated(schedule, wanted, quotas);
  } catch (error) {
    if (error instanceof QuantityError || error instanceof InvalidInputError) throw new UsageError(error.message);
    throw error;
  }
}
