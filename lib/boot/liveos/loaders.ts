// GRUB in the live OS, ready to be put on a disk that a tar is unpacked to: one file for each firmware, the same for all disks.
import { copyFile, mkdir } from 'node:fs/promises';
import { arch } from 'node:os';
import { join } from 'node:path';
import { run } from '../../agent/linux/command.ts';
import { LOADER_PREFIX } from '../../agent/linux/grub.ts';

/** What they read, and what configurations of systems say most. */
const MODULES =
  'part_gpt fat ext2 search search_fs_uuid configfile normal linux boot echo test gzio loadenv serial terminal'.split(
    ' ',
  );

/** @throws CommandError where GRUB's modules for this architecture are not installed */
export async function putLoaders(root: string): Promise<void> {
  const folder = join(root, 'usr/lib/bmp/grub');
  await mkdir(folder, { recursive: true });
  const image = (format: string, file: string, more: readonly string[] = []) =>
    run('grub-mkimage', ['-O', format, '-o', join(folder, file), '-p', LOADER_PREFIX, ...MODULES, ...more]);
  if (arch() === 'arm64') {
    await image('arm64-efi', 'loader.efi');
    return;
  }
  await image('x86_64-efi', 'loader.efi');
  await image('i386-pc', 'core.img', ['biosdisk']);
  await copyFile('/usr/lib/grub/i386-pc/boot.img', join(folder, 'boot.img'));
}
