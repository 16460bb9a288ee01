// Which RAID controllers this machine has, by what drives them on the PCI bus, and which program each is worked with.
//
// Source: the kernel's drivers megaraid_sas, hpsa and smartpqi, and their PCI ids; pci.ids (vendors).
import { linkName, list, readText } from '../sysfs.ts';

export type ToolName = 'storcli64' | 'perccli64' | 'ssacli';

export interface ProbedController {
  /** PCI address: 0000:03:00.0. */
  readonly address: string;
  /** PCI vendor and device: 1000:005d. */
  readonly model: string;
  /** The best first; none where nothing is known to work it. */
  readonly tools: readonly ToolName[];
}

const DELL = '0x1028';
const HEWLETT_PACKARD = new Set(['0x103c', '0x1590']);

function toolsFor(driver: string | undefined, subsystemVendor: string | undefined): readonly ToolName[] | undefined {
  switch (driver) {
    case 'megaraid_sas':
      return subsystemVendor === DELL ? ['perccli64', 'storcli64'] : ['storcli64'];
    case 'hpsa':
      return ['ssacli'];
    case 'smartpqi':
      // Others sell the same chips, with a program of their own.
      return HEWLETT_PACKARD.has(subsystemVendor ?? '') ? ['ssacli'] : [];
    default:
      return undefined;
  }
}

/** @param sys where sysfs is */
export async function probeControllers(sys: string): Promise<ProbedController[]> {
  const bus = `${sys}/bus/pci/devices`;
  const found = await Promise.all(
    (await list(bus)).map(async (address): Promise<ProbedController[]> => {
      const device = `${bus}/${address}`;
      const tools = toolsFor(await linkName(`${device}/driver`), await readText(`${device}/subsystem_vendor`));
      if (!tools) return [];
      const model = `${await readText(`${device}/vendor`)}:${await readText(`${device}/device`)}`.replaceAll('0x', '');
      return [{ address, model, tools }];
    }),
  );
  return found.flat();
}
