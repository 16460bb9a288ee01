import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { holds } from './change.ts';

test('a patch that would change nothing is known as one', () => {
  const spec = { power: 'On', maintenance: { enabled: true, reason: 'fan' }, taints: [{ key: 'a' }] };
  for (const patch of [
    {},
    { power: 'On' },
    { maintenance: { enabled: true } },
    { taints: [{ key: 'a' }] },
    { image: null },
  ])
    assert.ok(holds(spec, patch), JSON.stringify(patch));
  for (const patch of [
    { power: 'Off' },
    { maintenance: { reason: null } },
    { requests: { restart: 'now' } },
    { requests: {} },
    { taints: [] },
  ])
    assert.not.ok(holds(spec, patch), JSON.stringify(patch));
});

test.run();
