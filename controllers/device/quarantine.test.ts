import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { OperationKind } from '../../lib/provision/operations/operations.ts';
import { type Quarantine, quarantineOf } from './quarantine.ts';
import type { Status } from './status.ts';

const NOW = Date.parse('2026-01-01T00:00:00Z');
const failing = (error: Partial<NonNullable<Status['error']>>, kind: OperationKind = 'Create'): Status => ({
  phase: 'InUse',
  operation: {
    id: 'op-1',
    kind,
    step: 'await-agent',
    index: 3,
    total: 8,
    attempt: 1,
    startedAt: 't',
    instanceUID: 'i-1',
  },
  error: { code: 'GaveUp', message: 'it did not boot', count: 10, since: 't', permanent: true, ...error },
});
const other = (code: string): Quarantine => ({ code, message: '', since: 't' });

test('what gave up for a fault of the machine’s own is put aside, with its cause', () => {
  assert.equal(quarantineOf(failing({ cause: 'BootTimeout' }), [], NOW), {
    code: 'BootTimeout',
    message: 'it did not boot',
    since: '2026-01-01T00:00:00Z',
    operationID: 'op-1',
    instanceUID: 'i-1',
  });
  assert.is(quarantineOf(failing({ code: 'DiskReadOnly' }), [], NOW)?.code, 'DiskReadOnly');
});

test('what any other machine would fail at too is nobody’s quarantine', () => {
  for (const cause of ['SystemTimeout', 'ImageUnavailable', 'AgentFailed'])
    assert.is(quarantineOf(failing({ cause }), [], NOW), undefined, cause);
  for (const code of ['ImageNotFound', 'SecretNotFound', 'BadNetwork', 'BadCredentials', 'ImageDigestMismatch'])
    assert.is(quarantineOf(failing({ code }), [], NOW), undefined, code);
});

test('what is still tried, and what may hold an Instance that ran, stays where it is', () => {
  const { permanent: _, ...transient } = failing({ code: 'BootTimeout' }).error!;
  assert.is(quarantineOf({ ...failing({}), error: transient }, [], NOW), undefined);
  for (const kind of ['Reinstall', 'Start', 'Clean'] as const)
    assert.is(quarantineOf(failing({ cause: 'BootTimeout' }, kind), [], NOW), undefined, kind);
});

test('when several machines of a Site fail alike it is not the machines', () => {
  const alike = Array.from({ length: 3 }, () => other('BootTimeout'));
  assert.is(quarantineOf(failing({ cause: 'BootTimeout' }), alike, NOW), undefined);
  assert.ok(quarantineOf(failing({ cause: 'BootTimeout' }), [...alike.slice(1), other('PowerStuck')], NOW));
});

test.run();
