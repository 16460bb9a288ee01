// Smart Array and Smart Storage controllers of HPE, by ssacli.
//
// Source: HPE Smart Storage Administrator user guide, "Using SSA CLI": create type=ld, delete, modify bootvolume.
import type { ArrayLevel } from '../../../provision/volumes/raid.ts';
import { AgentError } from '../../errors.ts';
import { parseConfig, type ToldController } from './ssacli-output.ts';
import type { Creation, KeptDisk, LookedController, VendorTool } from './vendor-tool.ts';

const TOOL = 'ssacli';

export const ssacli: VendorTool = {
  name: TOOL,
  async look(ask) {
    // It ends with an error where there is no controller, and says so.
    const { output, said } = await ask(['ctrl', 'all', 'show', 'config', 'detail']);
    return parseConfig(output || said).map(looked);
  },
  creation,
  judge({ code, output, said }) {
    const error = /^\s*Error: *(.+)$/m.exec(`${output}\n${said}`)?.[1];
    if (code === 0 && error === undefined) return;
    throw new AgentError('ArrayRefused', (error ?? `it ended with ${code}`).slice(0, 500));
  },
};

function looked({ slot, model, serialNumber, firmware, address, drives, volumes }: ToldController): LookedController {
  const place = `slot=${slot}`;
  return {
    facts: { name: address ?? place, model, serialNumber, ...(firmware !== undefined && { firmware }), tool: TOOL },
    place,
    disks: drives.flatMap(({ place: at, isPlain, facts }): KeptDisk[] =>
      isPlain ? [] : [{ ...facts, controller: serialNumber, place: at }],
    ),
    holdings: volumes.map(({ number, label, level, state, disks, naa, device }) => ({
      label,
      key: naa ?? `${serialNumber}/${number}`,
      level,
      state,
      disks,
      ...(naa !== undefined && { naa }),
      ...(device !== undefined && { device }),
      removal: ['ctrl', place, 'ld', number, 'delete', 'forced'],
      bootFrom: ['ctrl', place, 'ld', number, 'modify', 'bootvolume=primary'],
    })),
  };
}

const TYPES: Record<ArrayLevel, string> = { RAID0: '0', RAID1: '1', RAID5: '5', RAID6: '6', RAID10: '1+0' };

function creation({ place, label, level, disks, uncached }: Creation): readonly string[] {
  if (level === 'RAID1' && disks.length !== 2)
    throw new AgentError('ArrayRefused', `the controller makes no RAID1 of ${disks.length} disks`, {
      class: 'permanent',
    });
  return [
    'ctrl',
    place,
    'create',
    'type=ld',
    `drives=${disks.map((disk) => disk.place).join(',')}`,
    `raid=${TYPES[level]}`,
    `logicaldrivelabel=${label}`,
    ...(uncached ? ['arrayaccelerator=disable'] : []),
    // It asks for a yes else.
    'forced',
  ];
}
