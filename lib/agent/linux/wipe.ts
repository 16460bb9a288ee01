// Wiping: by the disk's own command where it has one, else by writing zeros everywhere; and in either case looking.
import { randomInt } from 'node:crypto';
import type { DiskFacts, WipeRecord } from '../../provision/protocol.ts';
import { AgentError } from '../errors.ts';
import type { Percent } from '../hardware.ts';
import { readDevice, writeDevice } from './block-device.ts';
import { CommandError, run, runIfInstalled } from './command.ts';

const SAMPLE_BYTES = 64 * 1024;
const RANDOM_SAMPLES = 256;
const ZEROS = Buffer.alloc(4 * 1024 * 1024);
/** Share of overwriting in the whole; the rest is looking. */
const OVERWRITTEN_PERCENT = 95;

/** Destroys everything on the disk. @throws AgentError WipeNotVerified when something is left. */
export async function wipeDisk(
  disk: DiskFacts & { readonly path: string },
  progress: Percent,
  signal: AbortSignal,
): Promise<WipeRecord> {
  const { path, serialNumber, sizeBytes: bytes } = disk;
  const own = disk.transport === 'nvme' ? await formatNvme(path, signal) : await eraseAta(path, disk, signal);
  // A disk that says it has erased itself, and has not, is overwritten.
  const samples = own ? await countEmpty(disk, signal) : undefined;
  if (own && samples !== undefined) return { serialNumber, method: own, bytes, samplesVerified: samples };
  await writeDevice(
    path,
    0,
    zeros(bytes, (done) => progress((done / bytes) * OVERWRITTEN_PERCENT)),
    signal,
  );
  const samplesVerified = await countEmpty(disk, signal);
  if (samplesVerified === undefined) throw new AgentError('WipeNotVerified', `disk ${serialNumber} is not empty`);
  await run('blockdev', ['--rereadpt', path], { signal });
  return { serialNumber, method: 'overwrite', bytes, samplesVerified };
}

/** NVM Express base specification, Format NVM with Secure Erase Settings 1 (user data). */
async function formatNvme(path: string, signal: AbortSignal): Promise<'nvme-format' | undefined> {
  return tool(() => runIfInstalled('nvme', ['format', path, '--ses=1', '--force'], { signal }), 'nvme-format');
}

/** ACS-4, SECURITY ERASE UNIT: only where the disk knows it, is not frozen by the firmware and has no password yet. */
async function eraseAta(path: string, disk: DiskFacts, signal: AbortSignal): Promise<'ata-secure-erase' | undefined> {
  if (disk.transport !== 'sata') return undefined;
  const features = await runIfInstalled('hdparm', ['-I', path], { signal });
  const security = /^Security:[\s\S]*?(?=^\S)/m.exec(features ?? '')?.[0] ?? '';
  const able = /^\s+supported$/m.test(security) && /not\s+frozen/.test(security) && /not\s+enabled/.test(security);
  if (!able) return undefined;
  return tool(async () => {
    // The password lives from one command to the next; a power cut between them leaves it known.
    await run('hdparm', ['--user-master', 'u', '--security-set-pass', 'bmp', path], { signal });
    return run('hdparm', ['--user-master', 'u', '--security-erase', 'bmp', path], { signal });
  }, 'ata-secure-erase');
}

/** The method, or undefined where the tool is not there or the disk refuses: then there is the other way. */
async function tool<M extends WipeRecord['method']>(
  work: () => Promise<string | undefined>,
  method: M,
): Promise<M | undefined> {
  try {
    return (await work()) === undefined ? undefined : method;
  } catch (error) {
    if (error instanceof CommandError) return undefined;
    throw error;
  }
}

async function* zeros(bytes: number, wrote: (done: number) => void): AsyncGenerator<Uint8Array> {
  for (let done = 0; done < bytes; ) {
    const part = ZEROS.subarray(0, Math.min(ZEROS.length, bytes - done));
    yield part;
    done += part.length;
    wrote(done);
  }
}

/** How many places were read and found empty: both ends, where tables are, and many at random; undefined when one was not. */
async function countEmpty(
  { path, sizeBytes }: DiskFacts & { readonly path: string },
  signal: AbortSignal,
): Promise<number | undefined> {
  const last = Math.max(0, sizeBytes - SAMPLE_BYTES);
  const places = [0, last, ...Array.from({ length: RANDOM_SAMPLES }, () => randomInt(0, last + 1))];
  for (const place of places) {
    const bytes = Math.min(SAMPLE_BYTES, sizeBytes - place);
    for await (const chunk of readDevice(path, place, bytes, signal)) {
      if (!ZEROS.subarray(0, chunk.length).equals(chunk)) return undefined;
    }
  }
  return places.length;
}
