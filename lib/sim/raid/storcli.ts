// A program that answers like storcli64 and perccli64: it replays a recording of what one said, and changes it as logical
// drives are made and taken apart, from one start to the next.
//
//   node storcli.ts FOLDER ARGUMENTS…
//
// FOLDER holds state.json (the recording: an answer for each command) and sys (see kernel.ts). Every start is noted in
// calls, one JSON array a line. refusals.json, where there is one: an answer for commands that have that in them, or
// `hangs`: then it does not end.
import { appendFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { addDisk, naaOf, removeDisk } from './kernel.ts';

type Fields = Record<string, unknown>;
interface Answer {
  readonly Controllers: { 'Command Status': Fields; 'Response Data'?: Fields }[];
}

const SECTOR_BYTES = 512;
const [folder = '', ...args] = process.argv.slice(2);
const stateFile = join(folder, 'state.json');
const state = JSON.parse(readFileSync(stateFile, 'utf8')) as Record<string, Answer>;
appendFileSync(join(folder, 'calls'), `${JSON.stringify(args)}\n`);

const given = args.filter((arg) => arg !== 'nolog' && arg !== 'J');
const command = given.join(' ');

function status(controller: number, ok: boolean, description: string): Fields {
  return {
    'CLI Version': '007.2707.0000.0000 Dec 18, 2023',
    Controller: controller,
    Status: ok ? 'Success' : 'Failure',
    Description: description,
  };
}

const done = (controller: number, description: string): Answer => ({
  Controllers: [{ 'Command Status': status(controller, true, description) }],
});
const failed = (controller: number, description: string): Answer => ({
  Controllers: [{ 'Command Status': status(controller, false, description) }],
});

/** What a listing of the controller says, made when there was none. */
function listing(path: string, controller: number): Fields {
  const answer = state[`${path} show all`] ?? done(controller, 'None');
  state[`${path} show all`] = answer;
  const first = answer.Controllers[0]!;
  const data = first['Response Data'] ?? {};
  Object.assign(first, { 'Command Status': status(controller, true, 'None'), 'Response Data': data });
  return data;
}

const summary = (controller: number): Fields => state['/call show all']!.Controllers[controller]!['Response Data']!;
const rows = (value: unknown): Fields[] => (Array.isArray(value) ? (value as Fields[]) : []);

/** Each row of a drive, in whichever listing it stands. */
function drives(controller: number): Fields[] {
  const details = ['eall/sall', 'sall'].flatMap((path) =>
    Object.values(state[`/c${controller}/${path} show all`]?.Controllers[0]?.['Response Data'] ?? {}),
  );
  return [...details.flatMap(rows), ...rows(summary(controller)['PD LIST'])];
}

function setDrives(controller: number, places: readonly string[], values: Fields): void {
  for (const drive of drives(controller)) if (places.includes(drive['EID:Slt'] as string)) Object.assign(drive, values);
}

function sectorsOf(controller: number, place: string): number {
  const data = listing(`/c${controller}/eall/sall`, controller);
  const key = Object.keys(data).find((each) => rows(data[each])[0]?.['EID:Slt'] === place);
  const details = data[`${key} - Detailed Information`] as Record<string, Fields>;
  return Number(/\[(0x[0-9a-f]+) /.exec(details[`${key} Device attributes`]?.['Coerced size'] as string)![1]);
}

const ADDRESS = /^(..):(..):(..):0(.)$/;
const addressOf = (controller: number): string => {
  const told = (summary(controller).Basics as Fields)['PCI Address'] as string;
  return told.replace(ADDRESS, '00$1:$2:$3.$4').toLowerCase();
};

function add(controller: number): Answer {
  const value = (name: string) => given.find((arg) => arg.startsWith(`${name}=`))?.slice(name.length + 1);
  const places = (value('drives') ?? '').split(',');
  const type = `RAID${given[3]!.slice(1)}`;
  const name = value('name') ?? '';
  if (name.length > 15) return failed(controller, 'Name is longer than 15 characters');
  if (type === 'RAID10' && value('pdperarray') === undefined)
    return failed(controller, 'syntax error, PDperArray is needed');
  const free = new Set(
    rows(summary(controller)['PD LIST'])
      .filter((drive) => drive.State === 'UGood' && drive.DG === '-')
      .map((drive) => drive['EID:Slt']),
  );
  const taken = places.find((place) => !free.has(place));
  if (taken !== undefined) return failed(controller, `physical disk does not have appropriate attributes: ${taken}`);
  const volumes = listing(`/c${controller}/vall`, controller);
  let number = 0;
  while (volumes[`/c${controller}/v${number}`]) number++;
  setDrives(controller, places, { State: 'Onln', DG: number });
  const width = {
    RAID0: places.length,
    RAID1: 1,
    RAID5: places.length - 1,
    RAID6: places.length - 2,
    RAID10: places.length / 2,
  }[type]!;
  const blocks = Math.min(...places.map((place) => sectorsOf(controller, place))) * width;
  const naa = naaOf('600605b0', name);
  const row = {
    'DG/VD': `${number}/${number}`,
    TYPE: type,
    State: 'Optl',
    Access: 'RW',
    Consist: 'No',
    Cache: 'RWBD',
    Size: `${blocks}`,
    Name: name,
  };
  volumes[`/c${controller}/v${number}`] = [row];
  volumes[`PDs for VD ${number}`] = rows(summary(controller)['PD LIST']).filter((drive) => drive.DG === number);
  volumes[`VD${number} Properties`] = {
    'Strip Size': '256 KB',
    'Number of Blocks': blocks,
    'Exposed to OS': 'Yes',
    'Is LD Ready for OS Requests': 'Yes',
    'SCSI NAA Id': naa,
  };
  summary(controller)['Virtual Drives'] = Object.keys(volumes).filter((key) => key.startsWith('/')).length;
  const device = addDisk(join(folder, 'sys'), {
    address: addressOf(controller),
    serialNumber: naa.slice(-16),
    naa,
    model: 'MR9361-8i',
    sizeBytes: blocks * SECTOR_BYTES,
  });
  Object.assign(volumes[`VD${number} Properties`] as Fields, { 'OS Drive Name': `/dev/${device}` });
  return done(controller, 'Add VD Succeeded.');
}

function remove(controller: number, number: string): Answer {
  const volumes = listing(`/c${controller}/vall`, controller);
  const properties = volumes[`VD${number} Properties`] as Fields | undefined;
  if (!properties) return failed(controller, 'No VD found');
  const places = rows(volumes[`PDs for VD ${number}`]).map((drive) => drive['EID:Slt'] as string);
  for (const key of [`/c${controller}/v${number}`, `PDs for VD ${number}`, `VD${number} Properties`])
    delete volumes[key];
  setDrives(controller, places, { State: 'UGood', DG: '-' });
  summary(controller)['Virtual Drives'] = Object.keys(volumes).filter((key) => key.startsWith('/')).length;
  removeDisk(join(folder, 'sys'), (properties['OS Drive Name'] as string).slice('/dev/'.length));
  return done(controller, 'Delete VD succeeded');
}

function answer(): Answer | 'hangs' {
  const refusals = join(folder, 'refusals.json');
  if (existsSync(refusals)) {
    const told = Object.entries(JSON.parse(readFileSync(refusals, 'utf8')) as Record<string, Answer | 'hangs'>);
    const refusal = told.find(([part]) => command.includes(part));
    if (refusal) return refusal[1];
  }
  if (state[command]) return state[command];
  const [, controller, rest] = /^\/c(\d+)(?:\/(\S+))? /.exec(command) ?? [];
  const at = Number(controller);
  if (controller === undefined || !state['/call show all']?.Controllers[at]) return failed(0, 'Controller 0 not found');
  if (rest === undefined && command.includes(' add vd ')) return add(at);
  const volume = /^v(\d+)$/.exec(rest ?? '')?.[1];
  if (volume !== undefined && command.endsWith(' delete force')) return remove(at, volume);
  if (volume !== undefined && command.endsWith(' set bootdrive=on')) return done(at, 'None');
  const isOf = (key: string, value: string) => (drive: Fields) => drive[key] === value;
  const placesOf = (is: (drive: Fields) => boolean) =>
    drives(at)
      .filter(is)
      .map((drive) => drive['EID:Slt'] as string);
  if (rest === 'fall' && command.endsWith(' delete')) {
    setDrives(at, placesOf(isOf('DG', 'F')), { DG: '-' });
    return done(at, 'Successfully deleted foreign configuration');
  }
  const drive = /^e(\d+)\/s(\d+)$/.exec(rest ?? '');
  if (drive && command.endsWith(' delete hotsparedrive')) {
    setDrives(at, [`${drive[1]}:${drive[2]}`], { State: 'UGood', DG: '-' });
    return done(at, 'Delete Hot Spare Succeeded.');
  }
  return failed(at, 'syntax error, unexpected TOKEN_UNKNOWN');
}

const told = answer();
if (told === 'hangs') setInterval(() => undefined, 1000);
else {
  writeFileSync(stateFile, JSON.stringify(state));
  process.stdout.write(`${JSON.stringify(told, undefined, 1)}\n`);
  process.exitCode = told.Controllers.every((each) => each['Command Status'].Status === 'Success') ? 0 : 1;
}
