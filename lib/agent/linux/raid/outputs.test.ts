// What vendors' programs say, as they say it: recordings, read by the drivers.
import { readFileSync } from 'node:fs';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { AgentError } from '../../errors.ts';
import { ssacli } from './ssacli.ts';
import { storcli } from './storcli.ts';
import { parseAnswers } from './storcli-output.ts';
import type { LookedController, VendorTool } from './vendor-tool.ts';

const recording = (name: string): string => readFileSync(new URL(`recordings/${name}`, import.meta.url), 'utf8');
const storcliRecording = (name: string) => JSON.parse(recording(`storcli/${name}.json`)) as Record<string, unknown>;

const looked = {
  storcli: (name: string): Promise<readonly LookedController[]> => {
    const answers = storcliRecording(name);
    return storcli('storcli64').look(async (args) => {
      const answer = answers[args.filter((arg) => arg !== 'nolog' && arg !== 'J').join(' ')];
      if (!answer) throw new Error(`not recorded: ${args.join(' ')}`);
      return { code: 0, output: JSON.stringify(answer), said: '' };
    });
  },
  ssacli: (name: string): Promise<readonly LookedController[]> =>
    ssacli.look(async () => ({ code: 0, output: recording(`ssacli/${name}.txt`), said: '' })),
};

const disksOf = ({ disks }: LookedController) =>
  disks.map(({ place, serialNumber, transport, rotational, failed }) =>
    [place, serialNumber, transport, rotational ? 'HDD' : 'SSD', failed && 'failed'].filter(Boolean).join(' '),
  );
const holdingsOf = ({ holdings }: LookedController) =>
  holdings.map(({ key, label, level, state, disks }) => [key, label, level, state, disks.join(' ')].join('/'));

async function refusal(work: () => unknown): Promise<string> {
  try {
    await work();
    return 'done';
  } catch (error) {
    return error instanceof AgentError ? `${error.code}: ${error.message}` : String(error);
  }
}

test('storcli: no controller', async () => {
  assert.equal(await looked.storcli('no-controller'), []);
});

test('storcli: a controller that has made nothing yet', async () => {
  const [controller] = await looked.storcli('no-volumes');
  assert.equal(controller!.facts, {
    name: '0000:03:00.0',
    model: 'AVAGO MegaRAID SAS 9361-8i',
    serialNumber: 'SK00112233',
    firmware: '4.680.00-8577',
    tool: 'storcli64',
  });
  assert.equal(disksOf(controller!), [
    '252:0 S45PNA0M100001 sata SSD',
    '252:1 S45PNA0M100002 sata SSD',
    '252:2 ZC1AAAA1 sas HDD',
    '252:3 ZC1AAAA2 sas HDD',
    '252:4 ZC1AAAA3 sas HDD',
    '252:5 ZC1AAAA4 sas HDD',
  ]);
  const { sizeBytes, wwn, model, controller: of } = controller!.disks[2]!;
  assert.equal([sizeBytes, wwn, model, of], [4_000_787_030_016, '0x5000c50085aa0002', 'ST4000NM0025', 'SK00112233']);
  assert.equal(controller!.holdings, []);
});

test('storcli: a mirror, and disks that are passed through: those are not the controller’s', async () => {
  const [controller] = await looked.storcli('mirror-and-jbod');
  assert.equal(disksOf(controller!), ['252:0 S45PNA0M200001 sata SSD', '252:1 S45PNA0M200002 sata SSD']);
  assert.equal(holdingsOf(controller!), [
    '6d0946606c1a2b00b2f2d5a51a2b3c4d/os/RAID1/whole/S45PNA0M200001 S45PNA0M200002',
  ]);
  assert.is(controller!.holdings[0]!.device, 'sdb');
});

test('storcli: what another controller has left holds its disks', async () => {
  const [controller] = await looked.storcli('foreign');
  assert.equal(holdingsOf(controller!), ['foreign-SK00112233//other/failed/ZC1BBBB1 ZC1BBBB2']);
  assert.equal(controller!.holdings[0]!.removal, ['/c0/fall', 'delete', 'nolog', 'J']);
});

test('storcli: a rebuild, a spare, a disk that has failed, and one that makes the whole answer a failure', async () => {
  const [controller] = await looked.storcli('rebuilding');
  assert.equal(disksOf(controller!), [
    '252:0 ZC1CCCC1 sas HDD',
    '252:1 ZC1CCCC2 sas HDD',
    '252:2 ZC1CCCC3 sas HDD',
    '252:3 ZC1CCCC4 sas HDD failed',
    '252:4 ZC1CCCC5 sas HDD',
  ]);
  assert.equal(holdingsOf(controller!), [
    '600605b00d1122332b7c6e1f0a9b8c7d/bmp0123456789ab/RAID5/degraded/ZC1CCCC1 ZC1CCCC2 ZC1CCCC3',
    'spare-ZC1CCCC5//other/whole/ZC1CCCC5',
  ]);
});

test('storcli: two controllers, one without enclosures, disks of 4 KiB sectors', async () => {
  const controllers = await looked.storcli('two-controllers');
  assert.equal(
    controllers.map(({ facts }) => [facts.name, facts.serialNumber]),
    [
      ['0000:03:00.0', 'SK00112233'],
      ['0000:b3:00.0', 'SKB4455667'],
    ],
  );
  assert.equal(disksOf(controllers[1]!), [':0 S64HNE0R500001 nvme SSD', ':1 S64HNE0R500002 nvme SSD']);
  assert.equal(
    controllers[1]!.disks.map(({ sizeBytes, name }) => [name, Math.round(sizeBytes / 1e9)]),
    [
      ['c1/s0', 3841],
      ['c1/s1', 3841],
    ],
  );
});

test('storcli: a version that does not count what it has made is asked, and one that names no disks is not believed', async () => {
  const answers = storcliRecording('no-volumes') as Record<
    string,
    { Controllers: { 'Response Data'?: Record<string, unknown> }[] }
  >;
  const data = answers['/call show all']!.Controllers[0]!['Response Data']!;
  const look = () => {
    const asked: string[] = [];
    const looking = storcli('storcli64').look(async (args) => {
      const command = args.slice(0, -2).join(' ');
      asked.push(command);
      return { code: 0, output: JSON.stringify(answers[command]), said: '' };
    });
    return looking.then(() => asked.join('; '));
  };
  assert.is(await look(), '/call show all; /c0/eall/sall show all');
  delete data['Virtual Drives'];
  assert.is(await look(), '/call show all; /c0/eall/sall show all; /c0/vall show all');
  delete data['PD LIST'];
  assert.is(await refusal(look), 'ArrayRefused: it counts 6 disks at the controller SK00112233, and names none');
});

test('storcli: failures in its own words, of each part that failed', async () => {
  const failures = storcliRecording('failures');
  const told = (name: string) =>
    refusal(() => storcli('storcli64').judge({ code: 1, output: JSON.stringify(failures[name]), said: '' }));
  assert.is(
    await told('/c0/eall/sall show all'),
    'ArrayRefused: Show Drive Information Failed.; /c0/e252/s3 error 45: -',
  );
  assert.match(
    await told('/c0 add vd r1'),
    /^ArrayRefused: Add VD Failed.; VD 0 error 255: The current operation is not/,
  );
  assert.is(
    await told('/c0/v0 delete force'),
    'ArrayRefused: Delete VD failed; VD 0 error 11: virtual drive does not exist',
  );
  assert.is(await told('/c9 show all'), 'ArrayRefused: Controller 9 not found');
});

test('storcli: what cannot be understood is refused, whatever it is', async () => {
  for (const output of [
    '',
    'Segmentation fault',
    '{',
    '[]',
    '{}',
    'null',
    '{"Controllers":{}}',
    '{"Controllers":[null]}',
  ])
    assert.match(await refusal(() => parseAnswers(output, 'show')), /^ArrayRefused: /);
  const nameless = {
    Controllers: [{ 'Command Status': { Controller: 0, Status: 'Success' }, 'Response Data': { Basics: 7 } }],
  };
  const look = storcli('storcli64').look(async () => ({ code: 0, output: JSON.stringify(nameless), said: '' }));
  assert.is(await refusal(() => look), 'ArrayRefused: it names a controller without a serial number');
});

test('ssacli: no controller', async () => {
  assert.equal(await looked.ssacli('no-controller'), []);
});

test('ssacli: disks that nothing is made of', async () => {
  const [controller] = await looked.ssacli('unassigned');
  assert.equal(controller!.facts, {
    name: '0000:5c:00.0',
    model: 'HPE Smart Array P408i-a SR Gen10',
    serialNumber: 'PEYHC0DRHBB0A1',
    firmware: '5.32-0',
    tool: 'ssacli',
  });
  assert.equal(disksOf(controller!), [
    '1I:1:1 172317742951 sata SSD',
    '1I:1:2 172317742952 sata SSD',
    '2I:1:3 WFK0AA03 sas HDD',
    '2I:1:4 WFK0AA04 sas HDD',
    '2I:1:5 WFK0AA05 sas HDD',
    '2I:1:6 WFK0AA06 sas HDD',
  ]);
  const { sizeBytes, wwn, model } = controller!.disks[2]!;
  assert.equal([sizeBytes, wwn, model], [1.8e12, '0x5000c500a1b2c3d3', 'HPE EG001800JWJNL']);
});

test('ssacli: a mirror with a spare, which is held as well', async () => {
  const [controller] = await looked.ssacli('mirror-and-spare');
  assert.equal(holdingsOf(controller!), [
    '600508b1001c7575301cb1820bec6260/01F8D4F4PEYHC0DRHBB0A1 B741/RAID1/whole/172317742951 172317742952 172317742953',
  ]);
  assert.is(disksOf(controller!).length, 4);
  assert.equal(controller!.holdings[0]!.removal, ['ctrl', 'slot=0', 'ld', '1', 'delete', 'forced']);
});

test('ssacli: disks that the operating system sees are not the controller’s', async () => {
  const [passing] = await looked.ssacli('hba-mode');
  assert.equal([passing!.disks, passing!.holdings], [[], []]);
  const [mixed] = await looked.ssacli('mixed-mode');
  assert.equal(disksOf(mixed!), ['1I:1:1 172317742951 sata SSD', '1I:1:2 172317742952 sata SSD']);
});

test('ssacli: a rebuild, and disks that have failed', async () => {
  const [controller] = await looked.ssacli('degraded');
  assert.equal(holdingsOf(controller!), [
    '600508b1001c0000000000000000bbbb/bmp0123456789ab/RAID5/degraded/WFK0BB01 WFK0BB02 WFK0BB03',
  ]);
  assert.equal(disksOf(controller!).slice(2), ['1I:1:3 WFK0BB03 sas HDD failed', '1I:1:4 WFK0BB04 sas HDD failed']);
});

test('ssacli: an older one, with other blanks and ends of lines', async () => {
  const [controller] = await looked.ssacli('older');
  assert.equal([controller!.facts.name, controller!.place], ['slot=1', 'slot=1']);
  assert.equal(holdingsOf(controller!), [
    '600508b1001030364632384630300200/A01D2E3FPACCRID11030AAA/RAID10/whole/D210P8A00001 D210P8A00002 D210P8A00003 D210P8A00004',
  ]);
  assert.is(disksOf(controller!).at(-1), '2C:1:5 D210P8A00005 sas HDD');
});

test('ssacli: two controllers', async () => {
  const controllers = await looked.ssacli('two-controllers');
  assert.equal(
    controllers.map(({ place, facts, disks }) => [
      place,
      facts.name,
      disks.map(({ serialNumber }) => serialNumber).join(),
    ]),
    [
      ['slot=0', '0000:5c:00.0', '172317742951'],
      ['slot=12', '0000:86:00.0', '172317742991'],
    ],
  );
});

test('ssacli: errors in its own words, and what cannot be understood', async () => {
  const told = (output: string, code = 1) => refusal(() => ssacli.judge({ code, output, said: '' }));
  assert.is(
    await told('\nError: "raid=6" is not a valid option for array A\n\nAvailable options are:\n       0\n'),
    'ArrayRefused: "raid=6" is not a valid option for array A',
  );
  assert.is(await told('\nError: syntax\n', 0), 'ArrayRefused: syntax');
  assert.is(await told('', 9), 'ArrayRefused: it ended with 9');
  assert.is(await told('\n', 0), 'done');
  for (const output of ['', 'Killed', 'Smart Array P410 in Slot 1\n   Slot: 1\n'])
    assert.match(await refusal(() => ssacli.look(async () => ({ code: 0, output, said: '' }))), /^ArrayRefused: /);
});

test('what a program is known to refuse is not asked for', async () => {
  const [megaraid] = await looked.storcli('no-volumes');
  const [, bare] = await looked.storcli('two-controllers');
  const [smart] = await looked.ssacli('unassigned');
  const made = (tool: VendorTool, { place, disks }: LookedController, count: number, level: 'RAID1' | 'RAID10') =>
    refusal(() => tool.creation({ place, label: 'x', level, disks: disks.slice(-count), uncached: false }));
  assert.match(await made(storcli('storcli64'), megaraid!, 3, 'RAID1'), 'makes no RAID1 of 3 disks');
  assert.match(await made(storcli('storcli64'), bare!, 2, 'RAID1'), 'is in no enclosure');
  assert.match(await made(ssacli, smart!, 4, 'RAID1'), 'makes no RAID1 of 4 disks');
  assert.is(await made(ssacli, smart!, 4, 'RAID10'), 'done');
});

test.run();
