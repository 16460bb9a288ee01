// A program that answers like ssacli: it replays a recording of what one said, and changes it as logical drives are made and
// taken apart, from one start to the next.
//
//   node ssacli.ts FOLDER ARGUMENTS…
//
// FOLDER holds state.txt (the recording) and sys (see kernel.ts). Every start is noted in calls, one JSON array a line.
// refusals.json, where there is one: what is said to commands that have that in them.
import { appendFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { addDisk, naaOf, removeDisk } from './kernel.ts';

const [folder = '', ...args] = process.argv.slice(2);
const stateFile = join(folder, 'state.txt');
const before = readFileSync(stateFile, 'utf8');
const command = args.join(' ');
appendFileSync(join(folder, 'calls'), `${JSON.stringify(args)}\n`);

const value = (name: string) => args.find((arg) => arg.startsWith(`${name}=`))?.slice(name.length + 1) ?? '';
const tell = (text: string, code = 0): string => {
  process.stdout.write(text);
  process.exitCode = code;
  return before;
};
const error = (text: string) => tell(`\nError: ${text}\n\n`, 1);

/** A disk's part of the text, from its heading to the empty line. */
const disk = (place: string) => new RegExp(`      physicaldrive ${place}\\n(?: {9}.*\\n)+\\n?`);
const UNASSIGNED = /\n {3}[Uu]nassigned\n\n/;
const arrays = (text: string) => [...text.matchAll(/ {3}Array: ([A-Z])\n[\s\S]*?(?=\n {3}\S)/g)];

function create(text: string): string {
  const places = value('drives').split(',');
  const unassigned = text.slice(text.search(UNASSIGNED));
  const parts = places.map((place) => disk(place).exec(unassigned)?.[0] ?? '');
  if (parts.includes('')) return error(`Invalid drive list: ${value('drives')}`);
  const letter = String.fromCharCode(65 + arrays(text).length);
  const number = arrays(text).length + 1;
  const naa = naaOf('600508b1', value('logicaldrivelabel'));
  const [, size, unit] = /Size: ([\d.]+) ([GT])B/.exec(parts[0]!)!;
  const gigabytes = Number(size) * (unit === 'T' ? 1000 : 1);
  const width =
    { 0: places.length, 1: 1, 5: places.length - 1, 6: places.length - 2, '1+0': places.length / 2 }[value('raid')] ??
    1;
  const address = /PCI Address \S+ (\S+)/.exec(text)![1]!.toLowerCase();
  const sizeBytes = gigabytes * 1e9 * width;
  const device = addDisk(join(folder, 'sys'), {
    address,
    serialNumber: naa.slice(-16),
    naa,
    model: 'LOGICAL VOLUME',
    sizeBytes,
  });
  const lines = [
    `   Array: ${letter}`,
    '      Status: OK',
    '      Array Type: Data',
    '',
    '',
    `      Logical Drive: ${number}`,
    `         Size: ${gigabytes * width} GB`,
    `         Fault Tolerance: ${value('raid')}`,
    '         Status: OK',
    `         Unique Identifier: ${naa.toUpperCase()}`,
    `         Disk Name: /dev/${device}`,
    '         Mount Points: None',
    `         Logical Drive Label: ${value('logicaldrivelabel')}`,
    '         Drive Type: Data',
    '',
    '',
  ];
  const moved = parts.map((part) => `${part.trimEnd()}\n`.replace('Unassigned Drive', 'Data Drive'));
  const left = parts.reduce((rest, part) => rest.replace(part, ''), text);
  return left.replace(UNASSIGNED, (heading) => `\n${lines.join('\n')}${moved.join('\n')}\n${heading}`);
}

function remove(text: string, number: string): string {
  const array = arrays(text).find(([part]) => part.includes(`Logical Drive: ${number}\n`))?.[0];
  if (!array) return error(`The specified device does not have any logical drives.`);
  removeDisk(join(folder, 'sys'), /Disk Name: \/dev\/(\w+)/.exec(array)![1]!);
  const disks = [...array.matchAll(/ {6}physicaldrive \S+\n(?: {9}.*\n?)+/g)].map(([part]) =>
    `${part.trimEnd()}\n\n`.replace('Data Drive', 'Unassigned Drive'),
  );
  const without = text.replace(array, '');
  const whole = UNASSIGNED.test(without) ? without : `${without}\n   Unassigned\n\n`;
  return whole.replace(UNASSIGNED, (heading) => `${heading}${disks.join('')}`);
}

function work(): string {
  const refusals = join(folder, 'refusals.json');
  if (existsSync(refusals)) {
    const told = Object.entries(JSON.parse(readFileSync(refusals, 'utf8')) as Record<string, string>);
    const refusal = told.find(([part]) => command.includes(part));
    if (refusal) return error(refusal[1]);
  }
  if (command === 'ctrl all show config detail') return tell(before, /^\s*Error:/.test(before) ? 1 : 0);
  if (/^ctrl slot=\S+ create type=ld .*forced$/.test(command)) return create(before);
  const number = /^ctrl slot=\S+ ld (\d+) delete forced$/.exec(command)?.[1];
  if (number !== undefined) return remove(before, number);
  if (/^ctrl slot=\S+ ld \d+ modify bootvolume=primary$/.test(command)) return tell('\n');
  return error(`Invalid command: ${command}`);
}

writeFileSync(stateFile, work());
