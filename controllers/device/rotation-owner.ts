// Who else writes a Secret's password: something that keeps it as Git has it would undo a rotation, and lock everybody out.
//
// Read from metadata.managedFields, in which the API server notes who set each field, and from the Secret's owner.
import type { Secret } from '../../lib/api/resources.ts';

/** Managers of ours. `bmp import` applies too, but never by force: it is told of a password that has changed since. */
const OURS: ReadonlySet<string> = new Set(['bmp-operator', 'bmp-import', 'bmp-cli']);

/** Who applies without saying so: as `Update`, by what they compute from a file. */
const APPLIERS = /^(kubectl-client-side-apply|argocd|flux|kustomize-controller|helm)/;

interface ManagedFields {
  readonly manager?: string;
  readonly operation?: string;
  readonly fieldsV1?: { readonly 'f:data'?: Readonly<Record<string, unknown>> };
}

/**
 * Who would bring the old password back: a field manager, or the object that the Secret is made from ("SealedSecret r1-bmc").
 * Undefined when nobody would. `secret` as the server has it: caches leave managedFields out.
 */
export function passwordOwner({ metadata }: Secret): string | undefined {
  const source = metadata.ownerReferences?.find(({ controller }) => controller);
  if (source) return `${source.kind} ${source.name}`;
  const entries = (metadata.managedFields ?? []) as readonly ManagedFields[];
  return entries
    .filter(({ fieldsV1 }) => fieldsV1?.['f:data']?.['f:password'] !== undefined)
    .filter(({ operation, manager = '' }) => operation === 'Apply' || APPLIERS.test(manager))
    .map(({ manager = 'an unnamed manager' }) => manager)
    .find((manager) => !OURS.has(manager));
}

/** Why such a Secret's password is not rotated, and what to do. */
export const ownedElsewhere = (owner: string, secret: string): string =>
  `${owner} keeps data.password of the Secret ${secret} and would bring the old password back: change the password there, ` +
  'or take the Secret out of it and make it anew with kubectl create';
