// test-deadline: 400
// What Git holds stays Git's: the same files applied again, by kubectl's client-side or server-side apply or by bmp sync, change nothing
// however much the operator has done since, and the operator owns no field that people write.
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { API_VERSION, DEVICES, INSTANCES, PLACEMENTS } from '../../lib/api/resources.ts';
import { writeManifests } from '../../lib/cli/manifests.ts';
import type { KubeObject, Resource } from '../../lib/kube/resource.ts';
import type { Manifest } from '../../lib/sim/manifests.ts';
import { peerTest } from '../../lib/testing/peers.ts';
import { tempDir } from '../../lib/testing/temp-dir.ts';
import { kstatusOf } from './health.ts';
import { conditionOf, instanceNamed, type Platform, startPlatform } from './platform.ts';

const run = promisify(execFile);
const OPERATOR = 'bmp-operator';

/** All that the operator may own outside of a status. */
const OWNED = [
  /^f:metadata$/,
  /^f:metadata f:finalizers( v:"bmp\.dev\/[a-z]+")?$/,
  /^f:metadata f:finalizers \.$/,
  /^f:metadata f:annotations( (\.|f:bmp\.dev\/[a-z-]+))?$/,
  /^f:spec$/,
  /^f:spec f:claimRef( |$)/,
];

interface Owner {
  readonly manager: string;
  readonly subresource?: string;
  readonly fieldsV1: Fields;
}
interface Fields {
  readonly [path: string]: Fields;
}

const paths = (fields: Fields, above = ''): string[] =>
  Object.entries(fields).flatMap(([name, below]) => {
    const path = above ? `${above} ${name}` : name;
    return [path, ...paths(below, path)];
  });

/** What the operator owns of it, but for the status. */
const ownedBy = (object: KubeObject): string[] =>
  ((object.metadata.managedFields ?? []) as Owner[])
    .filter(({ manager }) => manager.startsWith(OPERATOR))
    .flatMap(({ fieldsV1 }) => paths(fieldsV1))
    .filter((path) => !path.startsWith('f:status'));

/** A Secret as it is stored: of stringData, apply says each time anew that it was configured. */
function encoded(object: Manifest): Manifest {
  const { stringData, ...rest } = object;
  if (!stringData) return object;
  const data = Object.entries(stringData).map(([key, text]) => [key, Buffer.from(String(text)).toString('base64')]);
  return { ...rest, data: Object.fromEntries(data) as Record<string, string> };
}

async function everything({ client }: Platform): Promise<KubeObject[]> {
  const pages = [DEVICES, INSTANCES, PLACEMENTS].map((resource) => client.list(resource as Resource));
  return (await Promise.all(pages)).flatMap(({ items }) => items);
}

const versions = (objects: readonly KubeObject[]) =>
  Object.fromEntries(objects.map(({ kind, metadata }) => [`${kind} ${metadata.name}`, metadata.resourceVersion]));

const MAIN = new URL('../main.ts', import.meta.url).pathname;

interface Way {
  readonly name: string;
  /** The command that applies a folder, and the one that shows what it would change. */
  readonly apply: (kubeconfig: string, folder: string) => [command: string, ...args: string[]];
  readonly diff: (kubeconfig: string, folder: string) => [command: string, ...args: string[]];
  /** What neither says when there is nothing to do. */
  readonly news: RegExp;
}

/** Validation is the server's business: kubectl would fetch all schemas first, each time. */
const kubectlWay = (name: string, ...flags: string[]): Way => ({
  name,
  apply: (kubeconfig, folder) => [
    'kubectl',
    '--kubeconfig',
    kubeconfig,
    'apply',
    ...flags,
    '--validate=false',
    '-f',
    folder,
  ],
  diff: (kubeconfig, folder) => ['kubectl', '--kubeconfig', kubeconfig, 'diff', ...flags, '-f', folder],
  news: / (configured|created)$/m,
});
const syncOf = (kubeconfig: string, folder: string): [string, ...string[]] => [
  process.execPath,
  MAIN,
  'sync',
  folder,
  '--once',
  '--kubeconfig',
  kubeconfig,
];
const WAYS: readonly Way[] = [
  kubectlWay('client-side'),
  kubectlWay('server-side', '--server-side', '--field-manager=git'),
  {
    name: 'by bmp sync',
    apply: syncOf,
    diff: (kubeconfig, folder) => [...syncOf(kubeconfig, folder), '--dry-run'],
    news: /\b[1-9]\d* (created|changed|deleted)|would be/,
  },
];

for (const way of WAYS) {
  peerTest('kubectl', 'kubernetes-client')(
    `spec fields that controllers write fight Git: applied ${way.name} and applied again, nothing changes`,
    async () => {
      await using dir = await tempDir();
      const platform = await startPlatform({ count: 2 });
      const kubectl = (...args: string[]) => run('kubectl', ['--kubeconfig', platform.kubeconfig, ...args]);
      const said = async ([command, ...args]: [string, ...string[]]) => (await run(command, args)).stdout;
      const apply = () => said(way.apply(platform.kubeconfig, dir.path));
      try {
        const instance = {
          apiVersion: API_VERSION,
          kind: 'Instance',
          ...instanceNamed('web-1', { vmHost: { enabled: true } }),
        };
        const spec = { resources: { cpu: '4', memory: '8Gi' } };
        const metadata = { name: 'vm-1', namespace: 'default' };
        const placement = { apiVersion: API_VERSION, kind: 'Placement', metadata, spec };
        const objects = [...platform.fleet.manifests().map(encoded), instance, placement];
        writeManifests(join(dir.path, 'all.yaml'), objects);
        platform.adopt(objects);
        await apply();
        await kubectl('wait', '--for=condition=Ready', '--timeout=90s', 'instance/web-1', '-n', 'default');
        await platform.until(
          'all to come to rest',
          ({ devices, instances, placements }) =>
            placements.every(({ status }) => status?.phase === 'Bound') &&
            [...devices, ...instances].every((object) => kstatusOf(object as KubeObject) === 'Current') &&
            // The first reading of the sensors comes by itself, some time after.
            devices.every((device) => conditionOf(device, 'Healthy') !== undefined) &&
            instances.every(({ status }) => status?.allocated?.placements === 1),
        );
        const before = await everything(platform);
        const told = await apply();
        const after = await everything(platform);
        assert.equal(versions(after), versions(before));
        assert.not.match(told, way.news);
        const difference = await said(way.diff(platform.kubeconfig, dir.path));
        assert.not.match(difference, way.news);
        for (const object of after) {
          const foreign = ownedBy(object).filter((path) => !OWNED.some((allowed) => allowed.test(path)));
          assert.equal(foreign, [], `${object.kind} ${object.metadata.name}`);
        }
        assert.ok(
          after.some((object) => ownedBy(object).includes('f:spec f:claimRef')),
          'owners were looked at',
        );
      } finally {
        await platform.close();
      }
    },
  );
}

test.run();
