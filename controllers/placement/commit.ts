// What a round commits capacity with: quotas first, then the ledgers of hosts, each by one guarded write.
import type { HostTable } from '../../lib/scheduler/kubernetes/hosts.ts';
import { hostKey } from '../../lib/scheduler/kubernetes/ledger-entries.ts';
import type { HostChange } from './plan.ts';
import type { PlacementQuotas } from './quotas.ts';
import type { Mark, Telling } from './tell.ts';

/** Writes the ledgers. Gives what to mark: Placements whose host's ledger has them now. */
export async function commit(
  telling: Telling,
  changes: readonly HostChange[],
  hosts: HostTable,
  limits: PlacementQuotas,
): Promise<Mark[]> {
  const { records, effort, signal } = telling;
  const isCounted = await writeQuotas(telling, limits);
  const safe = isCounted ? changes : changes.map((change) => ({ ...change, binds: [] }));
  const written = await effort.each(
    safe,
    ({ host }) => host,
    (change) => records.writeLedger(change, signal),
  );
  const changed = new Set(written.map(([change]) => hostKey(change.host)));
  for (const { host, binds } of changes) {
    const isWhole = changed.has(hostKey(host)) && (isCounted || binds.length === 0);
    // The table is ahead of the ledger.
    if (!isWhole) hosts.forget(hostKey(host));
  }
  return written.flatMap(([{ binds }, host]) => binds.map(({ placement, score }) => ({ placement, host, score })));
}

/** Gives whether all quotas are as they were planned. */
async function writeQuotas({ records, effort, signal, now }: Telling, limits: PlacementQuotas): Promise<boolean> {
  const changes = limits.allowance.changes(now());
  const written = await effort.each(
    changes,
    ({ quota }) => quota,
    ({ quota, status }) => records.writeQuota(quota, status, signal),
  );
  for (const [{ quota }, current] of written) limits.allowance.wrote(quota, current);
  return written.length === changes.length;
}
