// Makes an unpacked system boot: its fstab, and GRUB for BIOS and UEFI, which the live OS brings ready-made.
//
// Both loaders read the same file on the EFI system partition, which leads them to the system's own; so nothing of the image
// is run, and what the image has of GRUB does not matter. The sector that a BIOS begins with is written last.
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { arch } from 'node:os';
import { dirname, join } from 'node:path';
import type { Mount } from '../../provision/volumes/partitions.ts';
import { BIOS_BOOT_TYPE, ESP_TYPE, systemFstab } from '../../provision/volumes/system-partitions.ts';
import { AgentError } from '../errors.ts';
import { readDevice, writeDevice } from './block-device.ts';
import {
  bootSector,
  coreAt,
  EFI_LOADER,
  FIRST_CONFIGURATION,
  firstConfiguration,
  kernelIn,
  systemConfiguration,
} from './grub.ts';
import { mounted, mountedAll } from './mounted.ts';
import { tableEntries } from './partitions.ts';
import { exists } from './sysfs.ts';

/** Where the live OS has boot.img, core.img and the loader for UEFI. */
const LOADERS = '/usr/lib/bmp/grub';
const SECTOR_BYTES = 512;

/** @throws AgentError NoSystem, ReadBackMismatch, DiskFailed */
export async function putBootLoader(
  path: string,
  mounts: readonly Mount[],
  kernelArguments: string,
  signal: AbortSignal,
): Promise<void> {
  const table = await tableEntries(path, signal);
  const esp = table.find(({ type }) => type === ESP_TYPE);
  const core = table.find(({ type }) => type === BIOS_BOOT_TYPE);
  if (!esp || !core) throw new AgentError('NoSystem', `${path} has no partitions for a boot loader`);
  const first = await mountedAll(path, mounts, { signal }, (root) => configure(root, mounts, kernelArguments));
  const loader = EFI_LOADER[arch() === 'arm64' ? 'arm64' : 'x64'];
  const files: Record<string, Buffer> = {
    [FIRST_CONFIGURATION]: Buffer.from(first),
    [loader]: await readFile(join(LOADERS, 'loader.efi')),
  };
  await mounted(esp.path, 'vfat', { signal }, async (folder) => {
    for (const [name, content] of Object.entries(files)) {
      await mkdir(dirname(join(folder, name)), { recursive: true });
      await writeFile(join(folder, name), content, { flush: true });
    }
  });
  await mounted(esp.path, 'vfat', { signal, readOnly: true }, async (folder) => {
    for (const [name, content] of Object.entries(files))
      if (!content.equals(await readFile(join(folder, name)))) throw notAsWritten(path, name);
  });
  if (await exists(join(LOADERS, 'core.img'))) await putBiosLoader(path, core.startBytes, signal);
}

/** What the system itself has to say. Gives what leads GRUB there. */
async function configure(root: string, mounts: readonly Mount[], kernelArguments: string): Promise<string> {
  if (!(await exists(join(root, 'etc/shadow')))) throw new AgentError('NoSystem', 'the image has no /etc/shadow');
  const rootMount = mounts.find(({ mountPoint }) => mountPoint === '/')!;
  const bootMount = mounts.find(({ mountPoint }) => mountPoint === '/boot');
  const boot = join(root, 'boot');
  const kernel = kernelIn(await there(boot), await there(root), bootMount !== undefined);
  if (!kernel) throw new AgentError('NoSystem', 'the image has no kernel in /boot');
  await mkdir(join(boot, 'grub'), { recursive: true });
  await writeFile(join(boot, 'grub/grub.cfg'), systemConfiguration(kernel, rootMount.id, kernelArguments), {
    flush: true,
  });
  await writeFile(join(root, 'etc/fstab'), systemFstab(mounts), { flush: true });
  return firstConfiguration((bootMount ?? rootMount).id, bootMount ? '' : '/boot');
}

/** Names in the folder, save links that lead nowhere. */
async function there(folder: string): Promise<string[]> {
  if (!(await exists(folder))) return [];
  const names = await readdir(folder);
  const found = await Promise.all(names.map((name) => exists(join(folder, name))));
  return names.filter((_, index) => found[index]);
}

async function putBiosLoader(path: string, coreStartBytes: number, signal: AbortSignal): Promise<void> {
  const core = coreAt(await readFile(join(LOADERS, 'core.img')), coreStartBytes);
  await putBytes(path, coreStartBytes, core, signal);
  const before = await bytesAt(path, 0, SECTOR_BYTES, signal);
  const sector = bootSector(before, await readFile(join(LOADERS, 'boot.img')), coreStartBytes);
  await putBytes(path, 0, sector, signal);
}

async function putBytes(path: string, offset: number, bytes: Buffer, signal: AbortSignal): Promise<void> {
  async function* source() {
    yield bytes;
  }
  await writeDevice(path, offset, source(), signal);
  if (!bytes.equals(await bytesAt(path, offset, bytes.length, signal))) throw notAsWritten(path, 'a boot loader');
}

async function bytesAt(path: string, offset: number, length: number, signal: AbortSignal): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of readDevice(path, offset, length, signal)) chunks.push(chunk);
  return Buffer.concat(chunks);
}

const notAsWritten = (path: string, what: string): AgentError =>
  new AgentError('ReadBackMismatch', `${path} gives back another ${what} than was written`);
