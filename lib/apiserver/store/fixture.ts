// What the store's tests are made with: a store in a directory of its own, and objects for it.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { KubeObject } from '../json.ts';
import { Store, type StoreOptions } from './store.ts';

export const object = (name: string, value: string | number = ''): KubeObject => ({
  apiVersion: 'v1',
  kind: 'Thing',
  metadata: { name },
  value,
});

/** @param run gets the path that a database may be made at */
export async function inDirectory(run: (path: string) => Promise<void>): Promise<void> {
  const dir = await mkdtemp(join(tmpdir(), 'store-'));
  try {
    await run(join(dir, 'state.db'));
  } finally {
    await rm(dir, { recursive: true });
  }
}

export async function withStore(options: StoreOptions, run: (store: Store) => Promise<void>): Promise<void> {
  const store = await Store.open(options);
  try {
    await run(store);
  } finally {
    await store.close();
  }
}

/** Why a store does not open; "" when it does. */
export async function refusal(options: StoreOptions): Promise<string> {
  try {
    await withStore(options, () => Promise.resolve());
    return '';
  } catch (error) {
    return (error as Error).message;
  }
}
