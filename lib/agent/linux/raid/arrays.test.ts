// Controllers worked by their programs, as processes: what they are asked, what becomes of it, and what Linux sees of it.
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type InstalledTool, installTool } from '../../../sim/raid/installed.ts';
import { addDisk, diskNames, type PlugIn, plugIn, removeDisk } from '../../../sim/raid/kernel.ts';
import { eventually } from '../../../testing/eventually.ts';
import { AgentError } from '../../errors.ts';
import { machineArrays } from './arrays.ts';
import { logicalDrives } from './logical-drives.ts';
import { storcli } from './storcli.ts';

const never = new AbortController().signal;
const MEGARAID: PlugIn = {
  address: '0000:03:00.0',
  driver: 'megaraid_sas',
  vendor: '0x1000',
  device: '0x005d',
  subsystemVendor: '0x1000',
};
const PERC: PlugIn = { ...MEGARAID, address: '0000:65:00.0', subsystemVendor: '0x1028' };
const SMART: PlugIn = {
  ...MEGARAID,
  address: '0000:5c:00.0',
  driver: 'smartpqi',
  vendor: '0x9005',
  device: '0x028f',
  subsystemVendor: '0x1590',
};

async function installed(
  name: 'storcli64' | 'perccli64' | 'ssacli',
  recording: string,
  ...cards: readonly PlugIn[]
): Promise<InstalledTool> {
  const tool = await installTool(name, new URL(`recordings/${recording}`, import.meta.url).pathname);
  for (const card of cards) plugIn(tool.sys, card);
  return tool;
}

async function code(work: Promise<unknown>): Promise<string> {
  try {
    await work;
  } catch (error) {
    return error instanceof AgentError ? `${error.code}: ${error.message}` : String(error);
  }
  return 'done';
}

const serials = (disks: readonly { readonly serialNumber: string }[]) => disks.map(({ serialNumber }) => serialNumber);
/** What was asked, but for looking. */
const changes = (tool: InstalledTool) =>
  tool
    .calls()
    .filter((args) => !args.includes('show'))
    .map((args) => args.join(' '));

const TOOLS = [
  {
    name: 'storcli64',
    recording: 'storcli/no-volumes.json',
    card: MEGARAID,
    controller: 'SK00112233',
    pair: ['S45PNA0M100001', 'S45PNA0M100002'],
    four: ['ZC1AAAA1', 'ZC1AAAA2', 'ZC1AAAA3', 'ZC1AAAA4'],
    asked: [
      '/c0 add vd r1 name=bmp0123456789ab drives=252:0,252:1 nolog J',
      '/c0/v0 set bootdrive=on nolog J',
      '/c0 add vd r10 name=bmpba9876543210 drives=252:2,252:3,252:4,252:5 pdperarray=2 nolog J',
      '/c0/v0 delete force nolog J',
      '/c0/v1 delete force nolog J',
    ],
    alone: ['/c0 add vd r0 name=bmpX drives=252:2 wt nora direct nolog J', '/c0/v0 delete force nolog J'],
  },
  {
    name: 'ssacli',
    recording: 'ssacli/unassigned.txt',
    card: SMART,
    controller: 'PEYHC0DRHBB0A1',
    pair: ['172317742951', '172317742952'],
    four: ['WFK0AA03', 'WFK0AA04', 'WFK0AA05', 'WFK0AA06'],
    asked: [
      'ctrl slot=0 create type=ld drives=1I:1:1,1I:1:2 raid=1 logicaldrivelabel=bmp0123456789ab forced',
      'ctrl slot=0 ld 1 modify bootvolume=primary',
      'ctrl slot=0 create type=ld drives=2I:1:3,2I:1:4,2I:1:5,2I:1:6 raid=1+0 logicaldrivelabel=bmpba9876543210 forced',
      'ctrl slot=0 ld 1 delete forced',
      'ctrl slot=0 ld 2 delete forced',
    ],
    alone: [
      'ctrl slot=0 create type=ld drives=2I:1:3 raid=0 logicaldrivelabel=bmpX arrayaccelerator=disable forced',
      'ctrl slot=0 ld 1 delete forced',
    ],
  },
] as const;

for (const { name, recording, card, controller, pair, four, asked, alone } of TOOLS) {
  const order = { id: '0123456789ab', name: 'root', controller, level: 'RAID1', disks: pair, boots: true } as const;

  test(`${name}: arrays are made, found by their ids, seen by Linux, and taken apart`, async () => {
    await using tool = await installed(name, recording, card);
    const arrays = machineArrays(tool.sys);
    const before = serials(await arrays.disks());
    assert.equal(before, [...pair, ...four]);
    assert.ok((await arrays.disks()).every((disk) => disk.controller === controller));
    await arrays.create(order, never);
    await arrays.create({ ...order, id: 'ba9876543210', level: 'RAID10', disks: four, boots: false }, never);
    const list = await arrays.list(never);
    assert.equal(
      list.map(({ id, level, state, device, disks }) => [id, level, state, device, disks.join()]),
      [
        ['0123456789ab', 'RAID1', 'whole', 'sda', pair.join()],
        ['ba9876543210', 'RAID10', 'whole', 'sdb', four.join()],
      ],
    );
    assert.ok(list.every(({ sizeBytes }) => sizeBytes > 0));
    // What Linux sees of them are arrays, and not disks.
    assert.equal(diskNames(tool.sys), ['sda', 'sdb']);
    assert.equal(serials(await arrays.disks()), before);
    const target = await arrays.target(order.id, never);
    assert.equal([target.path, target.sizeBytes, target.isLinuxArray], ['/dev/sda', list[0]!.sizeBytes, false]);
    // A process that begins now finds the same.
    assert.equal(await machineArrays(tool.sys).list(never), list);
    for (const { id } of list) await arrays.remove(id, never);
    await arrays.remove(order.id, never);
    assert.equal(await arrays.list(never), []);
    assert.equal(changes(tool), asked);
    assert.match(await code(arrays.target(order.id, never)), /^DiskMissing|^ArrayRefused/);
  });

  test(`${name}: a disk that is in an array is refused, and nothing is written`, async () => {
    await using tool = await installed(name, recording, card);
    const arrays = machineArrays(tool.sys);
    await arrays.create(order, never);
    const before = changes(tool);
    const again = { ...order, id: '777777777777', boots: false };
    assert.match(await code(arrays.create(again, never)), /^ArrayForeign: .* belongs to the array 0123456789ab/);
    const missing = { ...again, disks: [four[0], 'NO-SUCH-DISK'] };
    assert.match(await code(arrays.create(missing, never)), /^DiskMissing: .* has no disk NO-SUCH-DISK/);
    assert.match(await code(arrays.create({ ...again, controller: 'OTHER' }, never)), /^ControllerNotDriven: /);
    assert.equal(changes(tool), before);
  });

  test(`${name}: a disk by itself is reached through an array of it alone, which does not stay`, async () => {
    await using tool = await installed(name, recording, card);
    const arrays = machineArrays(tool.sys);
    const worked = await arrays.withDisk(
      four[0],
      async ({ path, serialNumber, sizeBytes }) => {
        assert.equal(diskNames(tool.sys), ['sda']);
        assert.ok(sizeBytes > 0);
        return [path, serialNumber];
      },
      never,
    );
    assert.equal(worked, ['/dev/sda', four[0]]);
    const failing = arrays.withDisk(four[0], () => Promise.reject(new AgentError('DiskFailed', 'broken')), never);
    assert.is(await code(failing), 'DiskFailed: broken');
    assert.equal(diskNames(tool.sys), []);
    const once = changes(tool).map((args) => args.replace(/bmp[0-9a-f]{12}/, 'bmpX'));
    assert.equal(once, [...alone, ...alone]);
  });
}

test('what others have made is told, is no disk, and goes only when it is asked for', async () => {
  await using tool = await installed('perccli64', 'storcli/mirror-and-jbod.json', PERC);
  const { address } = PERC;
  // The names are those of the recording: a disk that is passed through, the mirror, another such disk.
  const disk = (serialNumber: string, naa: string) =>
    addDisk(tool.sys, { address, serialNumber, naa, model: 'MZ7LH480', sizeBytes: 480e9 - (480e9 % 512) });
  disk('S45PNA0M200003', '5002538e40000002');
  disk('00c43cb2a1d5f2b2002b1a6c6046d006', '6d0946606c1a2b00b2f2d5a51a2b3c4d');
  disk('S45PNA0M200004', '5002538e40000003');
  const arrays = machineArrays(tool.sys);
  assert.equal(
    (await arrays.disks()).map(({ name, serialNumber, controller }) => [name, serialNumber, controller]),
    [
      ['sda', 'S45PNA0M200003', undefined],
      ['sdc', 'S45PNA0M200004', undefined],
      ['c0/e252/s0', 'S45PNA0M200001', '2BB00QF'],
      ['c0/e252/s1', 'S45PNA0M200002', '2BB00QF'],
    ],
  );
  assert.equal(await arrays.controllers(), [
    { name: address, model: 'PERC H755 Front', serialNumber: '2BB00QF', firmware: '5.260.02-3858', tool: 'perccli64' },
  ]);
  const [mirror] = await arrays.list(never);
  assert.equal([mirror!.id, mirror!.device], ['6d0946606c1a2b00b2f2d5a51a2b3c4d', 'sdb']);
  assert.match(await code(arrays.target(mirror!.id, never)), /^DiskMissing/);
  assert.equal(changes(tool), []);
  await arrays.remove(mirror!.id, never);
  assert.equal(changes(tool), ['/c0/v0 delete force nolog J']);
});

test('what another controller has left, and a spare, keep disks from being used until they are taken away', async () => {
  for (const [recording, disk, removal] of [
    ['storcli/foreign.json', 'ZC1BBBB1', '/c0/fall delete nolog J'],
    ['storcli/rebuilding.json', 'ZC1CCCC5', '/c0/e252/s4 delete hotsparedrive nolog J'],
  ] as const) {
    await using tool = await installed('storcli64', recording, MEGARAID);
    const arrays = machineArrays(tool.sys);
    const order = {
      id: '0123456789ac',
      name: 'd',
      controller: 'SK00112233',
      level: 'RAID0',
      disks: [disk],
      boots: false,
    } as const;
    assert.match(await code(arrays.create(order, never)), /^ArrayForeign/);
    assert.equal(changes(tool), []);
    const holding = (await arrays.list(never)).find(({ disks }) => disks.includes(disk))!;
    await arrays.remove(holding.id, never);
    assert.is(await code(arrays.create(order, never)), 'done');
    assert.is(changes(tool)[0], removal);
  }
});

test('a disk that its controller calls failed is not used', async () => {
  await using tool = await installed('storcli64', 'storcli/rebuilding.json', MEGARAID);
  const order = {
    id: '0123456789ac',
    name: 'd',
    controller: 'SK00112233',
    level: 'RAID0',
    disks: ['ZC1CCCC4'],
    boots: false,
  } as const;
  assert.match(await code(machineArrays(tool.sys).create(order, never)), /^DiskFailed: disk ZC1CCCC4 has failed/);
});

test('a program that refuses is quoted, and a setting that it does not know is done without', async () => {
  await using tool = await installed('ssacli', 'ssacli/unassigned.txt', SMART);
  const arrays = machineArrays(tool.sys);
  const order = {
    id: '0123456789ab',
    name: 'root',
    controller: 'PEYHC0DRHBB0A1',
    level: 'RAID1',
    disks: ['172317742951', '172317742952'],
    boots: true,
  } as const;
  tool.refuse('ctrl slot=0 ld', '"bootvolume" is not a valid option');
  tool.refuse('ctrl slot=0 create', 'This operation is not supported with the current configuration.');
  assert.is(
    await code(arrays.create(order, never)),
    'ArrayRefused: ssacli: This operation is not supported with the current configuration.',
  );
  tool.refuse('ctrl slot=0 create', undefined);
  assert.is(await code(arrays.create(order, never)), 'done');
});

test('a program that does not end is ended, and said so', async () => {
  await using tool = await installed('storcli64', 'storcli/no-volumes.json', MEGARAID);
  tool.refuse('/c0/eall/sall', 'hangs');
  const limits: AbortController[] = [];
  const driver = logicalDrives(storcli('storcli64'), {
    sys: tool.sys,
    addresses: new Set([MEGARAID.address]),
    limit: () => {
      const limit = new AbortController();
      limits.push(limit);
      return limit.signal;
    },
  });
  const surveyed = code(driver.survey(never));
  await eventually(() => tool.calls().length === 2);
  limits.at(-1)!.abort(new Error('too long'));
  assert.is(await surveyed, 'ArrayRefused: storcli64: it did not end in time: /c0/eall/sall show all nolog J');
  tool.refuse('/c0/eall/sall', undefined);
  assert.is((await driver.survey(never)).disks.length, 6, 'who comes next is not kept waiting');
});

test('a task that is not wanted any more ends the program', async () => {
  await using tool = await installed('storcli64', 'storcli/no-volumes.json', MEGARAID);
  tool.refuse('/call', 'hangs');
  const stop = new AbortController();
  const listing = machineArrays(tool.sys).list(stop.signal);
  await eventually(() => tool.calls().length === 1);
  stop.abort(new Error('stopped'));
  assert.match(await code(listing), /abort|stopped/);
});

test('a logical drive that Linux does not see in time is an error', async () => {
  await using tool = await installed('storcli64', 'storcli/no-volumes.json', MEGARAID);
  const driver = logicalDrives(storcli('storcli64'), {
    sys: tool.sys,
    addresses: new Set([MEGARAID.address]),
    deviceMs: 0,
  });
  const order = { id: '0123456789ab', name: 'd', controller: 'SK00112233', level: 'RAID0', boots: false } as const;
  await driver.create({ ...order, disks: ['ZC1AAAA1', 'ZC1AAAA2'] }, never);
  removeDisk(tool.sys, 'sda');
  assert.match(await code(driver.open(order.id, never)), /^ArrayRefused: .* Linux sees no disk naa\.600605b0/);
});

test('a controller that has no cache to pass by is worked without that', async () => {
  await using tool = await installed('ssacli', 'ssacli/unassigned.txt', SMART);
  tool.refuse('arrayaccelerator=disable', '"arrayaccelerator" is not a valid option');
  assert.is(await machineArrays(tool.sys).withDisk('WFK0AA03', async ({ path }) => path, never), '/dev/sda');
  const made = changes(tool).filter((args) => args.includes('create'));
  assert.equal(
    made.map((args) => args.includes('arrayaccelerator')),
    [true, false],
  );
});

test('a controller without its program is told with what is lacking; Linux’s own disks are as ever', async () => {
  await using tool = await installed('ssacli', 'ssacli/no-controller.txt', PERC, MEGARAID, {
    ...SMART,
    subsystemVendor: '0x9005',
  });
  addDisk(tool.sys, {
    address: '0000:00:1f.2',
    serialNumber: 'PLAIN1',
    naa: '5000000000000001',
    model: 'D',
    sizeBytes: 512e6,
  });
  const arrays = machineArrays(tool.sys);
  assert.equal(
    (await arrays.controllers()).map(({ name, model, problem }) => [name, model, problem]),
    [
      ['0000:03:00.0', '1000:005d', 'the live OS lacks storcli64'],
      ['0000:5c:00.0', '9005:028f', 'no program is known that works it'],
      ['0000:65:00.0', '1000:005d', 'the live OS has neither perccli64 nor storcli64'],
    ],
  );
  assert.equal(serials(await arrays.disks()), ['PLAIN1']);
  const order = {
    id: '0123456789ab',
    name: 'd',
    controller: 'SK1',
    level: 'RAID0',
    disks: ['A', 'B'],
    boots: false,
  } as const;
  assert.match(await code(arrays.create(order, never)), /^ControllerNotDriven: .*the live OS lacks storcli64/);
});

test('what hangs on a controller whose program fails is not taken for a disk', async () => {
  await using tool = await installed('storcli64', 'storcli/no-volumes.json', MEGARAID);
  const disk = { naa: '600605b000000000000000000000beef', model: 'MR9361-8i', sizeBytes: 512e6 };
  addDisk(tool.sys, { ...disk, address: MEGARAID.address, serialNumber: 'LOGICAL1' });
  addDisk(tool.sys, { ...disk, address: '0000:00:1f.2', serialNumber: 'PLAIN1', naa: '5000000000000001' });
  tool.refuse('/call show all', {
    Controllers: [{ 'Command Status': { Status: 'Failure', Description: 'Firmware is in fault' } }],
  });
  const arrays = machineArrays(tool.sys);
  assert.equal(serials(await arrays.disks()), ['PLAIN1']);
  assert.is((await arrays.controllers())[0]!.problem, 'storcli64: Firmware is in fault');
  assert.is(await code(arrays.list(never)), 'ArrayRefused: storcli64: Firmware is in fault');
});

test('a machine without controllers runs none of their programs', async () => {
  await using tool = await installed('storcli64', 'storcli/no-volumes.json', {
    ...MEGARAID,
    driver: 'ahci',
  });
  const arrays = machineArrays(tool.sys);
  assert.equal([await arrays.disks(), await arrays.controllers()], [[], []]);
  assert.equal(tool.calls(), []);
});

test.run();
