// Spreadsheets as people and programs make them: what they say comes out as objects, and every bad cell is named.
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Device } from '../../api/generated.ts';
import { createCheck } from '../../sync/check.ts';
import { syncedKinds } from '../../sync/kinds.ts';
import { tempDir } from '../../testing/temp-dir.ts';
import { CRDS, readManifests } from '../manifests.ts';
import { TEMPLATE } from './columns.ts';
import { type Import, readMachines } from './machines.ts';
import { readSheet } from './sheet.ts';

const check = createCheck(syncedKinds(readManifests(CRDS)));

async function imported(text: string, site?: string): Promise<Import> {
  await using dir = await tempDir();
  const file = join(dir.path, 'machines.csv');
  await writeFile(file, text);
  return readMachines(await readSheet(file), check, { site, namespace: 'bmp-system' });
}

test('the template is a sheet that can be imported', async () => {
  const { machines, problems } = await imported(TEMPLATE);
  assert.equal(problems, []);
  const [{ device, secret }] = machines as [Import['machines'][number]];
  assert.equal((device as Device).spec, {
    bmc: { address: 'redfish://192.0.2.17', credentialsRef: { name: 'r1-07-bmc' } },
    serialNumber: '7C1QX3',
    bootMACAddress: '52:54:00:12:34:56',
    site: 'fra1',
    location: { rack: 'r1', unit: 7 },
    pool: 'default',
    deviceType: 'gp.large',
    putAway: false,
  });
  assert.equal(secret?.metadata, { name: 'r1-07-bmc', namespace: 'bmp-system' });
});

test('exports of other programs: byte order mark, semicolons, quotes, other titles and ways to write an address', async () => {
  const { machines, problems } = await imported(
    '\ufeffHostname;OOB_IP;PXE MAC;SN;Cabinet;Room\r\n"r1-08";192.0.2.18;5254.00AB.CDEF;"7C;1";r1;\r\n;;;;;\r\n',
    'fra1',
  );
  assert.equal(problems, []);
  assert.is(machines.length, 1);
  const { spec } = machines[0]!.device as Device;
  assert.equal(
    [spec.bmc.address, spec.bootMACAddress, spec.serialNumber, spec.site],
    ['ipmi://192.0.2.18', '52:54:00:ab:cd:ef', '7C;1', 'fra1'],
  );
});

test('a sheet as an office program writes it, with numbers, truth values and empty rows', async () => {
  const rows = await readSheet(new URL('machines.xlsx', import.meta.url).pathname);
  const { machines, problems } = readMachines(rows, check, { site: undefined, namespace: 'bmp-system' });
  assert.equal(problems, []);
  const told = machines.map(({ line, device }) => {
    const { serialNumber, bootMACAddress, location, putAway } = (device as Device).spec;
    return [line, device.metadata.name, serialNumber, bootMACAddress, location?.unit, putAway];
  });
  assert.equal(told, [
    [2, 'r1-07', '7C1QX3', '52:54:00:12:34:56', 7, true],
    [4, 'r1-08', '48151623', '52:54:00:12:34:57', 8, false],
  ]);
});

test('every bad cell is named by line and column, and none of them is a password', async () => {
  const header = 'name,bmc address,bmc username,bmc password,boot mac,site,unit,put away,device type';
  const { problems } = await imported(
    [
      header,
      'R1_09,192.0.2.19,admin,hunter2,52:54:00:00:00:09,fra1,7,yes,gp.large',
      'r1-10,ftp://192.0.2.20,admin,hunter2,52:54:00:00:00:1,fra1,seven,maybe,gp.large',
      'r1-11,192.0.2.19,admin,,52:54:00:00:00:09,,101,no,',
    ].join('\n'),
  );
  const named = problems.map((problem) => problem.split(': ')[0]!).sort((a, b) => a.localeCompare(b));
  assert.equal(named, [
    'line 2, name',
    'line 3, bmc address',
    'line 3, boot mac',
    'line 3, put away',
    'line 3, unit',
    'line 4, bmc address',
    'line 4, bmc password',
    'line 4, boot mac',
    'line 4, site',
    'line 4, unit',
  ]);
  assert.not.match(problems.join('\n'), /hunter2/);
});

test('a column that is misspelt, missing or there twice is told, and nothing is guessed', async () => {
  const { machines, problems } = await imported('name,bmc adress,boot mac,mac,name of it\nr1-07,192.0.2.17,,,\n');
  assert.is(machines.length, 0);
  assert.equal(
    problems.map((problem) => problem.split(': ')[0]),
    ['line 1, bmc adress', 'line 1, mac', 'line 1, name of it', 'line 1, bmc address'],
  );
});

test('what is no spreadsheet is told without a word of what is in it', async () => {
  const told = async (name: string, content: Buffer): Promise<string> => {
    await using dir = await tempDir();
    const file = join(dir.path, name);
    await writeFile(file, content);
    return readSheet(file).then(
      () => 'read',
      (error: unknown) => String(error),
    );
  };
  const secret = Buffer.from('name\n"hunter2');
  assert.match(await told('a.csv', secret), /is no CSV: CSV_QUOTE_NOT_CLOSED, near line/);
  assert.not.match(await told('a.csv', secret), /hunter2/);
  assert.match(await told('a.csv', Buffer.from([0x50, 0x4b, 0xff, 0xfe])), /neither UTF-8 text nor named \.xlsx/);
  assert.match(await told('a.xlsx', secret), /is no XLSX/);
});

test.run();
