// Entries of a VM host's ledger, as they are read: what each Placement has of the host.
import type { Instance } from '../../api/generated.ts';
import type { Resources } from '../types.ts';
import { amountsIn } from './amounts.ts';

export type Ledger = NonNullable<NonNullable<Instance['status']>['allocated']>;
export type Entry = NonNullable<Ledger['claims']>[number];

export const entriesOf = (host: Instance): readonly Entry[] => host.status?.allocated?.claims ?? [];

/** Throws QuantityError. */
export const amountsOf = ({ cpu, memory, others }: Pick<Entry, 'cpu' | 'memory' | 'others'>): Resources =>
  amountsIn({ ...others, cpu, memory });

/** The uid of the Placement that an entry is for; what follows says for which of its stays. */
export const placementOf = ({ uid }: Entry): string => uid.split('@', 1)[0]!;
