// test-deadline: 1800
// test-slow
// The live OS on a virtual machine: built from Debian's packages, booted by QEMU, its agent at work on real block devices.
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import {
  appendFile,
  copyFile,
  cp,
  mkdir,
  mkdtemp,
  open,
  readFile,
  rm,
  stat,
  truncate,
  writeFile,
} from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { gzipSync } from 'node:zlib';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { agentArguments } from '../../agent/arguments.ts';
import { run } from '../../agent/linux/command.ts';
import type { Log } from '../../observe/log.ts';
import type { Inventory, Task } from '../../provision/protocol.ts';
import { guidOf } from '../../provision/volumes/partitions.ts';
import { ScriptedController } from '../../sim/scripted-controller.ts';
import { peerTest } from '../../testing/peers.ts';
import { seedFiles } from '../seed.ts';
import { buildLiveOS, type LiveOSManifest, verifyLiveOS } from './build.ts';
import { cpioArchive } from './cpio.ts';

const qemu = peerTest('qemu-system-x86_64', 'qemu-system-x86');
const MIB = 1024 * 1024;
const MAC = '52:54:00:aa:00:01';
const SERIAL = 'QEMU-BOX-1';
const ROOT_DISK = 'VIRTIO-0';
const SCRATCH_DISK = 'SCSI-0';
/** The least that XFS takes, and a little. */
const DISK_BYTES = 352 * MIB;
/** QEMU's user network: how the guest calls its host. */
const HOST = '10.0.2.2';
const cache = join(tmpdir(), 'bmp-packages');
const silent = () => undefined;
const log: Log = { debug: silent, info: silent, warn: silent, error: silent };

async function withFolder(work: (dir: string) => Promise<void>): Promise<void> {
  const dir = await mkdtemp(join(tmpdir(), 'bmp-qemu-'));
  try {
    await work(dir);
  } finally {
    await rm(dir, { recursive: true });
  }
}

interface LiveOS {
  readonly kernel: string;
  readonly initrd: string;
  readonly manifest: LiveOSManifest;
}

let built: Promise<LiveOS> | undefined;

/** Built once for all tests here: it takes a while. Gone with the process. */
function liveOS(): Promise<LiveOS> {
  const build = async () => {
    const out = await mkdtemp(join(tmpdir(), 'bmp-liveos-'));
    process.on('exit', () => rmSync(out, { recursive: true }));
    const manifest = await buildLiveOS({ out, cache, form: 'small', say: silent });
    return { kernel: join(out, 'vmlinuz'), initrd: join(out, 'initrd'), manifest };
  };
  built ??= build();
  return built;
}

interface Guest {
  /** Resolves when a line of the console matches. Rejects, with the console's end, when the machine ends before. */
  says(pattern: RegExp): Promise<string>;
  end(): Promise<void>;
}

/** A machine with a virtio and a SCSI disk; the disks are files root.img and scratch.img in the folder. */
async function startGuest(
  dir: string,
  { kernel, initrd }: { kernel: string; initrd: string },
  kernelArguments: string,
): Promise<Guest> {
  for (const disk of ['root.img', 'scratch.img']) {
    await writeFile(join(dir, disk), '');
    await truncate(join(dir, disk), DISK_BYTES);
  }
  const child = spawn(
    'qemu-system-x86_64',
    [
      '-accel tcg -cpu max -m 768 -nodefaults -no-user-config -display none -no-reboot -serial stdio'.split(' '),
      ['-kernel', kernel, '-initrd', initrd, '-append', `console=ttyS0 quiet ${kernelArguments}`],
      ['-smbios', `type=1,manufacturer=Lab,product=Box,serial=${SERIAL}`],
      ['-netdev', 'user,id=n0', '-device', `virtio-net-pci,netdev=n0,mac=${MAC},romfile=`],
      ['-drive', `if=none,id=d0,file=${join(dir, 'root.img')},format=raw`],
      ['-device', `virtio-blk-pci,drive=d0,serial=${ROOT_DISK}`],
      ['-device', 'virtio-scsi-pci', '-drive', `if=none,id=d1,file=${join(dir, 'scratch.img')},format=raw`],
      ['-device', `scsi-hd,drive=d1,serial=${SCRATCH_DISK},wwn=0x5000c50015ea71ac`],
    ].flat(),
    { stdio: ['ignore', 'pipe', 'pipe'] },
  );
  const lines: string[] = [];
  const seen: { pattern: RegExp; resolve: (line: string) => void; reject: (error: Error) => void }[] = [];
  let ended = false;
  const fail = () => new Error(`the machine has ended; its console:\n${lines.slice(-40).join('\n')}`);
  for (const stream of [child.stdout, child.stderr]) {
    createInterface({ input: stream }).on('line', (line) => {
      lines.push(line);
      for (const each of seen.splice(0)) {
        if (each.pattern.test(line)) each.resolve(line);
        else seen.push(each);
      }
    });
  }
  child.on('close', () => {
    ended = true;
    for (const each of seen.splice(0)) each.reject(fail());
  });
  return {
    says(pattern) {
      const line = lines.find((each) => pattern.test(each));
      if (line !== undefined) return Promise.resolve(line);
      if (ended) return Promise.reject(fail());
      return new Promise((resolve, reject) => seen.push({ pattern, resolve, reject }));
    },
    async end() {
      if (ended) return;
      child.kill('SIGKILL');
      await once(child, 'close');
    },
  };
}

/** A whole disk with a table and an ext4 root that has an /etc/shadow. */
async function buildDiskImage(dir: string): Promise<Buffer> {
  const tree = join(dir, 'tree');
  await mkdir(join(tree, 'etc'), { recursive: true });
  // As far as the agent looks for it.
  await mkdir(join(tree, 'usr/sbin'), { recursive: true });
  await writeFile(join(tree, 'usr/sbin/mdadm'), '');
  await writeFile(join(tree, 'etc/shadow'), 'root:*:19000:0:99999:7:::\ndebian:!:19000:0:99999:7:::\n');
  const [disk, part] = [join(dir, 'disk.raw'), join(dir, 'part.raw')];
  await writeFile(part, '');
  await truncate(part, 16 * MIB);
  await run('mke2fs', ['-q', '-t', 'ext4', '-d', tree, part]);
  await writeFile(disk, '');
  await truncate(disk, MIB);
  await appendFile(disk, await readFile(part));
  await truncate(disk, 18 * MIB);
  await run('sfdisk', ['--quiet', disk], { input: 'label: gpt\nstart=2048, size=32768, type=L\n' });
  return readFile(disk);
}

async function contains(file: string, text: string): Promise<boolean> {
  return (await readFile(file)).includes(text);
}

qemu('the same packages make the same live OS, byte for byte; what is not the same is named', () =>
  withFolder(async (dir) => {
    const { manifest, initrd } = await liveOS();
    const out = dirname(initrd);
    assert.equal(await verifyLiveOS({ out, cache, say: silent }), []);
    const bytes = await readFile(initrd);
    assert.is(createHash('sha256').update(bytes).digest('hex'), manifest.digests.initrd);
    assert.ok(bytes.length < 64 * MIB);
    await cp(out, dir, { recursive: true });
    await appendFile(join(dir, 'vmlinuz'), 'x');
    assert.equal(await verifyLiveOS({ out: dir, cache, say: silent }), ['vmlinuz']);
  }),
);

qemu('Linux does what every implementation of the hardware interface must do', () =>
  withFolder(async (dir) => {
    const live = await liveOS();
    // A later archive's files take the place of an earlier one's: here the cases, in the place of the agent's main.
    const home = join(dir, 'overlay/usr/lib/bmp/lib/agent/linux');
    await mkdir(home, { recursive: true });
    await writeFile(
      join(home, 'main.js'),
      `import { CONFORMANCE } from '../conformance.js';
       import { linuxHardware } from './hardware.js';
       const disks = ['${SCRATCH_DISK}', '${ROOT_DISK}'];
       for (const serial of disks) for (const { name, run } of CONFORMANCE) {
         const other = disks.find((disk) => disk !== serial);
         const said = await run(linuxHardware(), serial, other).then(() => 'ok', (error) => 'FAILED ' + error.stack.replaceAll('\\n', ' '));
         console.log('CASE ' + serial + ' ' + name + ': ' + said);
       }
       console.log('CASES DONE');`,
    );
    const initrd = join(dir, 'both');
    await copyFile(live.initrd, initrd);
    await truncate(initrd, Math.ceil((await stat(initrd)).size / 4) * 4);
    for await (const piece of cpioArchive(join(dir, 'overlay'))) await appendFile(initrd, piece);
    const guest = await startGuest(dir, { kernel: live.kernel, initrd }, '');
    try {
      const failed = guest.says(/CASE .*: FAILED/).then((line) => assert.unreachable(line));
      await Promise.race([guest.says(/CASES DONE/), failed]);
      // It rejects when the machine ends, which is now.
      failed.catch(silent);
    } finally {
      await guest.end();
    }
  }),
);

qemu('the agent collects, writes an image, its seed and a password, and wipes, on a machine that Linux runs', () =>
  withFolder(async (dir) => {
    const live = await liveOS();
    const file = gzipSync(await buildDiskImage(dir));
    const server = createServer((_request, response) => response.end(file));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const controller = new ScriptedController({ name: 'box', serialNumber: SERIAL, bootMACAddress: MAC }, log);
    controller.reportAfterMs = 500;
    let guest: Guest | undefined;
    try {
      const api = await controller.start();
      const imageUrl = `http://${HOST}:${(server.address() as AddressInfo).port}/disk.raw.gz`;
      const sha256 = createHash('sha256').update(file).digest('hex');
      const diskSerialNumber = ROOT_DISK;
      const files = seedFiles({
        instanceUID: controller.instanceUID,
        hostname: 'qemu-1',
        sshAuthorizedKeys: [],
        defaultUser: 'debian',
        report: controller.seedReport(),
      });
      const image = { url: imageUrl, sha256, format: 'raw', compression: 'gzip' } as const;
      const partition = { id: guidOf('srv'), fileSystem: 'xfs' } as const;
      const volumes = [{ name: 'data', diskSerialNumber: SCRATCH_DISK, partitions: [partition] }];
      const mounts = [{ ...partition, mountPoint: '/srv' }];
      const tasks: Task[] = [
        { id: 'op-1/collect/1', kind: 'collect' },
        { id: 'op-1/image/1', kind: 'write-image', diskSerialNumber, image },
        { id: 'op-1/seed/1', kind: 'write-seed', diskSerialNumber, files },
        { id: 'op-1/seed/2', kind: 'write-seed', diskSerialNumber, files },
        { id: 'op-1/volumes/1', kind: 'prepare-volumes', diskSerialNumber, volumes, mounts },
        { id: 'op-1/password/1', kind: 'set-password', diskSerialNumber, user: 'debian', passwordHash: '$6$salt$new' },
      ];
      controller.expectBoot('op-1', tasks);
      const script = await (await fetch(`${api.bootUrl}/boot/v1/${MAC}`)).text();
      const line = script.split('\n').find((each) => each.startsWith('kernel '))!;
      assert.ok(agentArguments(line));
      const words = line.split(' ').filter((word) => /^(bmp\.|BOOTIF=)/.test(word));
      guest = await startGuest(dir, live, words.join(' ').replace('127.0.0.1', HOST));
      const over = guest.says(/a line that nothing says/);
      const until = (count: number) => Promise.race([controller.until(({ ended }) => ended.length >= count), over]);
      await until(6);
      assert.equal(
        controller.status.ended.map(({ id, state, error }) => `${id} ${state} ${error?.message ?? ''}`.trim()),
        tasks.map(({ id }) => `${id} succeeded`),
      );
      const inventory = controller.status.ended[0]!.result as Inventory;
      assert.equal([inventory.serialNumber, inventory.model, inventory.bootMode], [SERIAL, 'Box', 'BIOS']);
      assert.equal(inventory.macAddresses, [MAC]);
      assert.equal(
        inventory.disks.map(({ name, serialNumber, wwn, hctl, sizeBytes, transport }) => [
          name,
          serialNumber,
          wwn,
          hctl,
          sizeBytes,
          transport,
        ]),
        [
          ['sda', SCRATCH_DISK, '0x5000c50015ea71ac', '0:0:0:0', DISK_BYTES, 'sas'],
          ['vda', ROOT_DISK, undefined, undefined, DISK_BYTES, 'virtio'],
        ],
      );
      assert.is(inventory.memory.totalBytes, 768 * MIB);
      const root = join(dir, 'root.img');
      assert.ok(await contains(root, 'debian:$6$salt$new:'));
      assert.ok(await contains(root, 'local-hostname: qemu-1'));
      assert.ok(await contains(root, `PARTUUID=${partition.id} /srv xfs `));
      const scratch = join(dir, 'scratch.img');
      assert.ok(await contains(scratch, 'XFSB'));
      const starts = async (file: string) => (await run('sfdisk', ['--dump', file])).match(/start=/g)?.length;
      assert.is(await starts(root), 2, 'the second seed found the first one’s partition');

      const disks = [ROOT_DISK, SCRATCH_DISK];
      const id = '0123456789abcdef0123456789abcdef';
      const mirror = { id, name: 'root', level: 'RAID1', disks, boots: true, keep: false } as const;
      tasks.push(
        { id: 'op-1/raid/1', kind: 'configure-raid', arrays: [mirror] },
        { id: 'op-1/raid/2', kind: 'configure-raid', arrays: [{ ...mirror, keep: true }] },
        { id: 'op-1/image/2', kind: 'write-image', diskSerialNumber: id, image },
        { id: 'op-1/seed/3', kind: 'write-seed', diskSerialNumber: id, files },
      );
      controller.reconcile();
      await until(10);
      assert.equal(
        controller.status.ended.slice(6).flatMap(({ error }) => error ?? []),
        [],
      );
      assert.equal([await starts(root), await starts(scratch)], [2, 2], 'the firmware may boot from either disk');
      assert.ok(await contains(scratch, 'local-hostname: qemu-1'));

      tasks.push({ id: 'op-1/wipe/1', kind: 'wipe', diskSerialNumbers: disks });
      controller.reconcile();
      await until(11);
      assert.is(controller.status.ended[10]!.error, undefined);
      const disk = await open(root);
      const { buffer } = await disk.read(Buffer.alloc(DISK_BYTES), 0, DISK_BYTES, 0);
      await disk.close();
      assert.ok(buffer.equals(Buffer.alloc(DISK_BYTES)));
      controller.mailbox.endSession('box');
      await guest.says(/waiting for the power switch/);
      over.catch(silent);
    } finally {
      await guest?.end();
      await controller.stop();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    }
  }),
);

test.run();
