import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type CollectedHardware, type HardwareRequirement, hardwareMismatches } from './hardware-check.ts';

const have: CollectedHardware = {
  architecture: 'x86_64',
  bootMode: 'UEFI',
  cores: 32,
  memoryBytes: 256 * 2 ** 30,
  disks: ['sda', 'sdb', 'sdc', 'sdd'].map((name, index) => ({
    name,
    sizeBytes: index === 0 || index === 3 ? 960e9 : 480e9,
    rotational: false,
  })),
  nics: [
    { name: 'eno1', macAddress: '52:54:00:00:00:01', speedMbps: 25_000, linkUp: true },
    { name: 'eno2', macAddress: '52:54:00:00:00:02', speedMbps: 10_000, linkUp: true },
    { name: 'eno3', macAddress: '52:54:00:00:00:03', speedMbps: 25_000, linkUp: false },
  ],
  gpus: 0,
};
const want: HardwareRequirement = {
  bootMACAddress: '52:54:00:00:00:01',
  architecture: 'x86_64',
  bootMode: 'UEFI',
  disks: [],
};

test('hardware that has everything has no mismatch', () => {
  assert.equal(
    hardwareMismatches(have, { ...want, minCores: 32, minMemoryBytes: 256 * 2 ** 30, disks: [{ count: 4 }] }),
    [],
  );
});

test('each mismatch names what is there and what was asked for', () => {
  const all: HardwareRequirement = {
    bootMACAddress: '52:54:00:00:00:01',
    architecture: 'aarch64',
    bootMode: 'BIOS',
    minCores: 64,
    minMemoryBytes: 512 * 2 ** 30,
    disks: [
      { count: 4, minSizeBytes: 960e9 },
      { count: 1, rotational: true },
    ],
    nics: { count: 2, minSpeedMbps: 25_000 },
    gpus: 1,
  };
  assert.equal(hardwareMismatches(have, all), [
    'architecture x86_64 instead of aarch64',
    'boots in UEFI mode instead of BIOS',
    '32 cores instead of 64',
    '256 GiB memory instead of 512 GiB',
    '2 of 4 disks under 960 GB: sdb, sdc',
    '0 rotating disks instead of 1',
    '1 of 2 interfaces under 25000 Mb/s: eno2',
    '0 GPUs instead of 1',
  ]);
});

test('interfaces without a link do not count', () => {
  assert.equal(hardwareMismatches(have, { ...want, nics: { count: 3 } }), ['2 interfaces with a link instead of 3']);
});

test('the interface that boots is there and has a link', () => {
  const boots = (bootMACAddress: string) => hardwareMismatches(have, { ...want, bootMACAddress });
  assert.equal(boots('52:54:00:00:00:03'), ['the interface that boots, eno3 52:54:00:00:00:03, has no link']);
  assert.equal(boots('52:54:00:00:00:09'), [
    'no interface with the MAC address 52:54:00:00:00:09 that boots; there are: eno1 52:54:00:00:00:01, eno2 52:54:00:00:00:02, eno3 52:54:00:00:00:03',
  ]);
});

test.run();
