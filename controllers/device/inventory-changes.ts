// What is different between two collections of one machine's hardware, in words that say what somebody did to it. Pure.
//
// Parts are told from each other by what is written on them (serial numbers, MAC addresses, slots), and not by the kernel's
// names, which move from boot to boot. A part in another's place is told as one change.
import type { DeviceInventory } from '../../lib/api/generated.ts';
import { bytes } from '../../lib/api/quantity.ts';

export type Spec = DeviceInventory['spec'];
type Disk = NonNullable<Spec['disks']>[number];
type Nic = NonNullable<Spec['nics']>[number];

const MOST = 64;
const LONGEST = 256;
const NOTHING = 'nothing';

const gigabytes = (size: string | undefined) => (size === undefined ? '?' : `${Math.round(bytes(size) / 1e9)} GB`);
const described = ({ serialNumber, size, model }: Disk) =>
  `serial ${serialNumber}, ${gigabytes(size)}, ${model ?? '?'}`;
const soundness = ({ failed }: Disk) => (failed ? 'failed' : 'sound');
const neighbour = ({ lldp }: Nic) => (lldp ? `${lldp.switchName} ${lldp.port}` : NOTHING);

/** A value that has changed; nothing where it has not. */
function changed(what: string, before: string | number | undefined, after: string | number | undefined): string[] {
  return before === after ? [] : [`${what}: ${before ?? NOTHING} → ${after ?? NOTHING}`];
}

/** Of two lists: parts in both, by key; and those in only one of them. */
function compared<T>(before: readonly T[], after: readonly T[], key: (part: T) => string | undefined) {
  const find = (list: readonly T[], part: T) => list.find((other) => key(other) === key(part));
  return {
    both: before.flatMap((part) => {
      const now = find(after, part);
      return now === undefined ? [] : [[part, now] as const];
    }),
    gone: before.filter((part) => find(after, part) === undefined),
    added: after.filter((part) => find(before, part) === undefined),
  };
}

function disks(before: readonly Disk[], after: readonly Disk[]): string[] {
  const { both, gone, added } = compared(before, after, ({ serialNumber }) => serialNumber);
  // Where it is plugged in, as far as that is known.
  const place = ({ hctl, name }: Disk) => hctl ?? name;
  const inItsPlace = (disk: Disk) => added.find((other) => place(other) === place(disk));
  const replaced = new Set(gone.map(inItsPlace));
  return [
    ...gone.flatMap((disk) => {
      const next = inItsPlace(disk);
      if (!next) return [`disk ${disk.name}: gone (${described(disk)})`];
      return [
        `disk ${next.name}: serial ${disk.serialNumber} → ${next.serialNumber}`,
        ...changed(`disk ${next.name}: size`, gigabytes(disk.size), gigabytes(next.size)),
        ...changed(`disk ${next.name}: model`, disk.model, next.model),
      ];
    }),
    ...added.filter((disk) => !replaced.has(disk)).map((disk) => `disk ${disk.name}: new (${described(disk)})`),
    ...both.flatMap(([old, now]) => [
      ...changed(`disk ${now.name}: size`, gigabytes(old.size), gigabytes(now.size)),
      ...changed(`disk ${now.name}: state`, soundness(old), soundness(now)),
    ]),
  ];
}

function nics(before: readonly Nic[], after: readonly Nic[]): string[] {
  const { both, gone, added } = compared(before, after, ({ macAddress }) => macAddress);
  const inItsPlace = (nic: Nic) => added.find(({ name }) => name === nic.name);
  const replaced = new Set(gone.map(inItsPlace));
  return [
    ...gone.map((nic) => {
      const next = inItsPlace(nic);
      return next
        ? `interface ${nic.name}: MAC address ${nic.macAddress} → ${next.macAddress}`
        : `interface ${nic.name}: gone (${nic.macAddress})`;
    }),
    ...added.filter((nic) => !replaced.has(nic)).map((nic) => `interface ${nic.name}: new (${nic.macAddress})`),
    ...both.flatMap(([old, now]) => {
      const link = ({ linkUp }: Nic) => (linkUp ? 'up' : 'down');
      const speed =
        old.linkUp && now.linkUp ? changed(`interface ${now.name}: Mb/s`, old.speedMbps, now.speedMbps) : [];
      return [
        ...changed(`interface ${now.name}: link`, link(old), link(now)),
        ...speed,
        ...changed(`interface ${now.name}: neighbour`, neighbour(old), neighbour(now)),
      ];
    }),
  ];
}

function memory(before: Spec['memory'], after: Spec['memory']): string[] {
  const told = ({ size, type, speedMTs }: { size?: string; type?: string; speedMTs?: number }) =>
    [size, type, speedMTs && `${speedMTs} MT/s`].filter(Boolean).join(' ');
  const { both, gone, added } = compared(before?.modules ?? [], after?.modules ?? [], ({ slot }) => slot);
  return [
    ...changed('memory', before?.total, after?.total),
    ...gone.map((module) => `memory module ${module.slot}: ${told(module)} → ${NOTHING}`),
    ...added.map((module) => `memory module ${module.slot}: ${NOTHING} → ${told(module)}`),
    ...both.flatMap(([old, now]) => changed(`memory module ${now.slot}`, told(old), told(now))),
  ];
}

/** RAID controllers, by where they are plugged in. */
function controllers(before: NonNullable<Spec['controllers']>, after: NonNullable<Spec['controllers']>): string[] {
  const { both, gone, added } = compared(before, after, ({ name }) => name);
  return [
    ...gone.map(({ name, model }) => `RAID controller ${name}: gone (${model})`),
    ...added.map(({ name, model }) => `RAID controller ${name}: new (${model})`),
    ...both.flatMap(([old, now]) => [
      ...changed(`RAID controller ${now.name}: serial`, old.serialNumber, now.serialNumber),
      ...changed(`RAID controller ${now.name}: firmware`, old.firmware, now.firmware),
    ]),
  ];
}

/** GPUs tell nothing that would tell two of a model apart. */
function gpus(before: readonly { model?: string }[], after: readonly { model?: string }[]): string[] {
  const count = (list: readonly { model?: string }[], model: string | undefined) =>
    list.filter((gpu) => gpu.model === model).length;
  const models = [...new Set([...before, ...after].map(({ model }) => model))];
  return models.flatMap((model) => changed(`GPUs ${model}`, count(before, model), count(after, model)));
}

/** One sentence a change; none: it is the same hardware. */
export function inventoryChanges(before: Spec, after: Spec): string[] {
  const found = [
    ...changed('serial number', before.serialNumber, after.serialNumber),
    ...changed('model', before.model, after.model),
    ...changed('firmware', before.firmware, after.firmware),
    ...changed('architecture', before.architecture, after.architecture),
    ...changed('boot mode', before.bootMode, after.bootMode),
    ...changed('CPU', before.cpu?.model, after.cpu?.model),
    ...changed('CPU sockets', before.cpu?.sockets, after.cpu?.sockets),
    ...changed('CPU cores', before.cpu?.cores, after.cpu?.cores),
    ...memory(before.memory, after.memory),
    ...disks(before.disks ?? [], after.disks ?? []),
    ...controllers(before.controllers ?? [], after.controllers ?? []),
    ...nics(before.nics ?? [], after.nics ?? []),
    ...gpus(before.gpus ?? [], after.gpus ?? []),
    ...changed('BMC address', before.bmc?.address, after.bmc?.address),
    ...changed('BMC MAC address', before.bmc?.macAddress, after.bmc?.macAddress),
  ].map((text) => text.slice(0, LONGEST));
  return found.length <= MOST ? found : [...found.slice(0, MOST - 1), `and ${found.length - MOST + 1} more`];
}
