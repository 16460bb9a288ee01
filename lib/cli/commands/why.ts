// `bmp why`: why a Placement is where it is, or why no host fits.
import type { Instance, Placement } from '../../api/generated.ts';
import { INSTANCES, PLACEMENTS } from '../../api/resources.ts';
import { CLUSTER_HELP, CLUSTER_OPTIONS, onCluster, targetOf } from '../cluster.ts';
import { type Command, text, UsageError, type Values } from '../command.ts';
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
now; it counts as if it had no place yet. For an Instance, what the search for its device came to. Nothing is changed.

  -o, --output FORM      text or json (default text)
${SCHEDULER_HELP}
${CLUSTER_HELP}

Example: bmp why placement/vm-1`,
  operands: { least: 1, most: 1 },
  options: { ...CLUSTER_OPTIONS, ...SCHEDULER_OPTIONS, output: { type: 'string', short: 'o' } },
  run(values, _, [word]) {
    const form = outputOf(values);
    const configuration = configurationOf(values);
    const named = targetOf(word!, [PLACEMENTS, INSTANCES]);
    return onCluster(values, async (cluster) => {
      const target = named(cluster);
      const object = await read<Placement | Instance>(cluster, target);
      const scheduled = scheduledOf(object);
      if (target.resource === INSTANCES) return tellOfInstance(object as Instance, scheduled?.message, form);
      const placement = object as Placement;
      const schedule = scheduleOf(await readSnapshot(cluster.client, cluster.namespace), configuration);
      const explanation = schedule.scheduler.explain(schedule.request(placement), RUNNERS_UP);
      const home = placement.status?.phase === 'Bound' ? placement.status.nodeName : undefined;
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

function tellOfInstance({ metadata, status }: Instance, message: string | undefined, form: 'text' | 'json'): number {
  const deviceName = status?.deviceName;
  if (form === 'json') console.log(JSON.stringify({ instance: metadata.name, deviceName, message }, null, 2));
  else console.log(`instance/${metadata.name}: ${message ?? 'was not looked at yet'}`);
  return 0;
}
