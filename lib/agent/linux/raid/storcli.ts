// MegaRAID controllers of Broadcom, by storcli64, and Dell's PERC, by perccli64: one program under two names.
//
// Source: StorCLI Reference Manual (Broadcom 12Gb/s MegaRAID): "add vd", "/cx/vx delete", "/cx/fall delete",
// "/cx/ex/sx delete hotsparedrive", "/cx/vx set bootdrive".
import type { ArrayLevel } from '../../../provision/volumes/raid.ts';
import { AgentError } from '../../errors.ts';
import {
  type Answer,
  parseAnswers,
  parseController,
  parseDrives,
  parseVolumes,
  type ToldDrive,
} from './storcli-output.ts';
import type { Ask, Creation, Holding, KeptDisk, LookedController, VendorTool } from './vendor-tool.ts';

/** Or the program writes a log where it is started. */
const JSON_ANSWER = ['nolog', 'J'];
/** The operating system sees these as they are. */
const PLAIN = /^JBOD$/i;
const SPARE = /^(GHS|DHS)$/;
const LARGEST_MIRROR = 32;

export function storcli(name: 'storcli64' | 'perccli64'): VendorTool {
  return {
    name,
    async look(ask) {
      const answers = await answered(ask, ['/call', 'show', 'all']);
      const controllers: LookedController[] = [];
      // One after the other: the program waits for itself where it is started twice.
      for (const answer of answers) controllers.push(await looked(answer, ask, name));
      return controllers;
    },
    creation,
    judge: ({ output }) => {
      parseAnswers(output, 'change');
    },
  };
}

async function answered(ask: Ask, args: readonly string[]): Promise<Answer[]> {
  // It ends with an error for what its answer tells better.
  const { output } = await ask([...args, ...JSON_ANSWER]);
  return parseAnswers(output, 'show');
}

async function looked(answer: Answer, ask: Ask, tool: string): Promise<LookedController> {
  const { model, serialNumber, firmware, address, places, virtualDrives } = parseController(answer);
  const at = `/c${answer.controller}`;
  const drives: ToldDrive[] = [];
  const paths = [
    places.some((place) => !place.startsWith(':')) && `${at}/eall/sall`,
    places.some((place) => place.startsWith(':')) && `${at}/sall`,
  ];
  for (const path of paths) if (path) drives.push(...(await answered(ask, [path, 'show', 'all'])).flatMap(parseDrives));
  const volumes = virtualDrives === 0 ? [] : (await answered(ask, [`${at}/vall`, 'show', 'all'])).flatMap(parseVolumes);
  const serialAt = new Map(drives.flatMap(({ place, facts }) => (facts ? [[place, facts.serialNumber] as const] : [])));
  const holdings: Holding[] = volumes.map(({ path, name, level, state, places: members, naa, device }) => ({
    label: name,
    key: naa ?? `${serialNumber}${path}`,
    level,
    state,
    disks: members.flatMap((place) => serialAt.get(place) ?? []),
    ...(naa !== undefined && { naa }),
    ...(device !== undefined && { device }),
    removal: [path, 'delete', 'force', ...JSON_ANSWER],
    bootFrom: [path, 'set', 'bootdrive=on', ...JSON_ANSWER],
  }));
  return {
    facts: { name: address ?? at, model, serialNumber, ...(firmware !== undefined && { firmware }), tool },
    place: at,
    disks: drives.flatMap(({ place, state, facts }): KeptDisk[] =>
      facts && !PLAIN.test(state) ? [{ ...facts, controller: serialNumber, place }] : [],
    ),
    holdings: [...holdings, ...spares(drives), ...foreign(drives, at, serialNumber)],
  };
}

/** A spare would be taken for a failed disk of whatever there is. */
function spares(drives: readonly ToldDrive[]): Holding[] {
  return drives.flatMap(({ path, state, facts }): Holding[] => {
    if (!facts || !SPARE.test(state)) return [];
    const removal = [path, 'delete', 'hotsparedrive', ...JSON_ANSWER];
    return [
      {
        label: '',
        key: `spare-${facts.serialNumber}`,
        level: 'other',
        state: 'whole',
        disks: [facts.serialNumber],
        removal,
      },
    ];
  });
}

/** What another controller has left on these disks goes all at once, or not at all. */
function foreign(drives: readonly ToldDrive[], at: string, serialNumber: string): Holding[] {
  const disks = drives.flatMap(({ isForeign, facts }) => (isForeign && facts ? [facts.serialNumber] : []));
  if (disks.length === 0) return [];
  const removal = [`${at}/fall`, 'delete', ...JSON_ANSWER];
  return [{ label: '', key: `foreign-${serialNumber}`, level: 'other', state: 'failed', disks, removal }];
}

function creation({ place, label, level, disks, uncached }: Creation): readonly string[] {
  const bare = disks.find((disk) => disk.place.startsWith(':'));
  if (bare)
    throw new AgentError('ArrayRefused', `disk ${bare.serialNumber} is in no enclosure: nothing can be made of it`, {
      class: 'permanent',
    });
  if (level === 'RAID1' && (disks.length % 2 === 1 || disks.length > LARGEST_MIRROR))
    throw new AgentError('ArrayRefused', `the controller makes no RAID1 of ${disks.length} disks`, {
      class: 'permanent',
    });
  return [
    place,
    'add',
    'vd',
    TYPES[level],
    `name=${label}`,
    `drives=${disks.map((disk) => disk.place).join(',')}`,
    ...(level === 'RAID10' ? ['pdperarray=2'] : []),
    ...(uncached ? ['wt', 'nora', 'direct'] : []),
    ...JSON_ANSWER,
  ];
}

const TYPES: Record<ArrayLevel, string> = { RAID0: 'r0', RAID1: 'r1', RAID5: 'r5', RAID6: 'r6', RAID10: 'r10' };
