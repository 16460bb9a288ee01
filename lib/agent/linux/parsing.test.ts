// What the kernel, the firmware and tools say, taken apart.
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { cpuFacts, parseLldp } from './facts.ts';
import { fatLabel, withPassword } from './installed-system.ts';
import { parseTable, partitionPath, tableScript } from './partitions.ts';
import { mdUuid, parseSuperblock, stoppedArray } from './raid/mdadm.ts';
import { memoryModules, structures } from './smbios.ts';
import { canBlockErase, canEraseItself, sanitizeStatus } from './wipe.ts';

/** One structure of an SMBIOS table: DSP0134 §6.1.2. */
function structure(type: number, fields: Readonly<Record<number, number>>, length: number, strings: string[]): Buffer {
  const body = Buffer.alloc(length);
  body[0] = type;
  body[1] = length;
  for (const [at, value] of Object.entries(fields)) {
    if (value > 0xffff) body.writeUInt32LE(value, Number(at));
    else if (value > 0xff) body.writeUInt16LE(value, Number(at));
    else body[Number(at)] = value;
  }
  const text = strings.length === 0 ? '\0\0' : `${strings.join('\0')}\0\0`;
  return Buffer.concat([body, Buffer.from(text, 'latin1')]);
}

test('memory modules are those of the slots that hold one', () => {
  const table = Buffer.concat([
    structure(1, {}, 0x1b, ['Vendor', 'Server']),
    structure(17, { 12: 16_384, 16: 1, 18: 0x1a, 21: 3200 }, 0x28, ['DIMM_A1', 'BANK 0']),
    structure(17, { 12: 0, 16: 1 }, 0x28, ['DIMM_A2']),
    structure(17, { 12: 0x7fff, 16: 1, 18: 0x22, 21: 4800, 28: 65_536 }, 0x28, ['DIMM_B1']),
    structure(17, { 12: 0x8200, 16: 0 }, 0x15, []),
    structure(17, { 12: 0xffff, 16: 1 }, 0x28, ['DIMM_B2']),
    structure(127, {}, 4, []),
    Buffer.from('rubbish behind the end'),
  ]);
  const GIB = 1024 ** 3;
  assert.equal(memoryModules(table), [
    { slot: 'DIMM_A1', sizeBytes: 16 * GIB, type: 'DDR4', speedMTs: 3200 },
    { slot: 'DIMM_B1', sizeBytes: 64 * GIB, type: 'DDR5', speedMTs: 4800 },
    { slot: 'unknown', sizeBytes: 512 * 1024, type: 'unknown', speedMTs: 0 },
  ]);
  for (let cut = 0; cut < table.length; cut++) assert.not.throws(() => [...structures(table.subarray(0, cut))]);
});

test('processors: sockets, cores and threads where they are told, threads alone where not', () => {
  const thread = (number: number, socket: number, core: number) =>
    `processor\t: ${number}\nmodel name\t: Some CPU @ 2.00GHz\nphysical id\t: ${socket}\ncore id\t\t: ${core}\n`;
  const cpuinfo = [thread(0, 0, 0), thread(1, 0, 1), thread(2, 1, 0), thread(3, 1, 1), thread(4, 0, 0)].join('\n');
  assert.equal(cpuFacts(cpuinfo), { model: 'Some CPU @ 2.00GHz', sockets: 2, cores: 4, threads: 5 });
  const arm = 'processor\t: 0\nBogoMIPS\t: 50\n\nprocessor\t: 1\nBogoMIPS\t: 50\n';
  assert.equal(cpuFacts(arm), { model: 'unknown', sockets: 1, cores: 2, threads: 2 });
});

test('switch ports as lldpcli tells them', () => {
  const text = [
    'lldp.eno1.via=LLDP',
    'lldp.eno1.chassis.mac=00:11:22:33:44:55',
    'lldp.eno1.chassis.name=r1-sw1',
    'lldp.eno1.chassis.descr=a=b',
    'lldp.eno1.port.ifname=Ethernet1/7',
    'lldp.eno2.chassis.mac=00:11:22:33:44:66',
    'lldp.eno2.port.descr=port 3',
  ].join('\n');
  assert.equal(
    [...parseLldp(text)],
    [
      ['eno1', { switchName: 'r1-sw1', port: 'Ethernet1/7' }],
      ['eno2', { switchName: '00:11:22:33:44:66', port: 'port 3' }],
    ],
  );
  assert.is(parseLldp('').size, 0);
});

test('what an NVMe disk says of sanitizing', () => {
  const identity = Buffer.alloc(4096);
  assert.not.ok(canBlockErase(identity));
  identity.writeUInt32LE(0x1, 328); // crypto erase alone
  assert.not.ok(canBlockErase(identity));
  identity.writeUInt32LE(0xa000_0003, 328);
  assert.ok(canBlockErase(identity));
  const page = (progress: number, status: number) => {
    const bytes = Buffer.alloc(512);
    bytes.writeUInt16LE(progress, 0);
    bytes.writeUInt16LE(status, 2);
    return bytes;
  };
  assert.equal(sanitizeStatus(page(0x8000, 0x2)), { state: 'running', percent: 50 });
  assert.is(sanitizeStatus(page(0xffff, 0x101)).state, 'done');
  assert.is(sanitizeStatus(page(0xffff, 0x104)).state, 'done');
  assert.is(sanitizeStatus(page(0xffff, 0x3)).state, 'failed');
  assert.is(sanitizeStatus(page(0xffff, 0x0)).state, 'failed');
  assert.is(sanitizeStatus(Buffer.alloc(0)).state, 'failed');
});

test('a SATA disk erases itself only where it knows how, is not frozen and has no password', () => {
  const told = (lines: readonly string[]) =>
    [
      'Capabilities:',
      '\tLBA',
      'Security: ',
      '\tMaster password revision code = 65534',
      ...lines.map((l) => `\t${l}`),
    ].join('\n');
  const good = ['\tsupported', 'not\tenabled', 'not\tlocked', 'not\tfrozen', 'not\texpired: security count'];
  assert.ok(canEraseItself(told(good)));
  assert.ok(canEraseItself(`${told(good)}\nLogical Unit WWN Device Identifier: 5002538000000000`));
  assert.not.ok(canEraseItself(told(good.map((line) => line.replace('not\tfrozen', '\tfrozen')))));
  assert.not.ok(canEraseItself(told(good.map((line) => line.replace('not\tenabled', '\tenabled')))));
  assert.not.ok(canEraseItself(told(good.map((line) => line.replace('\tsupported', 'not\tsupported')))));
  assert.not.ok(canEraseItself(''));
});

test('a password is changed for one user, and nothing else is', () => {
  const shadow = 'root:*:19000:0:99999:7:::\ndebian:!$y$old:19000:0:99999:7:::\n';
  const now = new Date('2026-01-01T00:00:00Z');
  assert.is(
    withPassword(shadow, 'debian', '$6$new', now),
    'root:*:19000:0:99999:7:::\ndebian:$6$new:20454:0:99999:7:::\n',
  );
  assert.is(withPassword(shadow, 'deb', '$6$new', now), undefined);
});

test('a seed’s partition is known by its label', () => {
  const sector = Buffer.alloc(512);
  assert.is(fatLabel(sector), undefined);
  sector.writeUInt16LE(0xaa55, 510);
  assert.is(fatLabel(sector), undefined);
  sector.write('CIDATA     FAT16   ', 43, 'latin1');
  assert.is(fatLabel(sector), 'CIDATA');
  const wide = Buffer.alloc(512);
  wide.writeUInt16LE(0xaa55, 510);
  wide.write('cidata     FAT32   ', 71, 'latin1');
  assert.is(fatLabel(wide), 'CIDATA');
});

const EXAMINED = `MD_LEVEL=raid1
MD_DEVICES=2
MD_NAME=any:root
MD_ARRAY_SIZE=446.00GiB
MD_UUID=0f1e2d3c:4b5a6978:8796a5b4:c3d2e1f0
MD_UPDATE_TIME=1790000000
MD_DEV_UUID=11111111:22222222:33333333:44444444
MD_EVENTS=17
`;

test('what a superblock of an array says; a disk without one says nothing', () => {
  const id = '0f1e2d3c4b5a69788796a5b4c3d2e1f0';
  assert.equal(parseSuperblock(EXAMINED), { id, level: 'RAID1', disks: 2, events: 17 });
  assert.is(mdUuid(id), '0f1e2d3c:4b5a6978:8796a5b4:c3d2e1f0');
  assert.is(parseSuperblock(EXAMINED.replace('raid1', 'container'))!.level, 'other');
  assert.is(parseSuperblock(''), undefined);
});

test('a disk that was left behind is no part of its array any more', () => {
  const member = (serialNumber: string, events: number, level: 'RAID0' | 'RAID1' = 'RAID1') => ({
    id: 'x',
    level,
    disks: 2,
    events,
    serialNumber,
  });
  const state = (...members: ReturnType<typeof member>[]) => {
    const { state: told, disks } = stoppedArray(members);
    return [told, ...disks];
  };
  assert.equal(state(member('a', 17), member('b', 18)), ['whole', 'a', 'b']);
  assert.equal(state(member('a', 17), member('b', 40)), ['degraded', 'b']);
  assert.equal(state(member('a', 17, 'RAID0')), ['failed', 'a']);
});

test('partitions as sfdisk reads and tells them', () => {
  const [id, type] = ['11111111-2222-8333-a444-555555555555', '0FC63DAF-8483-4772-8E79-3D69D8477DE4'];
  assert.is(
    tableScript([{ id, type, startBytes: 1048576, sizeBytes: 16777216, fileSystem: 'ext4' }]),
    `label: gpt\nstart=2048, size=32768, type=${type}, uuid=${id}\n`,
  );
  const dump = `label: gpt\nlabel-id: 0\n\n/dev/md100p1 : start=2048, size=32768, type=${type}, uuid=${id.toUpperCase()}\n`;
  assert.equal(parseTable(dump), [{ path: '/dev/md100p1', startBytes: 1024 * 1024, type, id }]);
  assert.equal([partitionPath('/dev/sda', 1), partitionPath('/dev/nvme0n1', 2)], ['/dev/sda1', '/dev/nvme0n1p2']);
});

test.run();
