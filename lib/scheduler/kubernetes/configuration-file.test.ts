// The scheduler's configuration as a file: what is wrong has its line, and what changes is taken over.
import { rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { eventually } from '../../testing/eventually.ts';
import { tempDir } from '../../testing/temp-dir.ts';
import { ConfigurationError, type Outcome, readConfiguration, watchConfiguration } from './configuration-file.ts';

const HEAD = 'apiVersion: bmp.dev/v1alpha1\nkind: SchedulerConfiguration\n';

function refusal(text: string): string {
  try {
    readConfiguration(text, 'f.yaml');
    return 'accepted';
  } catch (error) {
    assert.instance(error, ConfigurationError);
    return (error as Error).message;
  }
}

test('what is wrong is told with its file, line and field', () => {
  const cases: [text: string, told: string][] = [
    [
      `${HEAD}profiles:\n- schedulerName: default\n  plugin: {}\n`,
      'f.yaml:5 configuration: profiles[0].plugin: is not known',
    ],
    [
      `${HEAD}profiles:\n- schedulerName: a\n  plugins:\n    score:\n      enabled:\n      - {name: MostAllocated, weight: 0}\n`,
      'f.yaml:8 configuration: profiles[0].plugins.score.enabled[0].weight: must be a whole number',
    ],
    [
      `${HEAD}pools: [{name: lab, schedulerName: x}]\n`,
      'f.yaml:3 configuration: pools[0].schedulerName: no profile is called x',
    ],
    ['apiVersion: v1\n', 'f.yaml:1 configuration: apiVersion: must be bmp.dev/v1alpha1'],
    [`${HEAD}profiles: [\n`, 'is no YAML'],
    [`${HEAD}---\n${HEAD}`, 'more than one document'],
    ['', 'must be an object'],
    ['- 1\n', 'must be an object'],
  ];
  for (const [text, told] of cases) assert.match(refusal(text), told, text);
  assert.is(refusal(`${HEAD}profiles: []\n`), 'accepted');
});

const withProfile = (name: string) => `${HEAD}profiles:\n- schedulerName: ${name}\n`;

test('a file that changes is taken over, one that is wrong is not, and one that comes late is found', async () => {
  await using dir = await tempDir('bmp-config-');
  const file = join(dir.path, 'scheduler.yaml');
  const outcomes: Outcome[] = [];
  const configured = await watchConfiguration(file, (outcome) => outcomes.push(outcome));
  try {
    let changes = 0;
    configured.subscribe(() => changes++);
    const has = (name: string) => configured.current().profiles.has(name);
    assert.equal([outcomes, has('default')], [[{ type: 'missing' }], true]);

    await writeFile(file, withProfile('dense'));
    await eventually(() => has('dense'));
    assert.is(changes, 1);

    await writeFile(file, `${HEAD}profile: []\n`);
    await eventually(() => outcomes.at(-1)?.type === 'refused');
    assert.match(
      (outcomes.at(-1) as { problem: string }).problem,
      'scheduler.yaml:3 configuration: profile: is not known',
    );
    assert.equal([has('dense'), changes], [true, 1]);

    // As a mounted ConfigMap changes: another file takes its place.
    await writeFile(`${file}.next`, withProfile('sparse'));
    await rename(`${file}.next`, file);
    await eventually(() => has('sparse') && !has('dense'));
    await rm(file);
    await eventually(() => outcomes.at(-1)?.type === 'missing');
    assert.ok(has('sparse'));
  } finally {
    await configured.close();
  }
});

test('what is wrong at the start ends it', async () => {
  await using dir = await tempDir('bmp-config-');
  const file = join(dir.path, 'scheduler.yaml');
  await writeFile(file, 'kind: Pod\n');
  const started = watchConfiguration(file, () => undefined);
  await started.then(
    () => assert.unreachable('it started'),
    (error: Error) => assert.match(error.message, 'scheduler.yaml:1 configuration: '),
  );
});

test.run();
