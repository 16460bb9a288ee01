// Builds a small bootable Debian with cloud-init, for trying things out: BIOS and UEFI, and says what it is as an Image.
import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir, mkdtemp, rename, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { constants, createZstdCompress } from 'node:zlib';
import { run } from '../agent/linux/command.ts';
import { makeDisk } from './disk.ts';
import { KERNEL_ARGUMENTS, makeRoot, type RootOptions } from './root.ts';

export type ImageFormat = 'raw' | 'qcow2' | 'tar';
export type ImageCompression = 'none' | 'zstd';

export interface BuildOptions extends RootOptions {
  /** What goes where: one root file system makes all of them. */
  readonly outputs: readonly ImageOutput[];
  readonly say: (line: string) => void;
}

export interface ImageOutput {
  readonly file: string;
  readonly format: ImageFormat;
  readonly compression: ImageCompression;
  /** What /etc/bmp-image says, so that systems can be told apart once they are installed. */
  readonly version: string;
}

export interface BuiltImage extends ImageOutput {
  /** Of the file, hex. */
  readonly sha256: string;
  readonly bytes: number;
}

/** Programs that it needs, and the Debian packages that bring them. */
export const BUILD_PROGRAMS = [
  ['mmdebstrap', 'mmdebstrap'],
  ['mke2fs', 'e2fsprogs'],
  ['sfdisk', 'fdisk'],
  ['mkfs.fat', 'dosfstools'],
  ['mcopy', 'mtools'],
  ['grub-mkimage', 'grub-common'],
  ['qemu-img', 'qemu-utils'],
] as const;

const ZSTD_LEVEL = 9;
/** With capabilities of programs, which are extended attributes. */
const TAR = ['--create', '--numeric-owner', '--sort=name', '--xattrs', '--xattrs-include=security.capability'];

/** Needs root. What stands at a file's place stays there until the new one is whole. */
export async function buildImages({ outputs, say, ...root }: BuildOptions): Promise<BuiltImage[]> {
  const work = await mkdtemp(join(tmpdir(), 'bmp-image-'));
  try {
    const folder = join(work, 'root');
    say(`Debian ${root.suite}${root.mirror === undefined ? '' : ` from ${root.mirror}`}`);
    await makeRoot(folder, root);
    const built: BuiltImage[] = [];
    for (const output of outputs) {
      say(output.file);
      await writeFile(join(folder, 'etc/bmp-image'), `${output.version}\n`);
      built.push(await put(output, folder, work));
    }
    return built;
  } finally {
    await rm(work, { recursive: true });
  }
}

async function put(output: ImageOutput, folder: string, work: string): Promise<BuiltImage> {
  const place = resolve(output.file);
  await mkdir(dirname(place), { recursive: true });
  const draft = join(dirname(place), `.${basename(place)}.new`);
  try {
    const source = await inFormat(output.format, folder, work);
    if (output.compression === 'zstd') {
      const packer = createZstdCompress({ params: { [constants.ZSTD_c_compressionLevel]: ZSTD_LEVEL } });
      await pipeline(createReadStream(source), packer, createWriteStream(draft));
    } else {
      await run('cp', ['--sparse=always', source, draft]);
    }
    const digest = createHash('sha256');
    await pipeline(createReadStream(draft), digest);
    const { size } = await stat(draft);
    await rename(draft, place);
    return { ...output, sha256: digest.digest('hex'), bytes: size };
  } finally {
    await rm(draft, { force: true });
  }
}

async function inFormat(format: ImageFormat, folder: string, work: string): Promise<string> {
  const file = join(work, `image.${format}`);
  const disk = join(work, 'image.raw');
  if (format !== 'tar') await makeDisk(folder, disk, work);
  switch (format) {
    case 'raw':
      return disk;
    case 'qcow2':
      await run('qemu-img', ['convert', '-O', 'qcow2', disk, file]);
      return file;
    case 'tar':
      await run('tar', [...TAR, '--directory', folder, '--file', file, '.']);
      return file;
  }
}

/** The Image that a built file is, once it is served at a URL. A disk brings its own boot loader's configuration. */
export function imageManifest(name: string, url: string, { sha256, format, compression }: BuiltImage): object {
  return {
    apiVersion: 'bmp.dev/v1alpha1',
    kind: 'Image',
    metadata: { name },
    spec: {
      url,
      sha256,
      format,
      compression,
      architecture: 'x86_64',
      bootModes: ['BIOS', 'UEFI'],
      defaultUser: 'debian',
      ...(format === 'tar' && { kernelArguments: KERNEL_ARGUMENTS }),
    },
  };
}
