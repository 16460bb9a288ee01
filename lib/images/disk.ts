// A disk image with a boot loader for both firmwares, from a root file system: no loop devices, no mounts.
//
//   1  GRUB's core for BIOS   1 MiB
//   2  EFI system partition   16 MiB: \EFI\BOOT\BOOTX64.EFI
//   3  root, ext4             as large as it must be, and a little
//
// Source: UEFI specification §3.5.1.1 (default boot file).
import { open, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { run } from '../agent/linux/command.ts';
import { bootSector, coreAt } from '../agent/linux/grub.ts';
import { ROOT_LABEL } from './root.ts';

const MIB = 1024 * 1024;
const SECTOR = 512;
const CORE = { startMiB: 1, sizeMiB: 1 } as const;
const ESP = { startMiB: 2, sizeMiB: 16 } as const;
const ROOT_START_MIB = ESP.startMiB + ESP.sizeMiB;
/** What is free in the root file system before it grows to its disk's size: the first boot writes before that. */
const SLACK = { factor: 1.06, MiB: 32, inodes: 8192 } as const;
/** mke2fs would choose by the size that the file system has now, not by the disk's that it grows to. */
const [BLOCK_BYTES, INODE_BYTES, JOURNAL_MIB] = [4096, 256, 16];
const TYPES = {
  biosBoot: '21686148-6449-6E6F-744E-656564454649',
  esp: 'C12A7328-F81F-11D2-BA4B-00A0C93EC93B',
  linux: '0FC63DAF-8483-4772-8E79-3D69D8477DE4',
};

/** Writes the image to `file`; `work` is for what is needed meanwhile. */
export async function makeDisk(root: string, file: string, work: string): Promise<void> {
  const sum = async (...how: string[]) => Number((await run('du', ['--summarize', ...how, root])).split('\t')[0]);
  const inodes = (await sum('--inodes')) + SLACK.inodes;
  const used = (await sum('--block-size=1M')) + (inodes * INODE_BYTES) / MIB + JOURNAL_MIB;
  const rootMiB = Math.ceil(used * SLACK.factor) + SLACK.MiB;
  const rootImage = join(work, 'root.ext4');
  await rm(rootImage, { force: true });
  await writeFile(rootImage, '');
  await truncate(rootImage, rootMiB * MIB);
  // GRUB 2.06 reads no file system with these two.
  const features = ['-O', '^metadata_csum_seed,^orphan_file', '-E', 'lazy_itable_init=0,lazy_journal_init=0'];
  const sizes = ['-b', `${BLOCK_BYTES}`, '-I', `${INODE_BYTES}`, '-N', `${inodes}`, '-J', `size=${JOURNAL_MIB}`];
  await run('mke2fs', ['-q', '-t', 'ext4', '-L', ROOT_LABEL, '-m', '0', ...sizes, ...features, '-d', root, rootImage]);
  const esp = await makeEsp(work);

  await rm(file, { force: true });
  await writeFile(file, '');
  await truncate(file, (ROOT_START_MIB + rootMiB + 1) * MIB);
  const line = (startMiB: number, sizeMiB: number, type: string) =>
    `start=${startMiB}MiB, size=${sizeMiB}MiB, type=${type}`;
  const table = [
    'label: gpt',
    line(CORE.startMiB, CORE.sizeMiB, TYPES.biosBoot),
    line(ESP.startMiB, ESP.sizeMiB, TYPES.esp),
    line(ROOT_START_MIB, rootMiB, TYPES.linux),
    '',
  ];
  await run('sfdisk', ['--quiet', file], { input: table.join('\n') });
  await copyInto(esp, file, ESP.startMiB);
  await copyInto(rootImage, file, ROOT_START_MIB);
  await installBiosLoader(file, work);
  await rm(rootImage);
}

/** Keeps holes. */
async function copyInto(part: string, file: string, atMiB: number): Promise<void> {
  await run('dd', [`if=${part}`, `of=${file}`, 'bs=1M', `seek=${atMiB}`, 'conv=notrunc,sparse', 'status=none']);
}

/** What GRUB does first: finds the root file system by its label, and goes by what stands there. */
const EARLY = `search --no-floppy --label --set=root ${ROOT_LABEL}\nset prefix=($root)/boot/grub\nconfigfile /boot/grub/grub.cfg\n`;
const MODULES = ['part_gpt', 'ext2', 'search', 'search_label', 'configfile', 'normal', 'linux', 'boot', 'echo'];

async function grubImage(work: string, format: string, out: string, more: readonly string[]): Promise<void> {
  const early = join(work, 'early.cfg');
  await writeFile(early, EARLY);
  await run('grub-mkimage', ['-O', format, '-o', out, '-p', '/boot/grub', '-c', early, ...MODULES, ...more]);
}

async function makeEsp(work: string): Promise<string> {
  const [loader, esp] = [join(work, 'BOOTX64.EFI'), join(work, 'esp.fat')];
  await grubImage(work, 'x86_64-efi', loader, ['fat']);
  await rm(esp, { force: true });
  await writeFile(esp, '');
  await truncate(esp, ESP.sizeMiB * MIB);
  await run('mkfs.fat', ['-F', '16', '-n', 'ESP', esp]);
  await run('mmd', ['-i', esp, '::/EFI', '::/EFI/BOOT']);
  await run('mcopy', ['-i', esp, loader, '::/EFI/BOOT/BOOTX64.EFI']);
  return esp;
}

async function installBiosLoader(file: string, work: string): Promise<void> {
  const core = join(work, 'core.img');
  await grubImage(work, 'i386-pc', core, ['biosdisk']);
  const start = CORE.startMiB * MIB;
  const placed = coreAt(await readFile(core), start);
  if (placed.length > CORE.sizeMiB * MIB) throw new Error('GRUB is too large for its partition');
  const disk = await open(file, 'r+');
  try {
    const { buffer: before } = await disk.read(Buffer.alloc(SECTOR), 0, SECTOR, 0);
    await disk.write(placed, 0, placed.length, start);
    await disk.write(bootSector(before, await readFile('/usr/lib/grub/i386-pc/boot.img'), start), 0, SECTOR, 0);
  } finally {
    await disk.close();
  }
}
