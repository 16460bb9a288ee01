// GET /snapshot: the database as it is at one moment, in one file. PUT /snapshot: the objects of such a file instead of the present ones.
// Both while everything else goes on; both for whoever may do anything, as Secrets are among it.
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir, mkdtemp, rm, stat } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { badRequest, methodNotAllowed } from '../status.ts';
import { StorageError } from '../store/log.ts';
import { type Restored, restore } from '../store/restore.ts';
import { Store, type StoreOptions } from '../store/store.ts';
import type { Reply } from './respond.ts';

export const SNAPSHOT_PATH = '/snapshot';

export class Snapshots {
  readonly #store: Store;
  readonly #options: StoreOptions & { readonly keyFile: string };
  readonly #directory: string;

  private constructor(store: Store, options: StoreOptions & { readonly keyFile: string }, directory: string) {
    this.#store = store;
    this.#options = options;
    this.#directory = directory;
  }

  /**
   * @param options what the store was opened with: backups have the same keys
   * @param directory for files on their way; what a crash left there is removed
   */
  static async open(
    store: Store,
    options: StoreOptions & { readonly keyFile: string },
    directory: string,
  ): Promise<Snapshots> {
    await rm(directory, { recursive: true, force: true });
    await mkdir(directory, { mode: 0o700 });
    return new Snapshots(store, options, directory);
  }

  /** @returns undefined when the answer is a stream, already begun @throws ApiError 400 for a file that is no backup; StorageError */
  async answer(request: IncomingMessage, response: ServerResponse): Promise<Reply | undefined> {
    switch (request.method) {
      case 'GET':
        await this.#inFile((path) => this.#download(path, response));
        return undefined;
      case 'PUT':
        return this.#inFile(async (path) => {
          await pipeline(request, createWriteStream(path));
          return { code: 200, text: JSON.stringify(await this.#restore(path)), contentType: 'application/json' };
        });
      default:
        throw methodNotAllowed();
    }
  }

  async #inFile<T>(work: (path: string) => Promise<T>): Promise<T> {
    const directory = await mkdtemp(join(this.#directory, 'snapshot-'));
    try {
      return await work(join(directory, 'state.db'));
    } finally {
      await rm(directory, { recursive: true });
    }
  }

  async #download(path: string, response: ServerResponse): Promise<void> {
    await this.#store.backup(path);
    const { size } = await stat(path);
    response.writeHead(200, { 'Content-Type': 'application/vnd.sqlite3', 'Content-Length': size });
    await pipeline(createReadStream(path), response);
  }

  async #restore(path: string): Promise<Restored> {
    let saved: Store;
    try {
      saved = await Store.open({ ...this.#options, path });
    } catch (error) {
      if (error instanceof StorageError) throw badRequest(`this backup cannot be restored: ${error.message}`);
      throw error;
    }
    try {
      return await restore(this.#store, saved);
    } finally {
      await saved.close();
    }
  }
}
