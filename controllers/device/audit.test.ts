import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Device } from '../../lib/api/generated.ts';
import { auditRecords } from './audit.ts';
import type { Status } from './status.ts';

const device = { metadata: { name: 'r1-07' } } as Device;
const entry = {
  id: 'restart-1',
  kind: 'Restart',
  requestedBy: 'default/web-1',
  request: 'once',
  askedBy: 'alice',
  startedAt: '2026-01-01T00:00:00Z',
  endedAt: '2026-01-01T00:01:00Z',
  result: 'Succeeded' as const,
};
const operation = { id: 'clean-1', kind: 'Clean', step: 'wipe', index: 4, total: 5, attempt: 1, startedAt: 't0' };
const error = { code: 'DiskReadOnly', message: 'disk S1', count: 1, since: 't1', permanent: true };
const records = (before: Status, after: Status) => auditRecords(device, before, after, 't2');

test('an operation that has ended is told once, with whoever asked for it', () => {
  assert.equal(records({}, { history: [entry] }), [
    {
      time: entry.endedAt,
      device: 'r1-07',
      operation: 'restart-1',
      kind: 'Restart',
      instance: 'default/web-1',
      request: 'once',
      askedBy: 'alice',
      startedAt: entry.startedAt,
      result: 'Succeeded',
    },
  ]);
  assert.equal(records({ history: [entry] }, { history: [entry] }), []);
});

test('one that has stopped for good is told with its reason, and one that is still tried is not', () => {
  const stopped = { operation, error };
  assert.equal(records({ operation }, stopped), [
    {
      time: 't2',
      device: 'r1-07',
      operation: 'clean-1',
      kind: 'Clean',
      startedAt: 't0',
      result: 'Stopped',
      code: 'DiskReadOnly',
      message: 'disk S1',
    },
  ]);
  assert.equal(records(stopped, stopped), []);
  const { permanent: _, ...tried } = error;
  assert.equal(records({ operation }, { operation, error: tried }), []);
});

test.run();
