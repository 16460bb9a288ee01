// The ways in which disks erase themselves, by the tools of Linux; and writing zeros for all others.
//
// Source: NVM Express Base Specification 2.0, "Identify Controller" (SANICAP), "Sanitize Status" (log page 81h), "Format NVM";
// ACS-4, "SECURITY ERASE UNIT".
import { setTimeout as delay } from 'node:timers/promises';
import type { OwnErasure, WipeableDisk } from '../wiping.ts';
import { readDevice, writeDevice } from './block-device.ts';
import { CommandError, run, runIfInstalled } from './command.ts';
import type { Disk } from './disks.ts';
import { list, readNumber, resolved } from './sysfs.ts';

const ZEROS = Buffer.alloc(4 * 1024 * 1024);
const POLL_MS = 1000;

export function wipeableDisk(disk: Disk): WipeableDisk {
  const { path, name, serialNumber, sizeBytes, transport } = disk;
  return {
    serialNumber,
    sizeBytes,
    isReadOnly: async () => (await readNumber(`/sys/block/${name}/ro`)) === 1,
    // What a controller makes of a disk does not pass on what the disk could do by itself.
    erasures:
      disk.controller !== undefined
        ? []
        : transport === 'nvme'
          ? [sanitize(name), formatNvme(path)]
          : transport === 'sata'
            ? [eraseAta(path)]
            : [],
    async overwrite(progress, signal) {
      await writeDevice(
        path,
        0,
        zeros(sizeBytes, (done) => progress((done / sizeBytes) * 100)),
        signal,
      );
      await run('blockdev', ['--rereadpt', path], { signal });
    },
    read: (offset, bytes, signal) => readDevice(path, offset, bytes, signal),
  };
}

/** Block Erase of all that the controller has; only where that is this one disk. */
const sanitize = (name: string): OwnErasure => ({
  method: 'nvme-sanitize',
  async erase(progress, signal) {
    const controller = (await resolved(`/sys/block/${name}/device`))?.split('/').at(-1) ?? '';
    if (!/^nvme\d+$/.test(controller)) return false;
    const others = (await list('/sys/block')).filter((each) => each.startsWith(`${controller}n`));
    if (others.length !== 1) return false;
    const path = `/dev/${controller}`;
    return unlessRefused(async () => {
      const identity = await raw('nvme', ['id-ctrl', path, '--raw-binary'], signal);
      if (!identity || !canBlockErase(identity)) return false;
      await run('nvme', ['sanitize', path, '--sanact=2'], { signal });
      for (;;) {
        const page = await raw('nvme', ['get-log', path, '--log-id=0x81', '--log-len=512', '--raw-binary'], signal);
        const status = page ? sanitizeStatus(page) : { state: 'failed' as const, percent: 0 };
        if (status.state !== 'running') return status.state === 'done';
        progress(status.percent);
        await delay(POLL_MS, undefined, { signal });
      }
    });
  },
});

/** SANICAP, bytes 331:328: bit 1 is Block Erase. */
export const canBlockErase = (identity: Buffer): boolean =>
  identity.length >= 332 && (identity.readUInt32LE(328) & 2) !== 0;

/** Log page 81h: SPROG in bytes 1:0, in 65,536ths; SSTAT in bytes 3:2, of which bits 2:0 say how the last one ended. */
export function sanitizeStatus(page: Buffer): {
  readonly state: 'running' | 'done' | 'failed';
  readonly percent: number;
} {
  if (page.length < 4) return { state: 'failed', percent: 0 };
  const status = page.readUInt16LE(2) & 7;
  const percent = (page.readUInt16LE(0) / 0x1_0000) * 100;
  // 1: completed; 2: under way; 3: failed; 4: completed, and blocks were not all deallocated.
  if (status === 2) return { state: 'running', percent };
  return { state: status === 1 || status === 4 ? 'done' : 'failed', percent };
}

/** Secure Erase Settings 1: user data. */
const formatNvme = (path: string): OwnErasure => ({
  method: 'nvme-format',
  erase: (_progress, signal) =>
    unlessRefused(
      async () => (await runIfInstalled('nvme', ['format', path, '--ses=1', '--force'], { signal })) !== undefined,
    ),
});

/** Only where the disk knows it, is not frozen by the firmware and has no password yet. */
const eraseAta = (path: string): OwnErasure => ({
  method: 'ata-secure-erase',
  async erase(_progress, signal) {
    const features = await runIfInstalled('hdparm', ['-I', path], { signal });
    if (!canEraseItself(features ?? '')) return false;
    return unlessRefused(async () => {
      // The password lives from one command to the next; a power cut between them leaves it known.
      await run('hdparm', ['--user-master', 'u', '--security-set-pass', 'bmp', path], { signal });
      await run('hdparm', ['--user-master', 'u', '--security-erase', 'bmp', path], { signal });
      return true;
    });
  },
});

/** What hdparm -I says under "Security:". */
export function canEraseItself(features: string): boolean {
  const security = /^Security:[\s\S]*?(?=^\S|$(?![\s\S]))/m.exec(features)?.[0] ?? '';
  return /^\s+supported$/m.test(security) && /not\s+frozen/.test(security) && /not\s+enabled/.test(security);
}

/** False where the disk refuses: then there is another way. */
async function unlessRefused(work: () => Promise<boolean>): Promise<boolean> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof CommandError) return false;
    throw error;
  }
}

async function raw(command: string, args: readonly string[], signal: AbortSignal): Promise<Buffer | undefined> {
  const output = await runIfInstalled(command, args, { signal, encoding: 'latin1' });
  return output === undefined ? undefined : Buffer.from(output, 'latin1');
}

async function* zeros(bytes: number, wrote: (done: number) => void): AsyncGenerator<Uint8Array> {
  for (let done = 0; done < bytes; ) {
    const part = ZEROS.subarray(0, Math.min(ZEROS.length, bytes - done));
    yield part;
    done += part.length;
    wrote(done);
  }
}
