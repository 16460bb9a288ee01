import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type Change, createUser, type Population } from './changes.ts';

const population: Population = {
  devices: Array.from({ length: 40 }, (_, at) => `device-${at}`),
  deviceTypes: ['a', 'b'],
  images: ['x', 'y'],
  instances: 10,
  placements: 5,
};

function changes(seed: number, count = 500): Change[] {
  const user = createUser(seed, population);
  return Array.from({ length: count }, () => user.next());
}

test('the same seed asks for the same, another one for something else', () => {
  assert.equal(changes(1), changes(1));
  assert.not.equal(changes(1), changes(2));
});

test('everything that can be asked for is asked for, of what is there', () => {
  const living = new Set<string>();
  for (const change of changes(3)) {
    if (change.type === 'create-instance') living.add(change.name);
    if (change.type === 'change-instance') assert.ok(living.has(change.name), change.name);
    if (change.type === 'delete-instance') assert.ok(living.delete(change.name), change.name);
  }
  const types = new Set(changes(3).map(({ type }) => type));
  assert.is(types.size, 7, [...types].join(' '));
  const requests = changes(3).flatMap((change) =>
    change.type === 'change-instance' ? Object.keys(change.wish.requests) : [],
  );
  assert.equal([...new Set(requests)].sort(), ['reinstall', 'resetPassword', 'restart']);
});

test('about as many live as should, and few devices are withheld', () => {
  const user = createUser(4, population);
  for (let time = 0; time < 500; time++) {
    user.next();
    const { instances, placements, inMaintenance, withdrawn } = user.wanted;
    assert.ok(instances.size <= 10 && (time < 10 || instances.size >= 9));
    assert.ok(placements.size <= 5);
    assert.ok(inMaintenance.size <= 2 && withdrawn.size <= 2);
  }
});

test('in the end nothing is withheld', () => {
  const user = createUser(5, population);
  while (user.wanted.inMaintenance.size + user.wanted.withdrawn.size === 0) user.next();
  const withheld = user.wanted.inMaintenance.size + user.wanted.withdrawn.size;
  assert.is(user.conclude().length, withheld);
  assert.is(user.wanted.inMaintenance.size + user.wanted.withdrawn.size, 0);
});

test.run();
