import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { InvalidInputError } from './errors.ts';
import { API_VERSION, defaultProfiles, KIND, parseConfiguration } from './profiles.ts';
import { Scheduler } from './scheduler.ts';
import { NodeTable } from './table.ts';
import { aNode, aRequest } from './testing/fixtures.ts';

const configuration = (...profiles: unknown[]) => ({ apiVersion: API_VERSION, kind: KIND, profiles });
const scored = (score: unknown) => configuration({ schedulerName: 'default', plugins: { score } });

function refused(value: unknown): string {
  try {
    parseConfiguration(value);
    return 'accepted';
  } catch (error) {
    assert.instance(error, InvalidInputError);
    return (error as InvalidInputError).message;
  }
}

test('an empty configuration is the built-in one', () => {
  assert.equal([...parseConfiguration(configuration()).profiles.keys()], [...defaultProfiles().keys()]);
});

test('disabled goes first, then enabled, as in kube-scheduler', () => {
  const profile = parseConfiguration(
    scored({ disabled: [{ name: '*' }], enabled: [{ name: 'LeastAllocated', weight: 3 }] }),
  ).profiles.get('default')!;
  assert.equal(
    profile.scores.map(({ plugin, weight }) => [plugin.name, weight]),
    [['LeastAllocated', 3]],
  );
});

test('a filter that is switched off no longer turns nodes away', () => {
  const filter = { disabled: [{ name: 'PlacementLimit' }] };
  const table = new NodeTable();
  table.upsert(aNode('a', { maxPlacements: 0 }));
  const scheduler = new Scheduler(table);
  assert.is(scheduler.decide(aRequest('r')).node, undefined);
  scheduler.setProfiles(parseConfiguration(configuration({ schedulerName: 'default', plugins: { filter } })).profiles);
  assert.is(scheduler.decide(aRequest('r')).node, 'a');
});

test('filters keep their order, those that read the node alone first', () => {
  for (const { filters } of defaultProfiles().values()) {
    const reads = filters.flatMap(({ filter }) => filter?.reads ?? []);
    assert.equal(
      reads,
      reads.toSorted((left, right) => (left === right ? 0 : left === 'node' ? -1 : 1)),
    );
  }
});

test('default constraints spread what names none itself', () => {
  const args = { defaultConstraints: [{ topologyKey: 'zone', maxSkew: 1, whenUnsatisfiable: 'DoNotSchedule' }] };
  const configured = (config: unknown) => configuration({ schedulerName: 'default', pluginConfig: config });
  const table = new NodeTable();
  table.upsert(aNode('a', { zone: 'a' }));
  table.upsert(aNode('b', { zone: 'b' }));
  const scheduler = new Scheduler(table, parseConfiguration(configured([{ name: 'TopologySpread', args }])).profiles);
  table.reserve('a', aRequest('first'));
  assert.is(scheduler.decide(aRequest('second')).node, 'b');
  assert.match(refused(configured([{ name: 'Pool', args: {} }])), 'pluginConfig[0].name');
  const wrong = { defaultConstraints: [{ topologyKey: 'zone', maxSkew: 0, whenUnsatisfiable: 'DoNotSchedule' }] };
  assert.match(refused(configured([{ name: 'TopologySpread', args: wrong }])), 'defaultConstraints[0].maxSkew');
});

test('mistakes are refused by the name of the field', () => {
  assert.is(refused(null), 'configuration: (root): must be an object');
  assert.is(refused({ kind: KIND }), `configuration: apiVersion: must be ${API_VERSION}`);
  assert.is(refused({ apiVersion: API_VERSION, kind: 'Scheduler' }), `configuration: kind: must be ${KIND}`);
  assert.match(refused({ ...configuration(), profile: [] }), 'profile: is not known');
  assert.match(refused(configuration({})), 'profiles[0].schedulerName: must be a string');
  assert.match(refused(configuration({ schedulerName: 'a' }, { schedulerName: 'a' })), 'profiles[1].schedulerName');
  assert.match(refused(scored({ enabled: [{ name: 'Pool' }] })), 'enabled[0].name: no score is called Pool');
  assert.match(refused(scored({ disabled: [{ name: 'LeastAllocated' }] })), 'disabled[0].name: is not enabled');
  for (const weight of [0, -1, 0.5, '1', 10_001]) {
    assert.match(refused(scored({ enabled: [{ name: 'MostAllocated', weight }] })), 'enabled[0].weight');
  }
});

test('a pool has a profile of its own, which there must be', () => {
  const dense = { schedulerName: 'dense' };
  const pools = (...list: unknown[]) => ({ ...configuration(dense), pools: list });
  const lab = { name: 'lab', schedulerName: 'dense' };
  assert.equal([...parseConfiguration(pools(lab)).pools], [['lab', 'dense']]);
  assert.match(
    refused(pools({ name: 'lab', schedulerName: 'sparse' })),
    'pools[0].schedulerName: no profile is called sparse',
  );
  assert.match(refused(pools(lab, lab)), 'pools[1].name: is there twice: lab');
  assert.match(refused(pools({ ...lab, weight: 1 })), 'pools[0].weight: is not known');
});

test.run();
