// The auditor: sees on a connection that nothing befalls what becomes of all devices, instances and placements, and notes
// what must never be, however short it lasts.
import type { Device, Instance } from '../../../lib/api/generated.ts';
import { millicores } from '../../../lib/api/quantity.ts';
import { follow, type View } from '../../../lib/cli/view.ts';
import type { KubeClient } from '../../../lib/kube/client.ts';
import type { Log } from '../../../lib/observe/log.ts';
import type { OperationKind } from '../../../lib/provision/operations/operations.ts';

/** An operation as a Device's status has shown it. */
export interface SeenOperation {
  readonly id: string;
  readonly device: string;
  readonly kind: OperationKind;
  readonly instanceUID: string | undefined;
  /** The value of the request that it answers. */
  readonly request: string | undefined;
  /** SHA-256 of the images that it was to write, one after the other. */
  readonly images: Set<string>;
  /** The most that were seen: network boots, and rounds. */
  boots: number;
  rounds: number;
}

export interface Auditor {
  readonly view: View;
  readonly operations: ReadonlyMap<string, SeenOperation>;
  /** What was, and must never be. */
  readonly violations: readonly string[];
}

/** Audits until the signal aborts. */
export async function startAuditor(client: KubeClient, log: Log, signal: AbortSignal): Promise<Auditor> {
  const view = await follow(client, log, signal);
  const operations = new Map<string, SeenOperation>();
  const violations: string[] = [];
  /** Instance uid → the device that it has. */
  const claims = new Map<string, string>();

  function auditClaim({ metadata, spec }: Device, before: string | undefined, isGone: boolean): void {
    const { name } = metadata;
    const after = isGone ? undefined : spec.claimRef?.uid;
    if (before === after) return;
    if (before !== undefined && after !== undefined)
      violations.push(`device ${name} went from instance ${before} to ${after} without having been released`);
    if (before !== undefined && claims.get(before) === name) claims.delete(before);
    if (after === undefined) return;
    const other = claims.get(after);
    if (other !== undefined) violations.push(`instance ${after} has device ${other} and device ${name}`);
    claims.set(after, name);
  }

  function noteOperation({ metadata, status }: Device): void {
    const operation = status?.operation;
    if (!operation) return;
    const { id, instanceUID, request } = operation;
    const seen = operations.get(id) ?? {
      id,
      device: metadata.name,
      kind: operation.kind as OperationKind,
      instanceUID,
      request,
      images: new Set(),
      boots: 0,
      rounds: 0,
    };
    if (operation.image?.sha256) seen.images.add(operation.image.sha256);
    seen.boots = Math.max(seen.boots, operation.boot?.number ?? 0);
    seen.rounds = Math.max(seen.rounds, operation.round ?? 1);
    operations.set(id, seen);
  }

  function auditLedger({ metadata, status }: Instance): void {
    const { allocated, capacity } = status ?? {};
    if (!allocated?.cpu || capacity?.cpu === undefined) return;
    if (millicores(allocated.cpu) > millicores(capacity.cpu))
      violations.push(`host ${metadata.name} gave away ${allocated.cpu} of ${capacity.cpu} CPUs`);
    const names = (allocated.claims ?? []).map(({ name }) => name);
    if (new Set(names).size < names.length)
      violations.push(`host ${metadata.name} has a placement twice: ${names.join()}`);
  }

  for (const device of view.devices.values()) auditClaim(device, undefined, false);
  const ends = [
    view.devices.subscribe((event) => {
      const before = event.type === 'updated' ? event.old : event.type === 'deleted' ? event.object : undefined;
      auditClaim(event.object, before?.spec.claimRef?.uid, event.type === 'deleted');
      noteOperation(event.object);
    }),
    view.instances.subscribe((event) => auditLedger(event.object)),
  ];
  signal.addEventListener(
    'abort',
    () => {
      for (const end of ends) end();
    },
    { once: true },
  );
  return { view, operations, violations };
}
