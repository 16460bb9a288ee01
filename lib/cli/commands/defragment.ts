// `bmp defragment`: which Placements would have to move for hosts to become empty. A plan, carried out only with --apply.
import { planDefragmentation } from '../../scheduler/defragment.ts';
import { placementOfReservation } from '../../scheduler/kubernetes/hosts.ts';
import { hasPlace } from '../../scheduler/kubernetes/ledger-entries.ts';
import type { Configuration } from '../../scheduler/profiles.ts';
import { CLUSTER_HELP, CLUSTER_OPTIONS, onCluster } from '../cluster.ts';
import { type Command, UsageError, whole } from '../command.ts';
import { CONFIRM_HELP, CONFIRM_OPTIONS, confirm } from '../confirm.ts';
import {
  configurationOf,
  readSnapshot,
  SCHEDULER_HELP,
  SCHEDULER_OPTIONS,
  type Snapshot,
  scheduleOf,
} from '../scheduling.ts';
import { carryOut, type NamedMove } from '../scheduling-moves.ts';
import { outputOf } from './why.ts';

const MOST_MOVES = 1000;
const WAIT_SECONDS = 300;
const LONGEST_SECONDS = 86_400;

export interface NamedPlan {
  readonly moves: readonly NamedMove[];
  readonly emptied: readonly string[];
  readonly before: number;
  readonly after: number;
}

/** Placements by name; what a ledger holds for one that is not known stays where it is. */
export function defragmentation(snapshot: Snapshot, mostMoves: number, configuration?: Configuration): NamedPlan {
  const { scheduler, request } = scheduleOf(snapshot, configuration);
  const byUid = new Map(snapshot.placements.map((placement) => [placement.metadata.uid, placement]));
  const holderOf = (id: string) => byUid.get(placementOfReservation(id));
  const plan = planDefragmentation(
    scheduler,
    ({ id }) => {
      const placement = holderOf(id);
      return placement && hasPlace(placement) ? request(placement) : undefined;
    },
    mostMoves,
  );
  const moves = plan.moves.map(({ id, from, to }) => ({ placement: holderOf(id)!.metadata.name, from, to }));
  return { ...plan, moves };
}

export const defragment: Command = {
  name: 'defragment',
  summary: 'tell which placements would have to move for hosts to become empty',
  help: `Usage: bmp defragment [options]

Prints a plan: which Placements to move where, in which order, and which hosts are empty then. All rules hold after each move.
With --apply it is carried out: one move after the other, within what groups can do without, until one is refused or the
cluster is not as the plan has it. What is left is planned anew by the next run.

  --moves N              at most so many (default ${MOST_MOVES})
  --apply                carry the plan out
  --timeout SECONDS      how long to wait for each move (default ${WAIT_SECONDS})
  -o, --output FORM      text or json (default text)
${CONFIRM_HELP}
${SCHEDULER_HELP}
${CLUSTER_HELP}

Example: bmp defragment -n team-a`,
  options: {
    ...CLUSTER_OPTIONS,
    ...SCHEDULER_OPTIONS,
    ...CONFIRM_OPTIONS,
    moves: { type: 'string' },
    apply: { type: 'boolean' },
    timeout: { type: 'string' },
    output: { type: 'string', short: 'o' },
  },
  async run(values) {
    const form = outputOf(values);
    const configuration = configurationOf(values);
    const mostMoves = whole(values, 'moves', 1, 1_000_000, MOST_MOVES);
    const timeoutMs = 1000 * whole(values, 'timeout', 1, LONGEST_SECONDS, WAIT_SECONDS);
    if (values.apply === true && form === 'json') throw new UsageError('--apply tells its progress in text');
    return onCluster(values, async (cluster) => {
      const plan = defragmentation(await readSnapshot(cluster.client, cluster.namespace), mostMoves, configuration);
      if (form === 'json') {
        console.log(JSON.stringify(plan, null, 2));
        return 0;
      }
      for (const { placement, from, to } of plan.moves) console.log(`${placement}: ${from} -> ${to}`);
      const gain = plan.emptied.length === 0 ? 'no host can be emptied' : `empties ${plan.emptied.join(', ')}`;
      console.log(`${gain}: ${plan.before} hosts in use now, ${plan.after} then`);
      const { length } = plan.moves;
      if (values.apply !== true || length === 0) return 0;
      if (!(await confirm(values, `${length} placements move, one after the other`))) return 1;
      const carrying = { timeoutMs, asked: new Date().toISOString(), out: process.stdout };
      const done = await carryOut(cluster, plan.moves, carrying);
      console.log(`${done} of ${length} moves carried out${done < length ? ': plan anew for what is left' : ''}`);
      return done === length ? 0 : 1;
    });
  },
};
