// Entries of a VM host's ledger, as they are read: what each Placement has of the host.
import type { Host, Instance, Placement } from '../../api/generated.ts';
import type { Resources } from '../types.ts';
import { amountsIn } from './amounts.ts';

/** Whatever hosts VMs: an Instance of ours, or a Host that somebody else runs. Both keep their ledgers alike. */
export type HostObject = Instance | Host;

export const isForeign = (host: HostObject): host is Host => host.kind === 'Host';

/** The name that a host is known by in its namespace; no two hosts share one, of whatever kind they are. */
export const hostKey = (host: HostObject): string => keyOf(host.kind, host.metadata.name);

const keyOf = (kind: string | undefined, name: string): string => (kind === 'Host' ? `host/${name}` : name);

export const isForeignKey = (key: string): boolean => key.startsWith('host/');
export const nameIn = (key: string): string => (isForeignKey(key) ? key.slice('host/'.length) : key);

/** The key of the host that a Placement is marked with. */
export const homeOf = ({ status }: Placement): string | undefined =>
  status?.nodeName === undefined ? undefined : keyOf(status.nodeKind, status.nodeName);

/** Whether it is marked as having a place: one that runs, or room that is held. */
export const hasPlace = ({ status }: Placement): boolean => status?.phase === 'Bound' || status?.phase === 'Reserved';

export type Ledger = NonNullable<NonNullable<Instance['status']>['allocated']>;
export type Entry = NonNullable<Ledger['claims']>[number];

export const entriesOf = (host: HostObject): readonly Entry[] => host.status?.allocated?.claims ?? [];

/** Throws QuantityError. */
export const amountsOf = ({ cpu, memory, others }: Pick<Entry, 'cpu' | 'memory' | 'others'>): Resources =>
  amountsIn({ ...others, cpu, memory });

/** The uid of the Placement that an entry is for; what follows says for which of its stays. */
export const placementOf = ({ uid }: Entry): string => uid.split('@', 1)[0]!;
