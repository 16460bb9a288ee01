// The live OS as a disc that boots with BIOS and UEFI, for BMCs that lend the machine a drive. The same files, the same disc.
//
// Source: El Torito 1.0; UEFI specification §13.3.2 (a FAT image as boot entry); GRUB's manual, "Making a GRUB bootable CD-ROM";
// xorrisofs(1); reproducible-builds.org (SOURCE_DATE_EPOCH).
import { copyFile, mkdir, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { run } from '../../agent/linux/command.ts';
import { mediaConfiguration } from '../media.ts';
import { closure, unpack } from './packages.ts';

export interface IsoOptions {
  /** Folder with vmlinuz and initrd. */
  readonly from: string;
  /** The file to write. */
  readonly file: string;
  /** For what is needed meanwhile. */
  readonly work: string;
  /** Of packages. */
  readonly cache: string;
}

const CONFIGURATION = '/boot/bmp.cfg';
/** GRUB looks for the disc itself: firmware numbers its drives as it likes. */
const EARLY = `search --no-floppy --file --set=root ${CONFIGURATION}\nconfigfile ${CONFIGURATION}\n`;
const MODULES = [
  'iso9660',
  'search',
  'search_fs_file',
  'configfile',
  'normal',
  'linux',
  'boot',
  'echo',
  'serial',
  'terminal',
];
const ESP_BYTES = 4 * 1024 * 1024;
const NO_TIME = 'SOURCE_DATE_EPOCH=0';

/** @throws CommandError */
export async function makeIso({ from, file, work, cache }: IsoOptions): Promise<void> {
  const tree = join(work, 'disc');
  await mkdir(join(tree, 'boot'), { recursive: true });
  for (const name of ['vmlinuz', 'initrd']) await copyFile(join(from, name), join(tree, 'boot', name));
  await writeFile(join(tree, CONFIGURATION), mediaConfiguration());
  const early = join(work, 'early.cfg');
  await writeFile(early, EARLY);
  const grub = (format: string, out: string, more: readonly string[]) =>
    run('grub-mkimage', ['-O', format, '-o', out, '-p', '/boot/grub', '-c', early, ...MODULES, ...more]);
  await grub('i386-pc-eltorito', join(tree, 'boot/bios.img'), ['biosdisk']);
  const loader = join(work, 'BOOTX64.EFI');
  await grub('x86_64-efi', loader, ['part_gpt', 'fat']);
  await makeEsp(loader, join(tree, 'boot/efi.img'));
  // Whoever made the folders, and when, is not told.
  await run('sh', [
    '-c',
    'find "$1" -exec touch --no-dereference --date=@0 {} + && chmod -R u=rwX,go=rX "$1"',
    'sh',
    tree,
  ]);
  const xorriso = await fetched(cache, join(work, 'xorriso'));
  const bios = [
    '-b',
    'boot/bios.img',
    '-no-emul-boot',
    '-boot-load-size',
    '4',
    '-boot-info-table',
    '--grub2-boot-info',
  ];
  const uefi = ['-eltorito-alt-boot', '-e', 'boot/efi.img', '-no-emul-boot'];
  await run('env', [
    NO_TIME,
    ...xorriso,
    '-as',
    'mkisofs',
    '-quiet',
    '-R',
    '-V',
    'LIVE',
    '-uid',
    '0',
    '-gid',
    '0',
    '-c',
    'boot/boot.cat',
    ...bios,
    ...uefi,
    '-o',
    file,
    tree,
  ]);
}

async function makeEsp(loader: string, esp: string): Promise<void> {
  await writeFile(esp, '');
  await truncate(esp, ESP_BYTES);
  await run('mkfs.fat', ['-F', '12', '-n', 'LIVE', '-i', '4c495645', '--invariant', esp]);
  await run('touch', ['--date=@0', loader]);
  await run('env', [NO_TIME, 'mmd', '-i', esp, '::/EFI', '::/EFI/BOOT']);
  await run('env', [NO_TIME, 'mcopy', '-m', '-i', esp, loader, '::/EFI/BOOT/BOOTX64.EFI']);
}

/** The command line of xorriso, with its own libraries and this machine's C library. */
async function fetched(cache: string, into: string): Promise<string[]> {
  const packages = (await closure(['xorriso'])).filter((name) =>
    /^(xorriso|lib(isoburn|isofs|burn|jte|readline|tinfo))/.test(name),
  );
  await unpack(packages, cache, into);
  const libraries = (await run('find', [into, '-name', '*.so.*', '-printf', '%h\n'])).split('\n').filter(Boolean);
  return [`LD_LIBRARY_PATH=${[...new Set(libraries)].join(':')}`, join(into, 'usr/bin/xorriso')];
}
