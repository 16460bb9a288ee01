// `bmp get`: devices, instances and placements in one table.
import type { Device, Instance, Placement } from '../../api/generated.ts';
import { DEVICES, INSTANCES, PLACEMENTS } from '../../api/resources.ts';
import type { KubeObject, Resource } from '../../kube/resource.ts';
import { CLUSTER_HELP, CLUSTER_OPTIONS, type Cluster, kindNamed, nameOf, onCluster } from '../cluster.ts';
import { type Command, UsageError } from '../command.ts';
import { FORM_OPTIONS, formOf, inForm } from '../form.ts';
import { overview } from '../overview.ts';

const KINDS = { devices: DEVICES, instances: INSTANCES, placements: PLACEMENTS } as const;
type Kind = keyof typeof KINDS;
const ALL = Object.keys(KINDS) as Kind[];

/** @throws UsageError for a word that names none of them */
function kindOf(word: string, index: number, [first]: readonly string[]): Kind {
  const resource = kindNamed(word);
  const kind = ALL.find((one) => KINDS[one] === resource);
  if (kind) return kind;
  const [type, name] = index === 0 ? word.split('/', 2) : [first, word];
  const hint = name ? `: one object is told by bmp describe ${type}/${name}` : '';
  throw new UsageError(`takes ${ALL.join(', ')}, not "${word}"${hint}`);
}

async function all<T extends KubeObject>({ client }: Cluster, resource: Resource<T>, namespace: string | undefined) {
  const items: T[] = [];
  for await (const page of client.pages(resource, { namespace: resource.namespaced ? namespace : undefined }))
    items.push(...page.items);
  return items.map((item) => ({ ...item, apiVersion: `${resource.group}/${resource.version}`, kind: resource.kind }));
}

export const get: Command = {
  name: 'get',
  summary: 'show devices, instances and placements',
  help: `Usage: bmp get [devices] [instances] [placements] [options]

Shows what there is, what it does and how far it is; all three kinds, where none is named.

  -A, --all-namespaces   Instances and Placements of all namespaces
  -o, --output FORM      table, json, yaml, or name: kind/name alone, for other commands (default table)
${CLUSTER_HELP}

Example: bmp get devices`,
  words: ALL,
  operands: { least: 0, most: ALL.length },
  options: {
    ...CLUSTER_OPTIONS,
    'all-namespaces': { type: 'boolean', short: 'A' },
    ...FORM_OPTIONS,
  },
  async run(values, _, operands) {
    const form = formOf(values, 'name');
    const named = operands.map(kindOf);
    const kinds = named.length === 0 ? ALL : ALL.filter((kind) => named.includes(kind));
    return onCluster(values, async (cluster) => {
      const namespace = values['all-namespaces'] === true ? undefined : cluster.namespace;
      const of = async <T extends KubeObject>(kind: Kind) =>
        kinds.includes(kind) ? all(cluster, KINDS[kind] as unknown as Resource<T>, namespace) : [];
      const [devices, instances, placements] = await Promise.all([
        of<Device>('devices'),
        of<Instance>('instances'),
        of<Placement>('placements'),
      ]);
      const items = [...devices, ...instances, ...placements];
      if (form === 'name') {
        for (const item of items) console.log(nameOf(item));
        return 0;
      }
      const list = { apiVersion: 'v1', kind: 'List', items };
      const table = () =>
        items.length === 0
          ? ['nothing was found']
          : overview({ devices, instances, placements }, Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY);
      console.log(inForm(form, list, table));
      return 0;
    });
  },
};
