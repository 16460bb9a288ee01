// Whether everything is as the specs want it: what the API says, and what the machines say. Pure, but for looking.
import type { Device, Instance, Placement } from '../../../lib/api/generated.ts';
import type { Everything } from '../../../lib/cli/overview.ts';
import type { SimulatedFleet } from '../../../lib/sim/fleet.ts';
import type { Wanted, Wish } from './changes.ts';

/** What is not as wanted, as far as the API tells; empty when all is. */
export function unsettled(all: Everything, wanted: Wanted): string[] {
  const instances = new Map(all.instances.map((instance) => [instance.metadata.name, instance]));
  const uids = new Set(all.instances.map(({ metadata }) => metadata.uid));
  const canHost = all.instances.some(({ spec, status }) => spec.vmHost?.enabled && status?.phase === 'Running');
  return [
    ...all.devices.flatMap((device) =>
      deviceFaults(device, uids).map((fault) => `device ${device.metadata.name}: ${fault}`),
    ),
    ...[...wanted.instances].flatMap(([name, wish]) =>
      instanceFaults(instances.get(name), wish).map((fault) => `instance ${name}: ${fault}`),
    ),
    ...all.instances
      .filter(({ metadata }) => !wanted.instances.has(metadata.name))
      .map(({ metadata, status }) => `instance ${metadata.name}: not wanted any more, ${status?.phase}`),
    ...placementFaults(all.placements, instances, wanted, canHost),
    ...all.instances.flatMap((host) => ledgerFaults(host, all.placements)),
  ];
}

function deviceFaults({ metadata, spec, status }: Device, uids: ReadonlySet<string | undefined>): string[] {
  const { phase, operation, error } = status ?? {};
  const faults: string[] = [];
  if (metadata.deletionTimestamp) faults.push('being deleted');
  if (error) faults.push(`${error.code}, ${error.count} times: ${error.message}`);
  if (operation) faults.push(`${operation.kind} at ${operation.step}`);
  if (spec.claimRef && !uids.has(spec.claimRef.uid)) faults.push(`claimed by ${spec.claimRef.name}, which is gone`);
  const rest = spec.claimRef ? 'InUse' : 'Available';
  if (phase !== rest) faults.push(`${phase} instead of ${rest}`);
  return faults;
}

function instanceFaults(instance: Instance | undefined, wish: Wish): string[] {
  if (!instance) return ['missing'];
  const { phase, conditions, image, requests } = instance.status ?? {};
  const faults: string[] = [];
  if (instance.metadata.deletionTimestamp) faults.push('being deleted');
  const rest = wish.power === 'On' ? 'Running' : 'Stopped';
  if (phase !== rest) {
    const said = conditions?.map(({ type, status, message }) => `${type}=${status} ${message}`).join('; ');
    faults.push(`${phase} instead of ${rest} (${said})`);
  }
  if (image !== wish.image) faults.push(`image ${image} instead of ${wish.image}`);
  for (const [name, value] of Object.entries(wish.requests)) {
    const answer = requests?.[name as keyof Wish['requests']];
    // A machine that is to stay off is not restarted.
    const waits = name === 'restart' && wish.power === 'Off';
    if (!waits && (answer?.value !== value || answer.result !== 'Succeeded'))
      faults.push(`${name} ${value} is at ${JSON.stringify(answer)}`);
  }
  return faults;
}

function placementFaults(
  placements: readonly Placement[],
  instances: ReadonlyMap<string, Instance>,
  { placements: wanted }: Wanted,
  canHost: boolean,
): string[] {
  const there = new Set(placements.map(({ metadata }) => metadata.name));
  const missing = [...wanted].filter((name) => !there.has(name)).map((name) => `placement ${name}: missing`);
  const faults = placements.flatMap(({ metadata: { name }, status }) => {
    if (!wanted.has(name)) return [`placement ${name}: not wanted any more`];
    if (status?.phase !== 'Bound') return canHost ? [`placement ${name}: ${JSON.stringify(status)}`] : [];
    return instances.has(status.nodeName ?? '')
      ? []
      : [`placement ${name}: bound to ${status.nodeName}, which is gone`];
  });
  return [...missing, ...faults];
}

/** A ledger has those that are bound to the host, and no other. */
function ledgerFaults({ metadata: { name }, status }: Instance, placements: readonly Placement[]): string[] {
  const entered = (status?.allocated?.claims ?? [])
    .map((claim) => claim.name)
    .sort()
    .join();
  const bound = placements
    .filter((placement) => placement.status?.phase === 'Bound' && placement.status.nodeName === name)
    .map(({ metadata }) => metadata.name)
    .sort()
    .join();
  return entered === bound ? [] : [`host ${name}: has ${entered} in its ledger, ${bound} are bound`];
}

/** Where the machines are not as wanted; asked for when the API says that all is settled. */
export function misfits(all: Everything, wanted: Wanted, fleet: SimulatedFleet): string[] {
  const images = new Map(fleet.images.map(({ name, sha256 }) => [name, sha256]));
  return all.devices.flatMap(({ metadata: { name }, spec }) => {
    const machine = fleet.machine(name);
    const wish = spec.claimRef && wanted.instances.get(spec.claimRef.name);
    const [power, image] = wish ? [wish.power, images.get(wish.image)] : ['Off', undefined];
    const faults: string[] = [];
    if (machine.power() !== power) faults.push(`machine ${name} is ${machine.power()} instead of ${power}`);
    if (machine.installed()?.sha256 !== image)
      faults.push(`machine ${name} has ${machine.installed()?.image} installed`);
    if (!wish && !machine.disks.every((disk) => disk.isEmpty())) faults.push(`machine ${name} was not wiped`);
    return faults;
  });
}
