// A folder and a cluster for tests, and a sync of the one into the other.
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { startApiServer } from '../apiserver/server.ts';
import { CRDS, installDefinitions, readManifests } from '../cli/manifests.ts';
import { createClient, type KubeClient } from '../kube/client.ts';
import { systemClock } from '../runtime/clock.ts';
import { tempDir } from '../testing/temp-dir.ts';
import { type ApplySet, applySet } from './apply-set.ts';
import { createCheck } from './check.ts';
import type { KeepOptions } from './keep.ts';
import { syncedKinds } from './kinds.ts';
import { Sync, type SyncOptions } from './pass.ts';

const definitions = readManifests(CRDS);
const kinds = syncedKinds(definitions);
const check = createCheck(kinds);

export interface World extends AsyncDisposable {
  readonly client: KubeClient;
  readonly kubeconfig: string;
  /** The folder. */
  readonly path: string;
  write(file: string, text: string): Promise<void>;
  remove(file: string): Promise<void>;
  /** A sync of the folder, or of another one; `lines` gets what it prints. */
  keep(lines: string[], more?: Partial<SyncOptions & Pick<KeepOptions, 'folder'>>): KeepOptions;
  /** Stops the server, which comes back where it was. */
  restart(meanwhile: () => Promise<void>): Promise<void>;
}

export const setOf = (name: string): ApplySet => applySet(name, 'default');

export async function world(): Promise<World> {
  const dir = await tempDir();
  const path = join(dir.path, 'manifests');
  await mkdir(path);
  const start = () => startApiServer({ dir: join(dir.path, 'server') });
  let server = await start();
  const kubeconfig = server.kubeconfigPath;
  const client = createClient({ kubeconfig });
  await installDefinitions(client, new AbortController().signal, definitions);
  return {
    client,
    kubeconfig,
    path,
    async write(file, text) {
      await mkdir(join(path, file, '..'), { recursive: true });
      await writeFile(join(path, file), text);
    },
    remove: (file) => rm(join(path, file)),
    keep(lines, more = {}) {
      const print = (line: string) => lines.push(line);
      const options = { client, kinds, set: setOf('one'), dryRun: false, prune: true, pruneAfterMs: 0, now: Date.now };
      const sync = new Sync({ ...options, print, ...more });
      return {
        folder: more.folder ?? path,
        sync,
        check,
        clock: systemClock,
        random: Math.random,
        print,
        resyncMs: 200,
      };
    },
    async restart(meanwhile) {
      await server.close();
      await meanwhile();
      server = await start();
    },
    async [Symbol.asyncDispose]() {
      await client.close();
      await server.close();
      await dir[Symbol.asyncDispose]();
    },
  };
}

const object = (kind: string, name: string, rest: string) => `apiVersion: bmp.dev/v1alpha1
kind: ${kind}
metadata: {name: ${name}}
spec: ${rest}
---
`;

export const site = (name: string, region = 'eu'): string => object('Site', name, `{region: ${region}}`);
export const image = (name: string, format = 'raw'): string =>
  object(
    'Image',
    name,
    `{url: "https://example.com/${name}", sha256: ${'a'.repeat(64)}, format: ${format}, architecture: x86_64, bootModes: [UEFI]}`,
  );
export const device = (name: string, more = ''): string =>
  object(
    'Device',
    name,
    `{bmc: {address: "ipmi://192.0.2.1"}, bootMACAddress: "52:54:00:00:00:01", site: fra1${more}}`,
  );
export const secret = (name: string, password: string): string => `apiVersion: v1
kind: Secret
metadata: {name: ${name}}
stringData: {username: admin, password: ${password}}
---
`;
