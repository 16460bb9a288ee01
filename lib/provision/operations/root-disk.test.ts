import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { DiskFacts } from '../protocol.ts';
import { Failure } from './failures.ts';
import { pickRootDisk } from './root-disk.ts';

const disk = (name: string, sizeBytes: number, more: Partial<DiskFacts> = {}): DiskFacts => ({
  name,
  serialNumber: `S-${name}`,
  model: 'ACME 1',
  sizeBytes,
  rotational: false,
  transport: 'sata',
  ...more,
});
const disks = [
  disk('sda', 480e9, { wwn: '0x1' }),
  disk('sdb', 480e9, { wwn: '0x2' }),
  disk('sdc', 16e12, { rotational: true }),
];
const code = (wanted: string) => (error: unknown) => error instanceof Failure && error.code === wanted;

test('hints match exactly', () => {
  assert.is(pickRootDisk(disks, { wwn: '0x2' }).name, 'sdb');
  assert.is(pickRootDisk(disks, { rotational: true }).name, 'sdc');
  assert.is(pickRootDisk(disks, { minSizeGigabytes: 1000 }).name, 'sdc');
  assert.is(pickRootDisk(disks, { maxSizeGigabytes: 500, name: 'sda' }).name, 'sda');
});

test('assisted-service 3606: none matching is a failure that names what was seen, never a fallback to any disk', () => {
  assert.throws(() => pickRootDisk(disks, { wwn: '0x3' }), code('RootDiskNotFound'));
  assert.throws(() => pickRootDisk(disks, { model: 'ACME' }), code('RootDiskNotFound'));
  assert.throws(() => pickRootDisk([], {}), code('RootDiskNotFound'));
});

test('several matching is a failure that names them', () => {
  assert.throws(
    () => pickRootDisk(disks, { rotational: false }),
    (error: unknown) => {
      return error instanceof Failure && error.code === 'RootDiskAmbiguous' && /S-sda.*S-sdb/.test(error.message);
    },
  );
  assert.throws(() => pickRootDisk(disks, {}), code('RootDiskAmbiguous'));
});

test('a disk that a RAID controller keeps for itself is not picked, and it is said what it takes', () => {
  const kept = disk('c0/e252/s0', 16e12, { controller: 'RC-1' });
  assert.is(pickRootDisk([disks[0]!, kept], {}).name, 'sda');
  assert.throws(
    () => pickRootDisk([kept], {}),
    (error: unknown) =>
      error instanceof Failure &&
      error.code === 'RootDiskNotFound' &&
      /takes a volume.*S-c0\/e252\/s0/.test(error.message),
  );
});

test.run();
