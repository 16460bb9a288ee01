// The example is what the API takes, and its template is what fits on a disk; templates that no system boots from are refused.
import { readFileSync } from 'node:fs';
import { load } from 'js-yaml';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Image } from '../../lib/api/generated.ts';
import { bytes } from '../../lib/api/quantity.ts';
import { CRDS, readManifests } from '../../lib/cli/manifests.ts';
import { guidOf } from '../../lib/provision/volumes/partitions.ts';
import {
  layOutSystem,
  type SystemPartition,
  systemFstab,
  systemMounts,
} from '../../lib/provision/volumes/system-partitions.ts';
import { createCheck } from '../../lib/sync/check.ts';
import { syncedKinds } from '../../lib/sync/kinds.ts';
import { parseManifests } from '../../lib/sync/manifest.ts';

const read = (name: string): string => readFileSync(new URL(name, import.meta.url), 'utf8');
const image = load(read('image.yaml')) as Image;

test('the files are what the API takes', () => {
  const check = createCheck(syncedKinds(readManifests(CRDS)));
  for (const file of ['image.yaml', 'instance.yaml']) {
    const { manifests, problems } = parseManifests(read(file), file);
    assert.equal(problems, []);
    assert.equal(check(manifests), []);
  }
});

test('the template fits on a disk: behind the boot loader, one after the other, and / before what is in it', () => {
  const wishes = image.spec.partitions!.map(
    ({ fileSystem, size, mountPoint }, index): SystemPartition => ({
      id: guidOf(`${index}`),
      fileSystem,
      ...(size !== undefined && { sizeBytes: bytes(size) }),
      ...(mountPoint !== undefined && { mountPoint }),
    }),
  );
  const placed = layOutSystem(wishes, 100 * 2 ** 30);
  assert.is(placed.length, 2 + wishes.length);
  for (const [index, { startBytes }] of placed.entries()) {
    const before = placed[index - 1];
    if (before) assert.is(startBytes, before.startBytes + before.sizeBytes);
  }
  assert.throws(() => layOutSystem(wishes, 20 * 2 ** 30), /do not fit/);
  const [boot, swap, root, rest] = wishes.map(({ id }) => id);
  assert.is(
    systemFstab(systemMounts(wishes)),
    [
      `PARTUUID=${swap} none swap sw 0 0`,
      `PARTUUID=${root} / ext4 defaults 0 1`,
      `PARTUUID=${rest} /var xfs defaults 0 0`,
      `PARTUUID=${boot} /boot ext4 defaults 0 2`,
      '',
    ].join('\n'),
  );
});

test.run();
