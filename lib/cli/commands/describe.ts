// `bmp describe` and `bmp history`: what an object does, why, and what was done to it.
import type { Device, Instance, Placement } from '../../api/generated.ts';
import { DEVICE_INVENTORIES, DEVICES, INSTANCES, PLACEMENTS } from '../../api/resources.ts';
import { found } from '../../kube/errors.ts';
import { events, type KubeEvent } from '../../kube/events.ts';
import {
  CLUSTER_HELP,
  CLUSTER_OPTIONS,
  type Cluster,
  onCluster,
  oneTargetOf,
  type Target,
  targetsOf,
} from '../cluster.ts';
import type { Command } from '../command.ts';
import { describeDevice, describeInstance, describePlacement, historyLines, type Surroundings } from '../describe.ts';
import { FORM_HELP, FORM_OPTIONS, formOf, inForm } from '../form.ts';
import { read } from '../progress.ts';

async function eventsOf({ client }: Cluster, { resource, name, namespace }: Target): Promise<KubeEvent[]> {
  const fieldSelector = `involvedObject.kind=${resource.kind},involvedObject.name=${name}`;
  // Events of objects without a namespace are in "default".
  return (await client.list(events, { namespace: namespace ?? 'default', fieldSelector })).items;
}

/** The object, and what is told with it. */
interface Described extends Omit<Surroundings, 'now'> {
  readonly object: Device | Instance | Placement;
}

async function described(cluster: Cluster, target: Target): Promise<Described> {
  const object = await read<Device | Instance | Placement>(cluster, target);
  const events = await eventsOf(cluster, target);
  if (target.resource === DEVICES)
    return { object, events, inventory: await found(cluster.client.get(DEVICE_INVENTORIES, target)) };
  if (target.resource === PLACEMENTS) return { object, events };
  const name = (object as Instance).status?.deviceName;
  return {
    object,
    events,
    device: name === undefined ? undefined : await found(cluster.client.get(DEVICES, { name })),
  };
}

function linesOf({ resource }: Target, { object, ...rest }: Described): string[] {
  const around: Surroundings = { now: Date.now(), ...rest };
  if (resource === DEVICES) return describeDevice(object as Device, around);
  if (resource === PLACEMENTS) return describePlacement(object as Placement, around);
  return describeInstance(object as Instance, around);
}

export const describe: Command = {
  name: 'describe',
  summary: 'tell all of an object: what it does, how far it is, and why it does not get on',
  help: `Usage: bmp describe [instance/|device/|placement/]NAME... [options]

Tells what an Instance, a Device or a Placement does, step by step, with the time that it may take; its error and when it is
tried again; its conditions, requests, history and events. A name alone is an Instance's.

As json or yaml: the objects themselves, each as {object, events} with the Device's inventory, or the Instance's device; of
several a list.

${FORM_HELP}
${CLUSTER_HELP}

Example: bmp describe device/r1-01`,
  names: 'instances',
  operands: { least: 1, most: 1000 },
  options: { ...CLUSTER_OPTIONS, ...FORM_OPTIONS },
  async run(values, _, operands) {
    const form = formOf(values);
    const named = targetsOf(operands, [INSTANCES, DEVICES, PLACEMENTS]);
    return onCluster(values, async (cluster) => {
      const targets = named.map((target) => target(cluster));
      const all: Described[] = [];
      for (const target of targets) all.push(await described(cluster, target));
      const text = () => [targets.map((target, index) => linesOf(target, all[index]!).join('\n')).join('\n\n\n')];
      console.log(inForm(form, all.length === 1 ? all[0] : all, text));
      return 0;
    });
  },
};

export const history: Command = {
  name: 'history',
  summary: 'tell what was done to a device, or for an instance, and how it ended',
  help: `Usage: bmp history [device/|instance/]NAME [options]

Prints the last operations on a Device, newest first: what, for whom, how long it took and how it ended. For an Instance: those
of its Device that were done for it. A name alone is a Device's.

${FORM_HELP}
${CLUSTER_HELP}

Example: bmp history r1-01`,
  names: 'devices',
  operands: { least: 1, most: 2 },
  options: { ...CLUSTER_OPTIONS, ...FORM_OPTIONS },
  async run(values, _, words) {
    const form = formOf(values);
    const named = oneTargetOf(words, [DEVICES, INSTANCES]);
    return onCluster(values, async (cluster) => {
      const target = named(cluster);
      const object = await read<Device | Instance>(cluster, target);
      const ofInstance = target.resource === INSTANCES;
      const name = ofInstance ? (object as Instance).status?.deviceName : target.name;
      if (name === undefined) throw new Error(`instance "${target.name}" has no device yet: bmp describe tells why`);
      const device = ofInstance ? await found(cluster.client.get(DEVICES, { name })) : (object as Device);
      const done = device?.status?.history ?? [];
      const mine = ofInstance
        ? done.filter(({ requestedBy }) => requestedBy === `${target.namespace}/${target.name}`)
        : done;
      const nothing =
        done.length === 0
          ? 'nothing was done yet'
          : `nothing was done for it among the last ${done.length} operations of device ${name}`;
      const lines = () => historyLines(Date.now(), mine).map((line) => line.trimStart());
      console.log(inForm(form, [...mine].reverse(), mine.length === 0 ? () => [nothing] : lines));
      return 0;
    });
  },
};
