// The example is what the API takes, and its volumes are what its README says.
import { readFileSync } from 'node:fs';
import { load } from 'js-yaml';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { DeviceType, Instance } from '../../lib/api/generated.ts';
import { bytes } from '../../lib/api/quantity.ts';
import { CRDS, readManifests } from '../../lib/cli/manifests.ts';
import type { DiskFacts } from '../../lib/provision/protocol.ts';
import { mapVolumes, type VolumeWish } from '../../lib/provision/volumes/mapping.ts';
import { raidMisfit } from '../../lib/provision/volumes/raid.ts';
import { createCheck } from '../../lib/sync/check.ts';
import { syncedKinds } from '../../lib/sync/kinds.ts';
import { parseManifests } from '../../lib/sync/manifest.ts';

const read = (name: string): string => readFileSync(new URL(name, import.meta.url), 'utf8');
const type = load(read('devicetype.yaml')) as DeviceType;
const instance = load(read('instance.yaml')) as Instance;

test('the files are what the API takes', () => {
  const check = createCheck(syncedKinds(readManifests(CRDS)));
  for (const file of ['devicetype.yaml', 'devicetype-controller.yaml', 'instance.yaml']) {
    const { manifests, problems } = parseManifests(read(file), file);
    assert.equal(problems, []);
    assert.equal(check(manifests), []);
  }
});

test('each level is right for as many disks as its volume has', () => {
  for (const { name, disks = 1, raidLevel = 'None' } of type.spec.volumes!) {
    const own = instance.spec.volumes!.find((volume) => volume.name === name)?.raidLevel;
    assert.is(raidMisfit(raidLevel, disks), undefined);
    assert.is(raidMisfit(own ?? raidLevel, disks), undefined);
  }
});

test('the volumes of the other type are had of a controller’s disks, and nothing of them of two controllers', () => {
  const { volumes = [] } = (load(read('devicetype-controller.yaml')) as DeviceType).spec;
  const wishes = volumes.map(({ name, disks = 1, minSize = 0, media }): VolumeWish => {
    return { name, disks, minSizeBytes: bytes(minSize), ...(media && { media }) };
  });
  const disk = (at: number, of: string): DiskFacts => ({
    name: `${of}/s${at}`,
    serialNumber: `${of}-${at}`,
    model: 'M',
    sizeBytes: 4e12,
    rotational: at > 1,
    transport: 'sas',
    controller: of,
  });
  const disks = (of: string, count: number) => Array.from({ length: count }, (_, at) => disk(at, of));
  const { volumes: mapped } = mapVolumes(disks('RC-1', 11), wishes);
  assert.equal(
    mapped.map(({ name, controller, disks: those }) => [name, controller, those.length]),
    [
      ['root', 'RC-1', 2],
      ['data', 'RC-1', 8],
      ['log', 'RC-1', 1],
    ],
  );
  const halves = mapVolumes([...disks('RC-1', 7), ...disks('RC-2', 7)], wishes);
  assert.match(halves.mismatches.join(), 'volume data takes 8 rotating disks');
  assert.match(halves.mismatches.join(), 'not all of one kind at one controller');
});

test('a machine that lacks disks says what the README shows', () => {
  const nvme = (name: string): DiskFacts => ({
    name,
    serialNumber: name,
    model: 'M',
    sizeBytes: 1920e9,
    rotational: false,
    transport: 'nvme',
  });
  const wishes = type.spec.volumes!.map(({ name, disks = 1, minSize = 0, media }): VolumeWish => {
    return { name, disks, minSizeBytes: bytes(minSize), ...(media && { media }) };
  });
  const { mismatches } = mapVolumes([nvme('nvme0n1'), nvme('nvme1n1')], wishes);
  assert.ok(read('README.md').includes(`    ${mismatches.find((text) => text.startsWith('volume data'))}\n`));
});

test.run();
