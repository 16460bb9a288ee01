import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { DiskFacts } from '../protocol.ts';
import { mapVolumes, type VolumeWish } from './mapping.ts';
import { raidMisfit } from './raid.ts';

const GB = 1e9;
const disk = (name: string, gigabytes: number, more: Partial<DiskFacts> = {}): DiskFacts => ({
  name,
  serialNumber: `S-${name}`,
  model: 'ACME 1',
  sizeBytes: gigabytes * GB,
  rotational: false,
  transport: 'sata',
  ...more,
});
const hdd = (name: string, gigabytes: number, more: Partial<DiskFacts> = {}) =>
  disk(name, gigabytes, { rotational: true, transport: 'sas', ...more });
const nvme = (name: string, gigabytes: number) => disk(name, gigabytes, { transport: 'nvme' });
const wish = (name: string, disks: number, gigabytes: number, media?: VolumeWish['media']): VolumeWish => ({
  name,
  disks,
  minSizeBytes: gigabytes * GB,
  ...(media && { media }),
});
const serials = (...names: string[]) => names.map((name) => `S-${name}`);

const MACHINE = [nvme('nvme0n1', 1920), disk('sda', 480), disk('sdb', 480), nvme('nvme1n1', 1920), hdd('sdc', 18_000)];

test('each volume gets the smallest disks that suffice, whatever the order', () => {
  const wishes = [wish('root', 2, 400), wish('data', 2, 1000, 'NVMe'), wish('cold', 1, 0, 'HDD')];
  const expected = [
    { name: 'root', disks: serials('sda', 'sdb') },
    { name: 'data', disks: serials('nvme0n1', 'nvme1n1') },
    { name: 'cold', disks: serials('sdc') },
  ];
  for (const disks of [MACHINE, MACHINE.toReversed()])
    assert.equal(mapVolumes(disks, wishes), { volumes: expected, mismatches: [] });
  assert.equal(mapVolumes(MACHINE, wishes.toReversed()).volumes, expected.toReversed());
});

test('who may take fewer kinds of disk chooses first, and leaves what the others need', () => {
  const disks = [nvme('nvme0n1', 4000), disk('sda', 4000)];
  const { volumes } = mapVolumes(disks, [wish('root', 1, 100, 'SSD'), wish('fast', 1, 100, 'NVMe')]);
  assert.equal(volumes, [
    { name: 'root', disks: serials('sda') },
    { name: 'fast', disks: serials('nvme0n1') },
  ]);
  const sizes = [disk('sda', 480), disk('sdb', 960)];
  assert.equal(mapVolumes(sizes, [wish('root', 1, 0), wish('big', 1, 900)]).volumes[0]!.disks, serials('sda'));
});

test('all disks of a volume are of one kind and at one controller', () => {
  const disks = [hdd('sda', 1000), disk('sdb', 1000), hdd('sdc', 2000), hdd('c0', 500, { controller: 'RC-1' })];
  assert.equal(mapVolumes(disks, [wish('root', 2, 0)]).volumes, [{ name: 'root', disks: serials('sda', 'sdc') }]);
  assert.match(mapVolumes(disks, [wish('root', 3, 0)]).mismatches[0]!, 'not all of one kind at one controller');
});

test('a volume at a controller says so; a disk that has failed there is passed over, and told where one is lacking', () => {
  const kept = { controller: 'RC-1' };
  const disks = [hdd('c0/s0', 500, kept), hdd('c0/s1', 500, { ...kept, failed: true }), hdd('c0/s2', 800, kept)];
  assert.equal(mapVolumes(disks, [wish('data', 2, 0)]).volumes, [
    { name: 'data', disks: serials('c0/s0', 'c0/s2'), controller: 'RC-1' },
  ]);
  assert.equal(mapVolumes(disks, [wish('data', 3, 0)]).mismatches, [
    'volume data takes 3 disks; of those that no other volume has, 2 fit: c0/s0, c0/s2; 1 failed: c0/s1',
  ]);
});

test('hints narrow what the root volume may have', () => {
  const wishes = [wish('data', 1, 0), wish('root', 1, 0)];
  assert.equal(mapVolumes(MACHINE, wishes, { name: 'sda' }).volumes[1]!.disks, serials('sda'));
  assert.equal(mapVolumes(MACHINE, wishes, { name: 'sdz' }).mismatches.length, 1);
});

test('every volume that cannot be had is told, with what was seen; then there is none at all', () => {
  const found = mapVolumes(MACHINE, [wish('root', 2, 960, 'SSD'), wish('data', 4, 10_000, 'HDD'), wish('more', 1, 0)]);
  assert.equal(found.volumes, []);
  assert.equal(found.mismatches, [
    'volume data takes 4 rotating disks of 10000 GB or more; of those that no other volume has, 1 fit: sdc',
  ]);
  const { mismatches } = mapVolumes(MACHINE, [wish('root', 3, 960, 'SSD'), wish('data', 2, 20_000)]);
  assert.equal(mismatches, [
    'volume root takes 3 solid-state disks of 960 GB or more; of those that no other volume has, 2 fit: nvme0n1, nvme1n1; 2 under 960 GB: sda, sdb',
    'volume data takes 2 disks of 20000 GB or more; of those that no other volume has, none fits; 5 under 20000 GB: nvme0n1, sda, sdb, nvme1n1, sdc',
  ]);
});

test('a level is right for so many disks, or says what it takes', () => {
  assert.is(raidMisfit('None', 1), undefined);
  assert.is(raidMisfit('RAID1', 3), undefined);
  assert.is(raidMisfit('None', 2), '2 disks take a RAID level');
  assert.is(raidMisfit('RAID5', 2), 'RAID5 takes 3 disks at least, there are 2');
  assert.is(raidMisfit('RAID10', 5), 'RAID10 takes an even number of disks, there are 5');
});

test.run();
