// `bmp why`: why a Placement is where it is, or why no host fits.
import type { Instance, Placement } from '../../api/generated.ts';
import { INSTANCES, PLACEMENTS } from '../../api/resources.ts';
import { isForbidden } from '../../kube/errors.ts';
import { hasPlace, homeOf } from '../../scheduler/kubernetes/ledger-entries.ts';
import type { Configuration } from '../../scheduler/profiles.ts';
import { CLUSTER_HELP, CLUSTER_OPTIONS, type Cluster, onCluster, oneTargetOf } from '../cluster.ts';
import { type Command, text, UsageError, type Values } from '../command.ts';
import { explainInstance, readMachines } from '../device-scheduling.ts';
import { explanationLines } from '../explain.ts';
import { read } from '../progress.ts';
import { configurationOf, readSnapshot, SCHEDULER_HELP, SCHEDULER_OPTIONS, scheduleOf } from '../scheduling.ts';

const RUNNERS_UP = 4;

export function outputOf(values: Values): 'text' | 'json' {
  const form = text(values, 'output') ?? 'text';
  if (form !== 'text' && form !== 'json') throw new UsageError(`--output takes text or json, not "${form}"`);
  return form;
}

const scheduledOf = ({ status }: Placement | Instance) => status?.conditions?.find(({ type }) => type === 'Scheduled');

export const why: Command = {
  name: 'why',
  summary: 'tell why a placement is where it is, or why there is no place for it',
  help: `Usage: bmp why [placement/|instance/]NAME [options]

Tells, for a Placement, how many hosts were turned away for what, and what every plugin gives the best ones, as things stand
now; it counts as if it had no place yet, and one that waits for a reservation as if it were in its place. For an Instance the same of devices, for those who may read them. Nothing is changed.

  -o, --output FORM      text or json (default text)
${SCHEDULER_HELP}
${CLUSTER_HELP}

Example: bmp why placement/vm-1`,
  names: 'placements',
  operands: { least: 1, most: 2 },
  options: { ...CLUSTER_OPTIONS, ...SCHEDULER_OPTIONS, output: { type: 'string', short: 'o' } },
  run(values, _, words) {
    const form = outputOf(values);
    const configuration = configurationOf(values);
    const named = oneTargetOf(words, [PLACEMENTS, INSTANCES]);
    return onCluster(values, async (cluster) => {
      const target = named(cluster);
      const object = await read<Placement | Instance>(cluster, target);
      const scheduled = scheduledOf(object);
      if (target.resource === INSTANCES)
        return tellOfInstance(cluster, object as Instance, scheduled?.message, configuration, form);
      const placement = object as Placement;
      const schedule = scheduleOf(await readSnapshot(cluster.client, cluster.namespace), configuration);
      const explanation = schedule.scheduler.explain(schedule.request(placement), RUNNERS_UP);
      const home = hasPlace(placement) ? homeOf(placement) : undefined;
      if (form === 'json') {
        console.log(JSON.stringify({ placement: target.name, nodeName: home, ...explanation }, null, 2));
        return 0;
      }
      console.log(`placement/${target.name}: ${scheduled?.message ?? 'was not looked at yet'}`);
      console.log(explanationLines(explanation, home).join('\n'));
      for (const [host, error] of schedule.unreadable) console.log(`${host} was left out: ${error.message}`);
      return 0;
    });
  },
};

async function tellOfInstance(
  { client }: Cluster,
  instance: Instance,
  message: string | undefined,
  configuration: Configuration,
  form: 'text' | 'json',
): Promise<number> {
  const { name } = instance.metadata;
  const machines = await unlessForbidden(readMachines(client));
  const explanation = machines && explainInstance(instance, machines, configuration, RUNNERS_UP);
  const uid = instance.metadata.uid;
  const claimed = machines?.devices.find(({ spec }) => spec.claimRef?.uid === uid)?.metadata.name;
  const deviceName = claimed ?? instance.status?.deviceName;
  if (form === 'json') {
    console.log(JSON.stringify({ instance: name, deviceName, message, ...explanation }, null, 2));
    return 0;
  }
  console.log(`instance/${name}: ${message ?? 'was not looked at yet'}`);
  if (explanation) console.log(explanationLines(explanation, deviceName, 'device').join('\n'));
  else if (!machines) console.log('how devices compare is for those who may read them');
  return 0;
}

/** Tenants see their Instances, and not the machines. */
async function unlessForbidden<T>(answer: Promise<T>): Promise<T | undefined> {
  try {
    return await answer;
  } catch (error) {
    if (isForbidden(error)) return undefined;
    throw error;
  }
}
