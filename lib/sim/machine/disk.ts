// A simulated disk, or an array of some: bytes that stay, read and written at any offset, and what a firmware makes of them.
import { createHash } from 'node:crypto';
import { AgentError } from '../../agent/errors.ts';
import type { SeedFiles } from '../../provision/protocol.ts';
import type { Mount } from '../../provision/volumes/partitions.ts';
import { type ImageHeader, readImageHeader, SECTOR_BYTES } from '../image.ts';
import { CHUNK_BYTES, type DiskRecord, type FleetStore } from '../store.ts';
import { BOOT_RECORD, type BootRecord, readBootRecord } from './boot-record.ts';

/** An image that is whole on a disk, and what was put beside it. */
export interface InstalledSystem {
  readonly image: string;
  readonly bytes: number;
  /** Of the whole image as it is on the disk, hex; of a tar, of that. */
  readonly sha256: string;
  readonly seed?: SeedFiles;
  /** Of volumes that it mounts. */
  readonly mounts?: readonly Mount[];
  /** User → crypt(5) hash. */
  readonly passwords: Readonly<Record<string, string>>;
}

type Checked = Pick<InstalledSystem, 'image' | 'bytes' | 'sha256'> | undefined;

/** Whether a content is a whole image is asked at each boot and is the same for all disks that hold it. */
const CHECKED_CONTENTS = 64;
const checked = new Map<string, Checked>();

/** What all disks and arrays tell of themselves. */
interface Facts {
  readonly serialNumber: string;
  readonly sizeBytes: number;
}

/** Where a chunk of it is kept: on these disks, on each at this position; of a disk, on itself. */
export interface Layout {
  /** Serial numbers. */
  readonly disks: readonly string[];
  places(position: number): readonly { readonly serialNumber: string; readonly position: number }[];
}

export class SimulatedDisk<F extends Facts = Facts> {
  readonly facts: F;
  readonly #store: FleetStore;
  readonly #layout: Layout;

  constructor(facts: F, store: FleetStore, layout?: Layout) {
    const { serialNumber } = facts;
    this.facts = facts;
    this.#store = store;
    this.#layout = layout ?? { disks: [serialNumber], places: (position) => [{ serialNumber, position }] };
  }

  /** Serial numbers of the disks that keep its content. */
  get disks(): readonly string[] {
    return this.#layout.disks;
  }

  /** `pace` is awaited before each chunk is put down; what it throws ends the writing. */
  async write(
    offset: number,
    source: AsyncIterable<Uint8Array>,
    pace: (bytes: number) => Promise<void>,
  ): Promise<number> {
    let at = offset;
    let chunk: Buffer | undefined;
    const put = async () => {
      if (!chunk) return;
      await pace(CHUNK_BYTES);
      for (const { serialNumber, position } of this.#layout.places(Math.floor((at - 1) / CHUNK_BYTES)))
        this.#store.writeChunk(serialNumber, position, chunk);
      chunk = undefined;
    };
    for await (const piece of source) {
      if (at + piece.length > this.facts.sizeBytes) {
        throw new AgentError('ImageTooLarge', `beyond the end of disk ${this.facts.serialNumber}`);
      }
      for (let done = 0; done < piece.length; ) {
        const start = at % CHUNK_BYTES;
        chunk ??= this.#chunkToChange(Math.floor(at / CHUNK_BYTES));
        const part = piece.subarray(done, done + CHUNK_BYTES - start);
        chunk.set(part, start);
        done += part.length;
        at += part.length;
        if (at % CHUNK_BYTES === 0) await put();
      }
    }
    await put();
    return at - offset;
  }

  *read(offset: number, bytes: number): Generator<Buffer> {
    for (let at = offset; at < offset + bytes; ) {
      const start = at % CHUNK_BYTES;
      const part = Math.min(CHUNK_BYTES - start, offset + bytes - at);
      yield this.#chunk(Math.floor(at / CHUNK_BYTES)).subarray(start, start + part);
      at += part;
    }
  }

  /** Everything gone, seed and passwords too. */
  erase(): void {
    for (const serialNumber of this.disks) this.#store.erase(serialNumber);
  }

  isEmpty(): boolean {
    return this.disks.every((serialNumber) => this.#store.chunksUsed(serialNumber) === 0);
  }

  putSeed(seed: SeedFiles): void {
    this.#save({ ...this.#record(), seed });
  }

  putMounts(mounts: readonly Mount[]): void {
    this.#save({ ...this.#record(), mounts });
  }

  putPassword(user: string, hash: string): void {
    const record = this.#record();
    this.#save({ ...record, passwords: { ...record.passwords, [user]: hash } });
  }

  /** Another system is about to be written: the last one's files are not this one's. */
  forgetSystem(): void {
    this.#save({ passwords: {} });
  }

  /** What a firmware would boot here; undefined unless a whole image is on the disk. */
  installed(): InstalledSystem | undefined {
    const image = this.#wholeImage();
    return image && { ...image, ...this.#record() };
  }

  #record(): DiskRecord {
    return this.#store.disk(this.disks[0]!);
  }

  #save(record: DiskRecord): void {
    for (const serialNumber of this.disks) this.#store.saveDisk(serialNumber, record);
  }

  #wholeImage(): Checked {
    const beginning = this.#chunk(0);
    const header = readImageHeader(beginning.subarray(0, SECTOR_BYTES));
    const { offset, bytes: length } = BOOT_RECORD;
    const record = header ? undefined : readBootRecord(beginning.subarray(offset, offset + length));
    const end = header?.bytes ?? (record && record.startBytes + record.bytes);
    if (end === undefined) return undefined;
    // No disk of an array holds more of it than all of it.
    const positions = Math.ceil(end / CHUNK_BYTES);
    const key = this.disks.map((serialNumber) => this.#store.contentDigest(serialNumber, positions)).join(' ');
    if (!checked.has(key)) {
      if (checked.size >= CHECKED_CONTENTS) checked.delete(checked.keys().next().value!);
      checked.set(key, header ? this.#check(header) : this.#checkUnpacked(record!));
    }
    return checked.get(key);
  }

  #check(header: ImageHeader): Checked {
    const whole = createHash('sha256').update(this.#chunk(0).subarray(0, SECTOR_BYTES));
    const content = createHash('sha256');
    for (const chunk of this.read(SECTOR_BYTES, header.bytes - SECTOR_BYTES)) {
      whole.update(chunk);
      content.update(chunk);
    }
    if (content.digest('hex') !== header.contentSHA256) return undefined;
    return { image: header.name, bytes: header.bytes, sha256: whole.digest('hex') };
  }

  #checkUnpacked({ startBytes, bytes, sha256 }: BootRecord): Checked {
    const found = createHash('sha256');
    for (const chunk of this.read(startBytes, bytes)) found.update(chunk);
    if (found.digest('hex') !== sha256) return undefined;
    // Behind the archive's own header.
    const sector = Buffer.concat([...this.read(startBytes + SECTOR_BYTES, SECTOR_BYTES)]);
    const header = readImageHeader(sector);
    return header && { image: header.name, bytes, sha256 };
  }

  #chunk(position: number): Buffer {
    const place = this.#layout.places(position)[0]!;
    return this.#store.readChunk(place.serialNumber, place.position);
  }

  #chunkToChange(position: number): Buffer {
    return Buffer.from(this.#chunk(position));
  }
}
