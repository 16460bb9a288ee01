import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { DEVICES, INSTANCES } from '../api/resources.ts';
import type { KubeClient } from '../kube/client.ts';
import { oneTargetOf, targetsOf } from './cluster.ts';
import { UsageError } from './command.ts';

const cluster = { client: {} as KubeClient, namespace: 'team-a' };
const named = (...words: string[]) =>
  targetsOf(words, [INSTANCES, DEVICES]).map((target) => {
    const { resource, name, namespace } = target(cluster);
    return [resource.kind, name, namespace].filter(Boolean).join(' ');
  });

test('objects are named by name, by kind and name, or as kubectl has it', () => {
  assert.equal(named('web-1', 'dev/r1-01'), ['Instance web-1 team-a', 'Device r1-01']);
  assert.equal(named('device', 'r1-01', 'r1-02'), ['Device r1-01', 'Device r1-02']);
  assert.equal(named('device'), ['Instance device team-a'], 'a name alone is one');
  const isUsage = (error: Error) => error instanceof UsageError;
  for (const words of [['placement/a'], ['placement', 'a'], ['device/']])
    assert.throws(() => named(...words), isUsage, words.join(' '));
  assert.throws(() => oneTargetOf(['device', 'a', 'b'], [DEVICES]), isUsage);
  assert.is(oneTargetOf(['dev', 'a'], [DEVICES])(cluster).name, 'a');
});

test.run();
