// Builds the live OS: a Debian kernel, and an initramfs of busybox, a few of Debian's tools, Node and the agent.
//
//   npm run liveos -- --out DIR [--form small|full] [--cache DIR] [--tools DIR] [--verify]
//
// DIR gets vmlinuz, initrd, both of them as a disc (media.iso), iPXE for each firmware, and manifest.json, which names the
// packages that went in and the digests. The same
// packages, Node and agent give the same initrd, byte for byte. Nothing is installed on this machine; root is not needed.
import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import {
  chmod,
  copyFile,
  cp,
  glob,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rename,
  rm,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { stripTypeScriptTypes } from 'node:module';
import { arch, tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { parseArgs } from 'node:util';
import { constants, createZstdCompress } from 'node:zlib';
import { run } from '../../agent/linux/command.ts';
import { BOOT_FILES } from '../dhcp/config.ts';
import { MEDIA_FILE } from '../media.ts';
import { cpioArchive } from './cpio.ts';
import { makeIso } from './iso.ts';
import { putLoaders } from './loaders.ts';
import { MODULES, withDependencies } from './modules.ts';
import { closure, dependencyLike, unpack } from './packages.ts';
import { putTools } from './tools.ts';

export type Form = keyof typeof MODULES;

export interface LiveOSOptions {
  readonly out: string;
  /** Packages once fetched are not fetched again. */
  readonly cache: string;
  /** `small` for virtual machines, `full` for hardware. */
  readonly form: Form;
  /** Where the programs of RAID controllers' vendors are. */
  readonly tools?: string | undefined;
  readonly say: (line: string) => void;
}

export interface LiveOSManifest {
  readonly form: Form;
  readonly node: string;
  readonly kernel: string;
  /** File names, which tell the versions. */
  readonly packages: readonly string[];
  /** Programs of RAID controllers' vendors. */
  readonly tools: readonly string[];
  /** SHA-256 of each file, hex. */
  readonly digests: Readonly<Record<string, string>>;
}

const DEBIAN_ARCH = arch() === 'arm64' ? 'arm64' : 'amd64';
const KERNELS = { small: `linux-image-cloud-${DEBIAN_ARCH}`, full: `linux-image-${DEBIAN_ARCH}` } as const;
const TOOLS = {
  small: ['libstdc++6', 'libgcc-s1', 'fdisk', 'dosfstools', 'e2fsprogs', 'xfsprogs', 'mdadm', 'tar', 'xz-utils'],
  full: [
    'libstdc++6',
    'libgcc-s1',
    'fdisk',
    'dosfstools',
    'nvme-cli',
    'hdparm',
    'mdadm',
    'lldpd',
    'ipmitool',
    'e2fsprogs',
    'xfsprogs',
    'tar',
    'xz-utils',
  ],
} as const;
/** Of a package, what the live OS has no use for. */
const LEFT_OUT = [
  'usr/share',
  'usr/include',
  'usr/games',
  'var',
  'etc/init.d',
  'etc/cron.d',
  'usr/lib/systemd',
  'lib/systemd',
];
/** As small as it gets before it takes minutes. */
const ZSTD_LEVEL = 9;
const SOURCE = join(import.meta.dirname, '../../..');
/** What the agent is made of. */
const AGENT = [
  'lib/agent/**/*.ts',
  'lib/provision/protocol.ts',
  'lib/provision/volumes/partitions.ts',
  'lib/provision/volumes/system-partitions.ts',
  'lib/observe/log.ts',
];

/** @throws when a package cannot be had or a tool is missing; `out` then holds what it held before. */
export async function buildLiveOS({ out, cache, form, tools, say }: LiveOSOptions): Promise<LiveOSManifest> {
  const work = await mkdtemp(join(tmpdir(), 'bmp-liveos-'));
  try {
    const root = join(work, 'root');
    const kernelTree = join(work, 'kernel');
    const busybox = join(work, 'busybox');
    const kernelPackage = await dependencyLike(KERNELS[form], 'linux-image-');
    say(`kernel ${kernelPackage}`);
    const packages = [
      ...(await unpack([kernelPackage], cache, kernelTree)),
      ...(await unpack(['busybox-static'], cache, busybox)),
      ...(await unpack(await withoutKernel(TOOLS[form]), cache, join(work, 'tools'))),
    ];
    say(`${packages.length} packages unpacked`);
    await layOut(join(work, 'tools'), root);
    await copyFile(join(busybox, 'bin/busybox'), join(root, 'usr/bin/busybox'));
    await putModules(kernelTree, join(busybox, 'bin/busybox'), root, form);
    await run('strip', ['-o', join(root, 'usr/bin/node'), process.execPath]);
    await putAgent(root);
    await putLoaders(root);
    const vendorTools = tools === undefined ? [] : await putTools(tools, root);
    if (form === 'full') say(`RAID controllers: ${vendorTools.join(', ') || 'no vendor’s program, see --tools'}`);
    say('packing');
    await mkdir(out, { recursive: true });
    await pipeline(
      cpioArchive(root),
      createZstdCompress({ params: { [constants.ZSTD_c_compressionLevel]: ZSTD_LEVEL } }),
      createWriteStream(join(work, 'initrd')),
    );
    await copyFile(join(kernelTree, 'boot', await only(join(kernelTree, 'boot'), 'vmlinuz-')), join(work, 'vmlinuz'));
    const files = ['vmlinuz', 'initrd', ...(await putIpxe(cache, work))];
    if (DEBIAN_ARCH === 'amd64') {
      await makeIso({ from: work, file: join(work, MEDIA_FILE), work, cache });
      files.push(MEDIA_FILE);
    }
    const digests: Record<string, string> = {};
    for (const file of files) digests[file] = await sha256(join(work, file));
    const manifest = { form, node: process.version, kernel: kernelPackage, packages, tools: vendorTools, digests };
    await writeFile(join(work, 'manifest.json'), `${JSON.stringify(manifest, undefined, 2)}\n`);
    for (const file of [...files, 'manifest.json']) await putInPlace(join(work, file), join(out, file));
    return manifest;
  } finally {
    await rm(work, { recursive: true });
  }
}

/**
 * A tool may name a kernel or an initramfs builder among what it needs; the live OS is one, and has its own. What xfsprogs
 * takes ICU for, a check of file names, is not for here, and would be the largest part of all.
 */
async function withoutKernel(tools: readonly string[]): Promise<string[]> {
  return (await closure(tools)).filter(
    (name) => !/^(linux-|initramfs|systemd|udev|dpkg$|perl|python|libicu|init$)/.test(name),
  );
}

/** What firmware boots over HTTP, and over TFTP where this folder is served by it; what Debian has of it. */
async function putIpxe(cache: string, work: string): Promise<string[]> {
  const tree = join(work, 'ipxe');
  await unpack(['ipxe'], cache, tree);
  const there = new Set(await readdir(join(tree, 'usr/lib/ipxe')));
  const files = Object.values(BOOT_FILES).filter((name) => there.has(name));
  for (const file of files) await copyFile(join(tree, 'usr/lib/ipxe', file), join(work, file));
  return files;
}

/** The usual root with bin, sbin and lib merged into usr, as Debian has it. */
async function layOut(tools: string, root: string): Promise<void> {
  for (const folder of [
    'usr/bin',
    'usr/sbin',
    'usr/lib',
    'usr/lib64',
    'etc',
    'dev',
    'proc',
    'sys',
    'run',
    'tmp',
    'root',
  ]) {
    await mkdir(join(root, folder), { recursive: true });
  }
  for (const left of LEFT_OUT) await rm(join(tools, left), { recursive: true, force: true });
  for (const merged of ['bin', 'sbin', 'lib', 'lib64']) {
    const folder = join(tools, merged);
    if ((await readdir(tools)).includes(merged))
      await cp(folder, join(root, 'usr', merged), { recursive: true, verbatimSymlinks: true });
    await rm(folder, { recursive: true, force: true });
    await symlink(`usr/${merged}`, join(root, merged));
  }
  await cp(tools, root, { recursive: true, verbatimSymlinks: true });
}

async function putModules(kernelTree: string, busybox: string, root: string, form: Form): Promise<void> {
  const version = await only(join(kernelTree, 'lib/modules'), '');
  const from = join(kernelTree, 'lib/modules', version);
  const to = join(root, 'usr/lib/modules', version);
  await run(busybox, ['depmod', '-b', kernelTree, version]);
  const wanted = withDependencies(await readFile(join(from, 'modules.dep'), 'utf8'), MODULES[form]);
  for (const module of wanted) {
    await mkdir(join(to, dirname(module)), { recursive: true });
    await copyFile(join(from, module), join(to, module));
  }
  for (const file of ['modules.builtin', 'modules.builtin.modinfo', 'modules.order']) {
    await copyFile(join(from, file), join(to, file));
  }
  await run(busybox, ['depmod', '-b', root, version]);
}

/** As JavaScript: taking the types away takes Node longer than all else until the agent runs. */
async function putAgent(root: string): Promise<void> {
  const home = join(root, 'usr/lib/bmp');
  for await (const file of glob(AGENT, { cwd: SOURCE })) {
    if (file.endsWith('.test.ts')) continue;
    const script = join(home, javaScriptName(file));
    await mkdir(dirname(script), { recursive: true });
    await writeFile(script, javaScript(await readFile(join(SOURCE, file), 'utf8')));
  }
  await writeFile(join(home, 'package.json'), '{"type":"module"}\n');
  for (const [file, place] of [
    ['init', 'init'],
    ['udhcpc', 'usr/lib/bmp/udhcpc'],
  ] as const) {
    await copyFile(join(import.meta.dirname, 'files', file), join(root, place));
    await chmod(join(root, place), 0o755);
  }
}

const javaScriptName = (file: string) => file.replace(/\.ts$/, '.js');

function javaScript(source: string): string {
  return stripTypeScriptTypes(source).replaceAll(/(\bfrom '\.[^']*)\.ts'/g, "$1.js'");
}

async function only(folder: string, prefix: string): Promise<string> {
  const found = (await readdir(folder)).filter((name) => name.startsWith(prefix));
  if (found.length !== 1) throw new Error(`${folder} holds ${found.length} of ${prefix}…, not one`);
  return found[0]!;
}

async function sha256(file: string): Promise<string> {
  const digest = createHash('sha256');
  await pipeline(createReadStream(file), digest);
  return digest.digest('hex');
}

/** Whoever serves the old file goes on with it, and never sees half of a new one. */
async function putInPlace(file: string, place: string): Promise<void> {
  const draft = join(dirname(place), `.${basename(place)}.new`);
  await copyFile(file, draft);
  await rename(draft, place);
}

/** Builds it once more, elsewhere. Gives the files of `out` that are others than the same build makes: none, where all is well. */
export async function verifyLiveOS({ out, ...how }: Omit<LiveOSOptions, 'form'>): Promise<string[]> {
  const { form } = JSON.parse(await readFile(join(out, 'manifest.json'), 'utf8')) as LiveOSManifest;
  const again = await mkdtemp(join(tmpdir(), 'bmp-liveos-again-'));
  try {
    const { digests } = await buildLiveOS({ ...how, form, out: again });
    const files = ['manifest.json', ...Object.keys(digests)];
    const differ = await Promise.all(
      files.map(async (file) => (await sha256(join(out, file))) !== (await sha256(join(again, file)))),
    );
    return files.filter((_, index) => differ[index]);
  } finally {
    await rm(again, { recursive: true });
  }
}

const USAGE = `Usage: npm run liveos -- --out DIR [--form small|full] [--cache DIR] [--tools DIR] [--verify]

  --out DIR      where it goes
  --form NAME    small for virtual machines (default), full for hardware
  --cache DIR    packages that were fetched before
  --tools DIR    programs of RAID controllers' vendors
  --verify       build what is in DIR once more, elsewhere, and say whether it is the same, byte for byte`;

if (import.meta.main) {
  const { values } = parseArgs({
    options: {
      out: { type: 'string' },
      form: { type: 'string', default: 'small' },
      cache: { type: 'string', default: join(tmpdir(), 'bmp-packages') },
      tools: { type: 'string' },
      verify: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  const { out, form, cache, tools, verify, help } = values;
  if (help) {
    console.log(USAGE);
    process.exit(0);
  }
  if (out === undefined || (form !== 'small' && form !== 'full')) {
    console.error(USAGE);
    process.exit(2);
  }
  const say = (line: string) => console.log(line);
  if (verify) {
    const others = await verifyLiveOS({ out, cache, tools, say });
    say(others.length === 0 ? `${out} is what this builds, byte for byte` : `not the same: ${others.join(', ')}`);
    process.exitCode = others.length === 0 ? 0 : 1;
  } else {
    const manifest = await buildLiveOS({ out, form, cache, tools, say });
    say(`${out}: ${JSON.stringify(manifest.digests)}`);
  }
}
