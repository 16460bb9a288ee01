// `bmp image`: makes a small Debian for trying things out, and Images from files that are somewhere already.
import { basename } from 'node:path';
import { dump } from 'js-yaml';
import { API_VERSION, IMAGES } from '../../api/resources.ts';
import { BUILD_PROGRAMS, buildImages, type ImageCompression, type ImageFormat } from '../../images/build.ts';
import { inspectImage } from '../../images/inspect.ts';
import { readOrigin } from '../../images/origin.ts';
import { SUITE } from '../../images/root.ts';
import { CLUSTER_HELP, CLUSTER_OPTIONS, FIELD_MANAGER, nameOf, onCluster } from '../cluster.ts';
import { type Command, text, UsageError, untilInterrupted, type Values } from '../command.ts';

const FORMATS = ['raw', 'qcow2', 'tar'] as const;
const ARCHITECTURES = ['x86_64', 'aarch64'] as const;
const BOOT_MODES = ['BIOS', 'UEFI'] as const;
/** The agent puts a boot loader beside it, for what such machines have. */
const BOOT_MODES_OF_TAR = { x86_64: BOOT_MODES, aarch64: ['UEFI'] } as const;
const MIB = 1024 * 1024;

const help = `Usage: bmp image build FILE [options]
       bmp image add NAME URL [options]

build: a small Debian with cloud-init and sshd, which boots with BIOS and UEFI, for x86_64. Needs root, and ${BUILD_PROGRAMS.map(([, name]) => name).join(', ')}.
  --format FORMAT        ${FORMATS.join(', ')} (default raw)
  --compression HOW      none or zstd (default: as FILE's ending says)
  --suite NAME           of Debian (default ${SUITE})
  --mirror URL           where its packages are (default: Debian's own)

add: reads the file at a URL, computes its digest, looks what it is, and makes an Image of that name.
  --format FORMAT        ${FORMATS.join(', ')} (default: as its bytes say)
  --architecture NAME    ${ARCHITECTURES.join(' or ')} (default ${ARCHITECTURES[0]})
  --boot-modes LIST      ${BOOT_MODES.join(',')} (default: as its bytes say; of a tar, which gets a boot loader for each, all)
  --kernel-arguments TEXT  what the kernel of a tar is told, such as console=ttyS0
  --default-user NAME    who gets the SSH keys and the password (default root)
  --dry-run              print the Image, and make none
${CLUSTER_HELP}

Example: bmp image build debian.raw.zst
         bmp image add debian-12 http://images.example/debian.raw.zst --default-user debian`;

/** @throws UsageError */
function oneOf<T extends string>(values: Values, name: string, allowed: readonly T[]): T | undefined {
  const value = text(values, name);
  if (value === undefined) return undefined;
  const found = allowed.find((one) => one === value);
  if (found === undefined) throw new UsageError(`--${name} takes ${allowed.join(' or ')}, not "${value}"`);
  return found;
}

function bootModesIn(values: Values): readonly string[] | undefined {
  const list = text(values, 'boot-modes')?.split(',');
  const wrong = list?.find((mode) => !BOOT_MODES.some((known) => known === mode));
  if (wrong !== undefined) throw new UsageError(`--boot-modes takes ${BOOT_MODES.join(',')}, not "${wrong}"`);
  return list;
}

async function build(values: Values, file: string): Promise<number> {
  const format: ImageFormat = oneOf(values, 'format', FORMATS) ?? 'raw';
  const named: ImageCompression = /\.zst(d)?$/.test(file) ? 'zstd' : 'none';
  const compression = oneOf(values, 'compression', ['none', 'zstd'] as const) ?? named;
  const [built] = await buildImages({
    suite: text(values, 'suite') ?? SUITE,
    mirror: text(values, 'mirror'),
    outputs: [{ file, format, compression, version: basename(file) }],
    say: (line) => console.log(line),
  });
  console.log(`${(built!.bytes / MIB).toFixed(0)} MiB, sha256 ${built!.sha256}`);
  return 0;
}

async function add(values: Values, name: string, url: string): Promise<number> {
  if (!/^https?:$/.test(URL.parse(url)?.protocol ?? '')) throw new UsageError(`takes an http(s) URL, not "${url}"`);
  const asked = { format: oneOf(values, 'format', FORMATS), bootModes: bootModesIn(values) };
  const architecture = oneOf(values, 'architecture', ARCHITECTURES) ?? ARCHITECTURES[0];
  const seen = await inspectImage(readOrigin(url, untilInterrupted().signal));
  const format = asked.format ?? seen.format;
  if (format === undefined) throw new UsageError('cannot look into what is packed as xz: say --format');
  const bootModes = asked.bootModes ?? (format === 'tar' ? BOOT_MODES_OF_TAR[architecture] : seen.bootModes);
  const kernelArguments = text(values, 'kernel-arguments');
  if (bootModes.length === 0) throw new UsageError(`cannot tell how a ${format} image boots: say --boot-modes`);
  const image = {
    apiVersion: API_VERSION,
    kind: 'Image',
    metadata: { name },
    spec: {
      url,
      sha256: seen.sha256,
      format,
      compression: seen.compression,
      architecture,
      bootModes: bootModes as ('BIOS' | 'UEFI')[],
      defaultUser: text(values, 'default-user') ?? 'root',
      ...(kernelArguments !== undefined && { kernelArguments }),
    },
  };
  if (values['dry-run'] === true) {
    console.log(dump(image, { lineWidth: 120 }).trimEnd());
    return 0;
  }
  return onCluster(values, async ({ client }) => {
    console.log(`${nameOf(await client.create(IMAGES, image, { fieldManager: FIELD_MANAGER }))} created`);
    return 0;
  });
}

export const image: Command = {
  name: 'image',
  summary: 'build a small Debian to install, or make an Image of a file at a URL',
  help,
  options: {
    ...CLUSTER_OPTIONS,
    format: { type: 'string' },
    compression: { type: 'string' },
    suite: { type: 'string' },
    mirror: { type: 'string' },
    architecture: { type: 'string' },
    'boot-modes': { type: 'string' },
    'kernel-arguments': { type: 'string' },
    'default-user': { type: 'string' },
    'dry-run': { type: 'boolean' },
  },
  words: ['build', 'add'],
  operands: { least: 2, most: 3 },
  async run(values, _startOperator, [verb, first, second]) {
    if (verb === 'build' && second === undefined) return build(values, first!);
    if (verb === 'add' && second !== undefined) return add(values, first!, second);
    throw new UsageError('takes "build FILE" or "add NAME URL"');
  },
};
