// A simulated disk: bytes that stay, read and written at any offset, and what a firmware makes of them.
import { createHash } from 'node:crypto';
import { AgentError } from '../../agent/errors.ts';
import type { DiskFacts, SeedFiles } from '../../provision/protocol.ts';
import { type ImageHeader, readImageHeader, SECTOR_BYTES } from '../image.ts';
import { CHUNK_BYTES, type FleetStore } from '../store.ts';

/** An image that is whole on a disk, and what was put beside it. */
export interface InstalledSystem {
  readonly image: string;
  readonly bytes: number;
  /** Of the whole image as it is on the disk, hex. */
  readonly sha256: string;
  readonly seed?: SeedFiles;
  /** User → crypt(5) hash. */
  readonly passwords: Readonly<Record<string, string>>;
}

type Checked = { readonly header: ImageHeader; readonly sha256: string } | undefined;

/** Whether a content is a whole image is asked at each boot and is the same for all disks that hold it. */
const CHECKED_CONTENTS = 64;
const checked = new Map<string, Checked>();

export class SimulatedDisk {
  readonly facts: DiskFacts;
  readonly #store: FleetStore;

  constructor(facts: DiskFacts, store: FleetStore) {
    this.facts = facts;
    this.#store = store;
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
      this.#store.writeChunk(this.facts.serialNumber, Math.floor((at - 1) / CHUNK_BYTES), chunk);
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
    this.#store.erase(this.facts.serialNumber);
  }

  isEmpty(): boolean {
    return this.#store.chunksUsed(this.facts.serialNumber) === 0;
  }

  putSeed(seed: SeedFiles): void {
    this.#store.saveDisk(this.facts.serialNumber, { ...this.#store.disk(this.facts.serialNumber), seed });
  }

  putPassword(user: string, hash: string): void {
    const record = this.#store.disk(this.facts.serialNumber);
    const passwords = { ...record.passwords, [user]: hash };
    this.#store.saveDisk(this.facts.serialNumber, { ...record, passwords });
  }

  /** Another system is about to be written: the last one's files are not this one's. */
  forgetSystem(): void {
    this.#store.saveDisk(this.facts.serialNumber, { passwords: {} });
  }

  /** What a firmware would boot here; undefined unless a whole image is on the disk. */
  installed(): InstalledSystem | undefined {
    const image = this.#wholeImage();
    if (!image) return undefined;
    const { name, bytes } = image.header;
    return { image: name, bytes, sha256: image.sha256, ...this.#store.disk(this.facts.serialNumber) };
  }

  #wholeImage(): Checked {
    const header = readImageHeader(this.#chunk(0).subarray(0, SECTOR_BYTES));
    if (!header) return undefined;
    const key = this.#store.contentDigest(this.facts.serialNumber, Math.ceil(header.bytes / CHUNK_BYTES));
    if (!checked.has(key)) {
      if (checked.size >= CHECKED_CONTENTS) checked.delete(checked.keys().next().value!);
      checked.set(key, this.#check(header));
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
    return content.digest('hex') === header.contentSHA256 ? { header, sha256: whole.digest('hex') } : undefined;
  }

  #chunk(position: number): Buffer {
    return this.#store.readChunk(this.facts.serialNumber, position);
  }

  #chunkToChange(position: number): Buffer {
    return Buffer.from(this.#chunk(position));
  }
}
