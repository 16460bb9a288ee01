// Whose turn it is when devices are few: namespaces take turns, whatever one of them asks for.
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { DEVICES } from '../../lib/api/resources.ts';
import { aDevice, anInstance } from './model/fixtures.ts';
import { runRounds, world } from './model/world.ts';

const of = (namespace: string, name: string, priority = 0, year = 2026) =>
  anInstance(name, {
    metadata: { namespace, creationTimestamp: `${year}-01-01T00:00:00Z` },
    spec: { priority },
  });

async function served(instances: ReturnType<typeof of>[], devices: number): Promise<string[]> {
  const api = world({ devices: Array.from({ length: devices }, (_, index) => aDevice(`d${index}`)), instances });
  await runRounds(api);
  return api
    .all(DEVICES)
    .flatMap(({ spec }) => spec.claimRef?.name ?? [])
    .sort();
}

test('a namespace with ten thousand that wait does not keep another one waiting', async () => {
  const many = Array.from({ length: 10_000 }, (_, index) => of('big', `big-${index}`, 0, 2025));
  const got = await served([...many, of('small', 'only-1')], 2);
  assert.is(got.length, 2);
  assert.ok(got.includes('only-1'), got.join(' '));
});

test('who has fewer devices comes first, within a priority; the oldest of a namespace first', async () => {
  assert.equal(
    await served(
      [of('a', 'a-new'), of('a', 'a-old', 0, 2025), of('b', 'b-1'), of('b', 'b-2'), of('c', 'urgent', 1)],
      3,
    ),
    ['a-old', 'b-1', 'urgent'],
  );
});

test.run();
