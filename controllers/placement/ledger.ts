// The ledger of a VM host: `status.allocated` of its Instance, the one record of what Placements have of it.
import type { Instance, Placement } from '../../lib/api/generated.ts';
import { bytes, formatBytes, formatMillicores, millicores } from '../../lib/api/quantity.ts';

export type InstanceStatus = NonNullable<Instance['status']>;
export type Ledger = NonNullable<InstanceStatus['allocated']>;
export type Entry = NonNullable<Ledger['claims']>[number];

/** CPU in millicores, memory in bytes. */
export interface Amounts {
  readonly cpu: number;
  readonly memory: number;
}

export const entriesOf = (host: Instance): readonly Entry[] => host.status?.allocated?.claims ?? [];

/** Throws QuantityError. */
export const amountsOf = ({ cpu, memory }: { cpu: number | string; memory: number | string }): Amounts => ({
  cpu: millicores(cpu),
  memory: bytes(memory),
});

/** What a Placement takes of its host. Throws QuantityError. */
export function entryFor({ metadata, spec }: Placement): Entry {
  const { cpu, memory } = amountsOf(spec.resources);
  return { uid: metadata.uid!, name: metadata.name, cpu: formatMillicores(cpu), memory: formatBytes(memory) };
}

/** The status with entries taken out (by uid) and added. One that is added again is there once. */
export function withEntries(host: Instance, removed: ReadonlySet<string>, added: readonly Entry[]): InstanceStatus {
  const replaced = new Set(added.map(({ uid }) => uid));
  const kept = entriesOf(host).filter(({ uid }) => !removed.has(uid) && !replaced.has(uid));
  return { ...host.status, allocated: ledgerOf([...kept, ...added]) };
}

function ledgerOf(claims: Entry[]): Ledger {
  let [cpu, memory] = [0, 0];
  for (const entry of claims) {
    const amounts = amountsOf(entry);
    cpu += amounts.cpu;
    memory += amounts.memory;
  }
  return { cpu: formatMillicores(cpu), memory: formatBytes(memory), placements: claims.length, claims };
}
