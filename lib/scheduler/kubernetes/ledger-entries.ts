// Entries of a VM host's ledger, as they are read: what each Placement has of the host.
import type { Instance } from '../../api/generated.ts';
import { bytes, millicores } from '../../api/quantity.ts';

export type Ledger = NonNullable<NonNullable<Instance['status']>['allocated']>;
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

/** The uid of the Placement that an entry is for; what follows says for which of its stays. */
export const placementOf = ({ uid }: Entry): string => uid.split('@', 1)[0]!;
