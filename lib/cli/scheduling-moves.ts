// Carries out a plan of moves: one after the other, each asked for by `requests.move` and waited for.
//
// A plan is about the cluster as it was. Each move goes out only while its Placement is where the plan has it, and the first
// that is refused, or found otherwise, ends it: what was moved stays where it is, and a new plan starts from there.
import type { Placement } from '../api/generated.ts';
import { PLACEMENTS } from '../api/resources.ts';
import { hasPlace, homeOf } from '../scheduler/kubernetes/ledger-entries.ts';
import { type Cluster, FIELD_MANAGER } from './cluster.ts';
import { read, type Seen, type Verdict, waitFor } from './progress.ts';

/** Hosts by their keys: `web-1`, or `host/web-1` of a Host. */
export interface NamedMove {
  readonly placement: string;
  readonly from: string;
  readonly to: string;
}

export interface Carrying {
  /** For each move. */
  readonly timeoutMs: number;
  /** Makes a request a new one, whatever was asked for before: RFC 3339. */
  readonly asked: string;
  readonly out: NodeJS.WriteStream;
}

/** @returns how many moves were carried out: all of them, or those before the one that was not. @throws Error */
export async function carryOut(cluster: Cluster, moves: readonly NamedMove[], carrying: Carrying): Promise<number> {
  for (const [index, move] of moves.entries()) {
    carrying.out.write(`${index + 1}/${moves.length} ${move.placement}: ${move.from} -> ${move.to}\n`);
    if (!(await carryOutOne(cluster, move, carrying))) return index;
  }
  return moves.length;
}

async function carryOutOne(
  cluster: Cluster,
  { placement: name, from, to }: NamedMove,
  { timeoutMs, asked, out }: Carrying,
): Promise<boolean> {
  const target = { resource: PLACEMENTS, namespace: cluster.namespace, name };
  const placement = await read<Placement>(cluster, target);
  const { uid, resourceVersion } = placement.metadata;
  if (!hasPlace(placement) || homeOf(placement) !== from) {
    out.write(`placement/${name}: is not on ${from} any more\n`);
    return false;
  }
  const value = `${to}@${asked}`;
  const body = { metadata: { uid, resourceVersion }, spec: { requests: { move: value } } };
  await cluster.client.patch(PLACEMENTS, target, { type: 'merge', body }, { fieldManager: FIELD_MANAGER });
  const judge = (seen: Seen): Verdict => {
    const { status } = seen as Placement;
    const move = status?.requests?.move;
    if (seen.metadata.uid !== uid) return { code: 1, message: 'is another one now' };
    if (move?.value !== value || move.result === 'Running') return undefined;
    return { code: move.result === 'Succeeded' ? 0 : 1, message: `${move.result.toLowerCase()}: ${move.message}` };
  };
  return (await waitFor(cluster, target, { timeoutMs, judge, out })) === 0;
}
