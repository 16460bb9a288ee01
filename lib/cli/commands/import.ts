// `bmp import`: a spreadsheet of machines as Devices and Secrets.
import { existsSync, writeFileSync } from 'node:fs';
import type { Device } from '../../api/generated.ts';
import { OPERATOR_NAMESPACE } from '../../api/names.ts';
import { DEVICE_TYPES, DEVICES, SECRETS, SITES } from '../../api/resources.ts';
import { found, isUnanswered } from '../../kube/errors.ts';
import type { KubeObject, Resource } from '../../kube/resource.ts';
import { createCheck } from '../../sync/check.ts';
import { differences, essence } from '../../sync/difference.ts';
import { syncedKinds } from '../../sync/kinds.ts';
import { CLUSTER_HELP, CLUSTER_OPTIONS, type Cluster, onCluster } from '../cluster.ts';
import { type Command, text, UsageError } from '../command.ts';
import { COLUMNS, TEMPLATE } from '../import/columns.ts';
import { type Machine, readMachines } from '../import/machines.ts';
import { readSheet } from '../import/sheet.ts';
import { CRDS, readManifests, writeManifests } from '../manifests.ts';

const FIELD_MANAGER = 'bmp-import';
/** Machines at a time: the answers of a server that is far take longer than its work. */
const AT_ONCE = 16;
const width = Math.max(...COLUMNS.map(({ title }) => title.length));

const help = `Usage: bmp import FILE [options]
       bmp import --template [FILE]

Turns a spreadsheet (CSV, or the first sheet of an XLSX file) into Devices, and Secrets with the logins of their BMCs. Every row is
checked before the first is applied, and each bad cell is named. The same file can be imported again: what did not change
stays as it is, and fields that others have written since are not taken over.

Columns, in any order; those marked * must be there:
${COLUMNS.map(({ title, required, about }) => `  ${required ? '*' : ' '} ${title.padEnd(width)}  ${about}`).join('\n')}

  --template               print a file to fill in, or write it to FILE
  --site NAME              of rows that name none
  --bmc-namespace NAME     the operator's own, where the Secrets go (default ${OPERATOR_NAMESPACE})
  --dry-run                check everything, the server too, and change nothing
  --write FILE             write the objects as YAML instead, for Git; the Secrets' values are in it
${CLUSTER_HELP}

Example: bmp import machines.xlsx --site fra1 --dry-run`;

/** What the rows refer to and is not there, and machines that are there under another name. */
async function clashes({ client }: Cluster, machines: readonly Machine[]): Promise<string[]> {
  const problems: string[] = [];
  const devices = machines.map(({ line, device }) => ({ line, ...(device as Device) }));
  const refer = async (resource: Resource, title: string, of: (spec: Device['spec']) => string | undefined) => {
    const lines = Map.groupBy(devices, ({ spec }) => of(spec));
    for (const [name, rows] of lines) {
      if (name === undefined) continue;
      const there = await found(client.get(resource, { name }));
      if (!there)
        problems.push(
          `line ${rows.map(({ line }) => line).join(', ')}, ${title}: there is no ${resource.kind} "${name}"`,
        );
    }
  };
  await refer(SITES, 'site', ({ site }) => site);
  await refer(DEVICE_TYPES, 'device type', ({ deviceType }) => deviceType);
  for await (const { items } of client.pages(DEVICES)) {
    for (const other of items) {
      for (const { line, metadata, spec } of devices) {
        if (metadata.name === other.metadata.name) continue;
        const same = [
          ['boot mac', spec.bootMACAddress === other.spec.bootMACAddress],
          ['bmc address', spec.bmc.address === other.spec.bmc.address],
          ['serial number', spec.serialNumber !== undefined && spec.serialNumber === other.spec.serialNumber],
        ] as const;
        for (const [title, is] of same)
          if (is)
            problems.push(`line ${line}, ${title}: is that of device "${other.metadata.name}", which is there already`);
      }
    }
  }
  return problems;
}

/** @returns `created`, `changed` or `unchanged` */
async function apply({ client }: Cluster, resource: Resource, object: KubeObject, dryRun: boolean): Promise<string> {
  const before = await found(client.get(resource, object.metadata));
  const patch = { type: 'apply', object, fieldManager: FIELD_MANAGER } as const;
  const after = await client.patch(resource, object.metadata, patch, { dryRun, fieldValidation: 'Strict' });
  if (!before) return 'created';
  return differences(essence(before), essence(after)).length === 0 ? 'unchanged' : 'changed';
}

/** @returns what was done; an Error where it could not be */
async function applyMachine(cluster: Cluster, { device, secret }: Machine, dryRun: boolean): Promise<string | Error> {
  try {
    // The Secret first: a Device without it would be told to lack it.
    const login = secret && (await apply(cluster, SECRETS, secret, dryRun));
    const done = await apply(cluster, DEVICES, device, dryRun);
    return done === 'unchanged' && login !== undefined ? login : done;
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
}

async function applyAll(cluster: Cluster, machines: readonly Machine[], dryRun: boolean): Promise<number> {
  const counts: Record<string, number> = {};
  for (let at = 0; at < machines.length; at += AT_ONCE) {
    const lot = machines.slice(at, at + AT_ONCE);
    const outcomes = await Promise.all(lot.map((machine) => applyMachine(cluster, machine, dryRun)));
    for (const [index, outcome] of outcomes.entries()) {
      const { line, device } = lot[index]!;
      const { name } = device.metadata;
      const word = outcome instanceof Error ? 'failed' : outcome;
      counts[word] = (counts[word] ?? 0) + 1;
      if (outcome instanceof Error) console.error(`line ${line}, device "${name}": ${outcome.message}`);
      else if (outcome !== 'unchanged') console.log(`device/${name} ${outcome}${dryRun ? ' (dry run)' : ''}`);
    }
    // A server that is gone would be waited for with every machine that is left.
    const left = machines.length - at - lot.length;
    if (left === 0 || !outcomes.every(isUnanswered)) continue;
    console.error('the server does not answer any more: import the file again, what is done stays as it is');
    counts['not tried'] = left;
    break;
  }
  const all = Object.entries(counts).map(([word, count]) => `${count} ${word}`);
  console.log(`${machines.length} machines: ${all.join(', ')}`);
  return counts.failed === undefined ? 0 : 1;
}

function template(path: string | undefined): number {
  if (path === undefined) process.stdout.write(TEMPLATE);
  else if (existsSync(path)) throw new Error(`${path} is there already, and is not overwritten`);
  else writeFileSync(path, TEMPLATE);
  return 0;
}

function refuse(path: string, problems: readonly string[]): number {
  for (const problem of problems) console.error(`${path}: ${problem}`);
  console.error(`${problems.length} ${problems.length === 1 ? 'problem' : 'problems'}: nothing was changed`);
  return 1;
}

export const importMachines: Command = {
  name: 'import',
  summary: 'make Devices of a spreadsheet of machines',
  help,
  operands: { least: 0, most: 1 },
  options: {
    ...CLUSTER_OPTIONS,
    template: { type: 'boolean' },
    site: { type: 'string' },
    'bmc-namespace': { type: 'string' },
    'dry-run': { type: 'boolean' },
    write: { type: 'string' },
  },
  async run(values, _, [path]) {
    if (values.template === true) return template(path);
    if (path === undefined) throw new UsageError('takes a FILE');
    const check = createCheck(syncedKinds(readManifests(CRDS)));
    const namespace = text(values, 'bmc-namespace') ?? OPERATOR_NAMESPACE;
    const { machines, problems } = readMachines(await readSheet(path), check, {
      site: text(values, 'site'),
      namespace,
    });
    if (problems.length > 0) return refuse(path, problems);
    const file = text(values, 'write');
    if (file !== undefined) {
      writeManifests(
        file,
        machines.flatMap(({ device, secret }) => (secret ? [secret, device] : [device])),
      );
      console.log(`wrote ${file}: ${machines.length} machines`);
      return 0;
    }
    return onCluster(values, async (cluster) => {
      const clashing = await clashes(cluster, machines);
      return clashing.length > 0 ? refuse(path, clashing) : applyAll(cluster, machines, values['dry-run'] === true);
    });
  },
};
