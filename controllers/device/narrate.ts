// What happened to a Device between two statuses, as events for `kubectl describe`. Pure.
import type { ReasonOf } from '../../lib/api/reasons.ts';
import type { EventType } from '../../lib/kube/events.ts';
import type { OperationKind } from '../../lib/provision/operations/operations.ts';
import { codeOf, kindOf, type Status } from './status.ts';

export interface Told {
  readonly type: EventType;
  readonly reason: ReasonOf<'Device'>;
  readonly note: string;
}

export function narrate(before: Status, after: Status): Told[] {
  const told: Told[] = [];
  const tell = (type: EventType, reason: ReasonOf<'Device'>, note: string) => told.push({ type, reason, note });
  if (after.phase && before.phase !== after.phase)
    tell('Normal', after.phase, `${before.phase ?? 'New'} → ${after.phase}`);
  const known = new Set((before.history ?? []).map((entry) => entry.id));
  const hasEnded = (after.history ?? []).some(({ id }) => id === before.operation?.id);
  if (before.phase === 'Cleaning' && after.phase === 'Removed' && before.operation && !hasEnded)
    tell('Warning', 'RemovedUncleaned', `given up without having been cleaned: ${before.error?.message}`);
  for (const { id, kind, result, message } of after.history ?? []) {
    if (!known.has(id))
      tell(
        'Normal',
        `${kind as OperationKind}${result as 'Succeeded' | 'Aborted'}`,
        `${kind} ${result.toLowerCase()}${message ? `: ${message}` : ''} (${id})`,
      );
  }
  if (after.operation && before.operation?.id !== after.operation.id) {
    tell(
      'Normal',
      `${kindOf(after.operation)}Started`,
      `${after.operation.kind} began (${after.operation.id}), ${after.operation.total} steps${after.operation.askedBy ? `, asked for by ${after.operation.askedBy}` : ''}`,
    );
  }
  if (after.quarantine && !before.quarantine)
    tell(
      'Warning',
      'Quarantined',
      `${after.quarantine.code}: ${after.quarantine.message}; put aside, its instance goes to another device`,
    );
  const { error } = after;
  if (error && (before.error?.code !== error.code || before.error.count !== error.count)) {
    const at = error.step ? ` at ${error.step}` : '';
    const next = error.permanent
      ? 'Not tried again before something changes.'
      : after.operation?.nextAttemptAt
        ? `Next try at ${after.operation.nextAttemptAt.slice(0, 19)}Z.`
        : '';
    tell('Warning', codeOf(error), `${error.message}${at}. ${next}`.trim());
  }
  return told;
}
