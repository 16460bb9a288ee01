// `bmp defragment`: which Placements would have to move for hosts to become empty. A plan; it moves nothing.
import { planDefragmentation } from '../../scheduler/defragment.ts';
import { placementOfReservation } from '../../scheduler/kubernetes/hosts.ts';
import type { Configuration } from '../../scheduler/profiles.ts';
import { CLUSTER_HELP, CLUSTER_OPTIONS, onCluster } from '../cluster.ts';
import { type Command, whole } from '../command.ts';
import {
  configurationOf,
  readSnapshot,
  SCHEDULER_HELP,
  SCHEDULER_OPTIONS,
  type Snapshot,
  scheduleOf,
} from '../scheduling.ts';
import { outputOf } from './why.ts';

const MOST_MOVES = 1000;

export interface NamedPlan {
  readonly moves: readonly { readonly placement: string; readonly from: string; readonly to: string }[];
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
      return placement?.status?.phase === 'Bound' ? request(placement) : undefined;
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
It moves nothing: delete a Placement and make it anew to carry a move out.

  --moves N              at most so many (default ${MOST_MOVES})
  -o, --output FORM      text or json (default text)
${SCHEDULER_HELP}
${CLUSTER_HELP}

Example: bmp defragment -n team-a`,
  options: {
    ...CLUSTER_OPTIONS,
    ...SCHEDULER_OPTIONS,
    moves: { type: 'string' },
    output: { type: 'string', short: 'o' },
  },
  async run(values) {
    const form = outputOf(values);
    const configuration = configurationOf(values);
    const mostMoves = whole(values, 'moves', 1, 1_000_000, MOST_MOVES);
    return onCluster(values, async ({ client, namespace }) => {
      const plan = defragmentation(await readSnapshot(client, namespace), mostMoves, configuration);
      if (form === 'json') {
        console.log(JSON.stringify(plan, null, 2));
        return 0;
      }
      for (const { placement, from, to } of plan.moves) console.log(`${placement}: ${from} -> ${to}`);
      const gain = plan.emptied.length === 0 ? 'no host can be emptied' : `empties ${plan.emptied.join(', ')}`;
      console.log(`${gain}: ${plan.before} hosts in use now, ${plan.after} then`);
      return 0;
    });
  },
};
