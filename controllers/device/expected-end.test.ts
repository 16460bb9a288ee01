import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Device } from '../../lib/api/generated.ts';
import { expectedEnd } from './expected-end.ts';
import type { Operation } from './status.ts';

const operation: Operation = {
  id: 'create-9',
  kind: 'Create',
  step: 'power-off',
  index: 1,
  total: 8,
  attempt: 1,
  startedAt: '2026-01-01T12:00:00Z',
};
const device = (minutes: readonly number[], kind = 'Create', deviceType = 'gp.large'): Device =>
  ({
    metadata: { name: 'd' },
    spec: { deviceType },
    status: {
      history: minutes.map((took, at) => ({
        id: `x-${at}`,
        kind,
        startedAt: '2026-01-01T00:00:00Z',
        endedAt: new Date(Date.parse('2026-01-01T00:00:00Z') + took * 60_000).toISOString(),
        result: 'Succeeded',
      })),
    },
  }) as unknown as Device;

test('a device goes by its own past, the usual and not the worst of it', () => {
  assert.is(expectedEnd(operation, device([5, 90, 6]), [device([60])]), '2026-01-01T12:06:00Z');
});

test('without one it goes by that of others of its type', () => {
  const others = [device([1], 'Create', 'st.large'), device([30]), device([20], 'Clean'), device([40, 50])];
  assert.is(expectedEnd(operation, device([7], 'Clean'), others), '2026-01-01T12:40:00Z');
});

test('without any past it says nothing', () => {
  assert.is(expectedEnd(operation, device([]), []), undefined);
});

test.run();
